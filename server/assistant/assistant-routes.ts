/** POST /api/dashboard/chatbot/query, whole or streamed, and GET …/chatbot/providers. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { assistantApi, type ChatbotPart } from '../../contract/assistant.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { Problem } from '../platform/problem.ts'
import type { AnswerPart, AssistantService } from './assistant-service.ts'

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}
/** A reader that takes nothing for so long is given up: it must not hold one of the few places. */
const maxStallMs = 30_000

export function assistantRoutes(http: HttpServer, assistant: AssistantService): void {
  handle(http, assistantApi.queryChatbot, async call => {
    // Each read of `signal` makes a new one.
    const { signal } = call
    try {
      if (!acceptsStream(call.header('accept'))) return await assistant.query(call.principal, call.body, signal)
      const parts = assistant.stream(call.principal, call.body, signal)
      // What is thrown before the first part is answered like any other problem.
      const first = await parts.next()
      const response = (await call.openResponse()).writeHead(200, head)
      await send(response, first, parts, signal, error => ({
        type: 'error',
        problem: asProblem(http, error, call.requestId).toBody(call.requestId),
      }))
    } catch (error) {
      if (!signal.aborted) throw error
      // The client is gone: there is nobody to answer, and nothing to fix.
      call.takeResponse().destroy()
    }
    return undefined as never
  })
  handle(http, assistantApi.listProviders, () => assistant.listProviders())
}

function acceptsStream(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('text/event-stream') ?? false
}

async function send(
  response: ServerResponse,
  first: IteratorResult<AnswerPart>,
  parts: AsyncGenerator<AnswerPart>,
  signal: AbortSignal,
  toPart: (error: unknown) => ChatbotPart,
): Promise<void> {
  try {
    for (let next = first; !next.done; next = await parts.next()) await write(response, next.value, signal)
    response.end()
  } catch (error) {
    // Gone, or reads no more.
    if (response.destroyed || response.writableNeedDrain) response.destroy()
    else response.end(encode(toPart(error)))
  } finally {
    await parts.return(undefined)
  }
}

async function write(response: ServerResponse, part: ChatbotPart, signal: AbortSignal): Promise<void> {
  if (response.write(encode(part))) return
  await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(maxStallMs)]) })
}

/** Types are words of the contract and JSON has no line breaks, so no field can be broken open. */
function encode(part: ChatbotPart): string {
  return `event: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`
}

function asProblem(http: HttpServer, error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error
  http.options.logger.error({ request_id: requestId, err: error }, 'a bug')
  return new Problem('internal', 'This is an error in RustyMail itself. The log has it under this request id.')
}
