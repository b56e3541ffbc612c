/** /api/dashboard/chatbot: questions, answered whole or streamed, and their conversations. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ChatbotPart } from '../../contract/answers.ts'
import { assistantApi } from '../../contract/assistant.ts'
import { conversationsApi } from '../../contract/conversations.ts'
import { operationName } from '../../contract/index.ts'
import type { Call } from '../platform/http/http-call.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { Problem } from '../platform/problem.ts'
import type { ReadParts } from './answer-readers.ts'
import type { AssistantService } from './assistant-service.ts'
import type { ConversationService } from './conversation-service.ts'

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}
/** How long a reader may stall, in ms, before its stream is closed; it may resume with the last number that it has. */
const maxStallMs = 30_000
const pingMs = 15_000

export function assistantRoutes(
  http: HttpServer,
  { assistant, conversations }: { assistant: AssistantService; conversations: ConversationService },
): void {
  handle(http, assistantApi.queryChatbot, async call => {
    // Each read of `signal` creates a new one.
    const { signal, caller, requestId } = call
    const asked = { caller, requestId }
    if (!acceptsStream(call.header('accept'))) {
      try {
        return await assistant.query(asked, call.body, signal)
      } catch (error) {
        if (!signal.aborted) throw error
        // The client has disconnected: no response is possible, and the answer goes on without it.
        call.takeResponse().destroy()
        return undefined as never
      }
    }
    await stream(http, call, assistantApi.queryChatbot, await assistant.stream(asked, call.body, signal), signal)
    return undefined as never
  })
  handle(http, assistantApi.listProviders, () => assistant.listProviders())
  handle(http, conversationsApi.listConversations, ({ principal, query }) => conversations.list(principal, query))
  handle(http, conversationsApi.getConversation, ({ principal, params }) =>
    conversations.get(principal, params.conversation_id),
  )
  handle(http, conversationsApi.renameConversation, ({ principal, params, body }) =>
    conversations.rename(principal, params.conversation_id, body.title),
  )
  handle(http, conversationsApi.deleteConversation, async ({ principal, params }) => {
    await conversations.delete(principal, params.conversation_id)
    return undefined
  })
  handle(http, conversationsApi.exportConversation, ({ principal, params }) =>
    conversations.export(principal, params.conversation_id),
  )
  handle(http, conversationsApi.followAnswer, async call => {
    const { signal, principal } = call
    const { conversation_id: conversationId, answer_id: answerId } = call.params
    const after = lastRead(call.header('last-event-id')) ?? call.query.after
    const parts = await assistant.follow(principal, { conversationId, answerId, after }, signal)
    await stream(http, call, conversationsApi.followAnswer, parts, signal)
    return undefined as never
  })
  handle(http, conversationsApi.stopAnswer, ({ principal, params }) =>
    assistant.stopAnswer(principal, params.conversation_id, params.answer_id),
  )
  handle(http, conversationsApi.decideToolCall, call => {
    const { caller, requestId, params, body } = call
    const { conversation_id: conversationId, answer_id: answerId, call_id: callId } = params
    call.note({ decision: body.decision, input_hash: body.input_hash })
    return assistant.decide({ caller, requestId }, { conversationId, answerId, callId }, body)
  })
}

function acceptsStream(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('text/event-stream') ?? false
}

function lastRead(given: string | undefined): number | undefined {
  return given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : undefined
}

async function stream<Params, Query, Body>(
  http: HttpServer,
  call: Call<Params, Query, Body>,
  endpoint: typeof assistantApi.queryChatbot | typeof conversationsApi.followAnswer,
  parts: ReadParts,
  signal: AbortSignal,
): Promise<void> {
  const { scope, effect } = endpoint
  try {
    const operation = { name: operationName(endpoint as never), scope, effect }
    await http.options.shown?.(call.principal, operation, undefined, undefined)
  } catch (error) {
    await parts.return(undefined)
    throw error
  }
  // An error before the first part is answered like any other problem.
  const first = await parts.next()
  const response = (await call.openResponse()).writeHead(200, head)
  if (call.method === 'HEAD') {
    await parts.return(undefined)
    return void response.end()
  }
  const ping = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': ping\n\n')
  }, pingMs).unref()
  try {
    for (let next = first; !next.done; next = await parts.next()) await write(response, next.value, signal)
    response.end()
  } catch (error) {
    if (!(signal.aborted || response.destroyed || response.writableNeedDrain) && !(error instanceof Problem)) {
      http.options.logger.error({ request_id: call.requestId, err: error }, 'a bug')
    }
    // The client resumes with the last number that it has.
    response.destroy()
  } finally {
    clearInterval(ping)
    await parts.return(undefined)
  }
}

async function write(response: ServerResponse, part: ChatbotPart, signal: AbortSignal): Promise<void> {
  if (response.write(encode(part))) return
  await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(maxStallMs)]) })
}

/** Encodes one event. Types come from the contract and JSON has no line breaks, so no field can be injected. */
function encode(part: ChatbotPart): string {
  return `id: ${part.seq}\nevent: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`
}
