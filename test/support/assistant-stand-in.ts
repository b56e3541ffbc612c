/** The endpoints of conversations on loopback, in front of a real server that answers the rest: it says what a test scripts, and nothing that the contract forbids. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { assistantApi } from '../../contract/assistant.ts'
import {
  type AssistantAnswer,
  type AssistantToolCall,
  ChatbotPart,
  ChatbotQuery,
  Conversation,
  conversationsApi,
} from '../../contract/conversations.ts'
import type { Endpoint } from '../../contract/endpoint.ts'
import { takePart } from '../../web/assistant/conversation-parts.ts'

type Unnumbered = ChatbotPart extends infer Part ? (Part extends ChatbotPart ? Omit<Part, 'seq'> : never) : never

/** Tells one answer, part by part. */
export interface Teller {
  readonly query: ChatbotQuery
  /** Aborts when it is stopped. */
  readonly signal: AbortSignal
  say(part: Unnumbered): void
  text(text: string): void
  /** Resolves with the decision. */
  waitFor(call: Partial<AssistantToolCall> & { title: string; input: unknown }): Promise<'allow' | 'decline'>
}

interface Running {
  answer: AssistantAnswer
  parts: ChatbotPart[]
  readers: Set<ServerResponse>
  ending: AbortController
  decide: ((decision: 'allow' | 'decline') => void) | undefined
}

interface Kept {
  id: string
  title: string
  at: string
  running: Map<string, Running>
}

export class AssistantStandIn {
  /** What the next questions are answered with. */
  tell: (teller: Teller) => Promise<void> = async ({ text }) => text('An answer.')
  providers: { provider: string; model: string | null }[] = [
    { provider: 'first', model: 'model-1' },
    { provider: 'second', model: 'model-2' },
  ]
  readonly asked: ChatbotQuery[] = []
  readonly decisions: { decision: string; input_hash: string }[] = []
  readonly #kept: Kept[] = []
  readonly #server
  #next = 1

  private constructor(target: string) {
    this.#server = createServer((request, response) => {
      this.#handle(request, response, target).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    })
  }

  static async start(target: string): Promise<AssistantStandIn> {
    const standIn = new AssistantStandIn(target)
    standIn.#server.listen(0, '127.0.0.1')
    await once(standIn.#server, 'listening')
    return standIn
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  /** Tears all streams of answers, which go on all the same. */
  tearStreams(): void {
    for (const { running } of this.#kept) {
      for (const { readers } of running.values()) for (const reader of readers) reader.destroy()
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
    const url = new URL(request.url ?? '/', target)
    const route = this.#routes.find(
      ([{ method, path }]) => method === request.method && matcher(path).test(url.pathname),
    )
    if (!route) return forward(request, response, url)
    const [endpoint, handle] = route
    const params = { ...matcher(endpoint.path).exec(url.pathname)?.groups }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
    await handle({ params, url, body, response })
  }

  readonly #routes: [Pick<Endpoint, 'method' | 'path'>, (given: Given) => void | Promise<void>][] = [
    [
      assistantApi.listProviders,
      ({ response }) => send(response, assistantApi.listProviders, { items: this.providers }),
    ],
    [assistantApi.queryChatbot, given => this.#query(given)],
    [
      conversationsApi.listConversations,
      ({ url, response }) => {
        const words = url.searchParams.get('q')?.toLowerCase() ?? ''
        const items = this.#kept
          .filter(({ title }) => title.toLowerCase().includes(words))
          .map(kept => this.#whole(kept))
        send(response, conversationsApi.listConversations, { items: items.reverse(), next_cursor: null })
      },
    ],
    [
      conversationsApi.getConversation,
      ({ params, response }) => {
        const kept = this.#find(params)
        if (!kept) return refuse(response, 'conversation_not_found')
        send(response, conversationsApi.getConversation, this.#whole(kept))
      },
    ],
    [
      conversationsApi.renameConversation,
      ({ params, body, response }) => {
        const kept = this.#find(params)!
        kept.title = conversationsApi.renameConversation.body!.parse(body).title
        send(response, conversationsApi.renameConversation, this.#whole(kept))
      },
    ],
    [
      conversationsApi.deleteConversation,
      ({ params, response }) => {
        this.#kept.splice(this.#kept.indexOf(this.#find(params)!), 1)
        response.writeHead(204).end()
      },
    ],
    [
      conversationsApi.exportConversation,
      ({ params, response }) => {
        const { title, running } = this.#find(params)!
        const markdown = [`# ${title}`, ...[...running.values()].map(({ answer }) => `## ${answer.question}`)].join(
          '\n\n',
        )
        send(response, conversationsApi.exportConversation, { file_name: 'conversation.md', markdown })
      },
    ],
    [
      conversationsApi.followAnswer,
      ({ params, url, response }) => {
        const running = this.#find(params)?.running.get(params.answer_id ?? '')
        if (!running) return refuse(response, 'answer_not_found')
        stream(response, running, Number(url.searchParams.get('after') ?? 0))
      },
    ],
    [
      conversationsApi.stopAnswer,
      ({ params, response }) => {
        const running = this.#find(params)!.running.get(params.answer_id!)!
        running.ending.abort()
        this.#finish(running, this.#find(params)!.id, 'stopped')
        send(response, conversationsApi.stopAnswer, running.answer)
      },
    ],
    [
      conversationsApi.decideToolCall,
      ({ params, body, response }) => {
        const { decision, input_hash } = conversationsApi.decideToolCall.body!.parse(body)
        this.decisions.push({ decision, input_hash })
        const running = this.#find(params)!.running.get(params.answer_id!)!
        running.decide?.(decision)
        send(response, conversationsApi.decideToolCall, running.answer)
      },
    ],
  ]

  #query({ body, response }: Given): void {
    const query = ChatbotQuery.parse(body)
    this.asked.push(query)
    const at = new Date().toISOString()
    const kept = this.#kept.find(({ id }) => id === query.conversation_id) ?? {
      id: `c${this.#next++}`,
      title: query.query.slice(0, 120),
      at,
      running: new Map<string, Running>(),
    }
    if (!this.#kept.includes(kept)) this.#kept.push(kept)
    if (query.retry_of) kept.running.delete(query.retry_of)
    const id = `a${this.#next++}`
    const running: Running = {
      answer: { ...emptyAnswer, id, question: query.query, asked_at: at },
      parts: [],
      readers: new Set(),
      ending: new AbortController(),
      decide: undefined,
    }
    kept.running.set(id, running)
    this.#say(running, { type: 'start', conversation_id: kept.id, answer_id: id })
    stream(response, running, 0)
    void this.#answer(kept, running, query)
  }

  async #answer(kept: Kept, running: Running, query: ChatbotQuery): Promise<void> {
    const say = (part: Unnumbered) => {
      if (!running.ending.signal.aborted) this.#say(running, part)
    }
    const [first] = this.providers
    const model = query.provider ? this.providers.find(each => each.provider === query.provider) : first
    say({ type: 'model', provider: model!.provider, model: model!.model })
    const waitFor: Teller['waitFor'] = async given => {
      const call = wholeCall(`t${this.#next++}`, { ...given, outcome: 'waiting' })
      const { promise, resolve } = Promise.withResolvers<'allow' | 'decline'>()
      running.decide = resolve
      say({ type: 'tool_call', call })
      const decision = await promise
      const outcome = decision === 'allow' ? 'ok' : 'declined'
      say({ type: 'tool_result', call: { ...call, outcome, duration_ms: 12, result: 'moved: 2', expires_at: null } })
      return decision
    }
    const text = (words: string) => say({ type: 'text_delta', text: words })
    await this.tell({ query, signal: running.ending.signal, say, text, waitFor })
    if (running.answer.state === 'failed') return endReaders(running)
    say({ type: 'usage', usage: { input_tokens: 1_200, output_tokens: 80 }, cost_usd: 0.0031 })
    if (!running.ending.signal.aborted) this.#finish(running, kept.id, 'done')
  }

  #finish(running: Running, conversationId: string, state: 'done' | 'stopped'): void {
    const { id, provider, model, attempts, usage, cost_usd, blocks } = running.answer
    const response = blocks.flatMap(block => (block.type === 'text' ? [block.text] : [])).join('')
    const calls = blocks.flatMap(block => (block.type === 'tool_call' ? [block.call] : []))
    const result = {
      response,
      conversation_id: conversationId,
      answer_id: id,
      provider: provider ?? '',
      model,
      tool_calls: calls,
    }
    this.#say(running, { type: 'finish', state, result: { ...result, attempts, usage, cost_usd } })
    endReaders(running)
  }

  #say(running: Running, part: Unnumbered): void {
    const numbered = ChatbotPart.parse({ ...part, seq: running.parts.length + 1 })
    running.parts.push(numbered)
    running.answer = takePart(running.answer, numbered)
    for (const reader of running.readers) reader.write(frameOf(numbered))
  }

  #find(params: Record<string, string>): Kept | undefined {
    return this.#kept.find(({ id }) => id === params.conversation_id)
  }

  #whole({ id, title, at, running }: Kept): Conversation {
    const items = [...running.values()].map(({ answer }) => answer)
    const open = items.find(({ state }) => state === 'running' || state === 'waiting')?.state
    const tokens = items.reduce((sum, { usage }) => sum + (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0), 0)
    const cost = items.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0)
    const state = open === 'running' || open === 'waiting' ? open : 'idle'
    const times = { created_at: at, updated_at: at }
    return Conversation.parse({ id, title, ...times, answers: items.length, state, tokens, cost_usd: cost, items })
  }
}

interface Given {
  params: Record<string, string>
  url: URL
  body: unknown
  response: ServerResponse
}

const emptyAnswer = {
  state: 'running',
  blocks: [],
  provider: null,
  model: null,
  attempts: [],
  usage: null,
  cost_usd: null,
  problem: null,
  last_seq: 0,
} as const satisfies Partial<AssistantAnswer>

export function wholeCall(
  id: string,
  given: Partial<AssistantToolCall> & { title: string; input: unknown },
): AssistantToolCall {
  return {
    id,
    name: 'mail_move',
    effect: 'write',
    input_hash: createHash('sha256').update(JSON.stringify(given.input)).digest('hex'),
    summary: null,
    outcome: 'ok',
    result: null,
    citations: [],
    duration_ms: null,
    expires_at: new Date(Date.now() + 300_000).toISOString(),
    ...given,
  }
}

function endReaders({ readers }: Running): void {
  for (const reader of readers) reader.end()
}

function stream(response: ServerResponse, running: Running, after: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  for (const part of running.parts.slice(after)) response.write(frameOf(part))
  if (['finish', 'error'].includes(running.parts.at(-1)?.type ?? '')) return void response.end()
  running.readers.add(response)
  response.once('close', () => running.readers.delete(response))
}

function frameOf(part: ChatbotPart): string {
  return `id: ${part.seq}\nevent: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`
}

function send<P, Q, B, R>(response: ServerResponse, { response: schema }: Endpoint<P, Q, B, R>, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(schema.parse(value)))
}

function refuse(response: ServerResponse, code: string): void {
  const body = {
    type: `/problems/${code}`,
    title: 'Not found',
    status: 404,
    detail: 'There is none.',
    instance: '',
    code,
  }
  response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body))
}

function matcher(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
}

/** The server knows itself by its own address. */
function forward(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const headers = { ...request.headers, host: url.host }
  if (headers.origin) headers.origin = url.origin
  if (headers.referer) headers.referer = url.href
  const onward = ask(url, { method: request.method ?? 'GET', headers, agent: false }, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  onward.once('error', () => response.destroy())
  response.once('close', () => onward.destroy())
  request.pipe(onward)
}
