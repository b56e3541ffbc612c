/** Answers MCP clients over every transport: registers each exchange, shows its client, and ends it when rights end. */
import { messagesPath, sseSessionName } from '../../contract/mcp.ts'
import type { ClientRegistry } from '../clients/client-registry.ts'
import type { FetchAnswer, FetchCall } from '../platform/http/http-fetch.ts'
import type { Logger } from '../platform/logger.ts'
import type { Caller } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Exchange, ExchangeKind, ExchangeRegistry } from './exchange-registry.ts'
import { runOf, sessionHeader } from './http-sessions.ts'
import {
  callerIn,
  claimsOf,
  faultOfId,
  invalidRequest,
  type McpClaims,
  type McpObserver,
  type McpSeen,
  mcpSessionOf,
  newSessionName,
  sessionNotFound,
  withNewSession,
} from './mcp-frames.ts'
import type { McpChange, McpContext, McpOpen, McpPort, McpSession, McpSessionOptions } from './mcp-port.ts'
import { wantedForm } from './result-form.ts'

export interface McpServiceOptions {
  /** Loads the adapter, with the first exchange: a server without agents does not spend the memory. */
  load(): Promise<McpPort>
  exchanges: ExchangeRegistry
  clients: Pick<ClientRegistry, 'recognise' | 'openStream'>
  observer: McpObserver
  logger: Logger
}

interface Opened {
  session: McpSession
  principalId: string
}

export interface StdioOptions extends Pick<McpSessionOptions, 'experimental' | 'onNotification'> {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
  /** Stands for the headers of a request. */
  headers?: Headers
  /** Returns the current caller of the session's credentials. */
  principalNow: NonNullable<McpContext['principalNow']>
}

/** The lists that a change of rights may change. */
const changes: McpChange[] = [{ of: 'tools' }, { of: 'prompts' }, { of: 'resources' }]

export class McpService {
  readonly #options: McpServiceOptions
  /** HTTP+SSE sessions by their secret name; bounded by the registry's streams. */
  readonly #sessions = new Map<string, Opened>()
  #loading: Promise<McpPort> | undefined

  constructor(options: McpServiceOptions) {
    this.#options = options
  }

  /** Loads the adapter early, for a stdio server. */
  warmUp(): void {
    // An error is reported by the exchange that needs it.
    this.#port().catch(() => undefined)
  }

  /** Closes the adapter with its open connections. */
  async stop(): Promise<void> {
    await (await this.#loading)?.close()
  }

  /** Handles Streamable HTTP. @throws Problem when a bound is reached. */
  async answer(call: FetchCall): Promise<FetchAnswer> {
    const { request, requestId, body } = call
    const refusal = refusalOf(body)
    if (refusal) return refusal
    const named = mcpSessionOf(request.headers)
    if (named === 'unknown') return sessionNotFound()
    const caller = callerIn(call.caller, named.name)
    // An unknown result form is refused whatever the request.
    wantedForm(request.headers)
    const port = await this.#port()
    const kind = port.kindOf(request, body)
    const said = { transport: 'http', ...claimsOf(request.headers, body) } as const
    const watch = this.#watch(caller, kind, requestId, said)
    call.onClosed(watch.close)
    const { signal } = watch.ending
    const asking = { caller, requestId, signal, headers: request.headers, transport: 'http' } as const
    const open = watch.begin(port.handleHttp(request, body, asking))
    if (kind !== 'call') this.#showStream(call, caller, watch)
    const answer = withNewSession(await open.response, body)
    const begun = answer.headers.get(sessionHeader)
    watch.seen.named(begun === null ? undefined : runOf(begun))
    return answer
  }

  /** Opens an HTTP+SSE session (2024-11-05), which lasts as long as its stream. @throws Problem at a bound. */
  async openSse(call: FetchCall): Promise<Response> {
    const { request, requestId } = call
    const port = await this.#port()
    const id = newSessionName('sse')
    const caller = callerIn(call.caller, id)
    const watch = this.#watch(caller, 'stream', requestId, ofSession('sse'))
    const { signal } = watch.ending
    const context = { caller, requestId, signal, headers: request.headers, transport: 'sse' } as const
    const session = watch.begin(port.openSse(`${messagesPath}?${sseSessionName}=${id}`, { context }))
    this.#sessions.set(id, { session, principalId: caller.principal.id })
    const over = () => {
      this.#sessions.delete(id)
      watch.close()
    }
    // May end before the connection if the client does not read; nothing more is accepted for it then.
    void session.ended.then(over, over)
    call.onClosed(() => {
      over()
      session.cut()
    })
    this.#showStream(call, caller, watch)
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
    return new Response(session.body, { headers })
  }

  /** Takes a message of such a session. @throws Problem for sessions of others, as for missing ones. */
  async postSse(call: FetchCall): Promise<Response> {
    const { request, requestId, body } = call
    const id = new URL(request.url).searchParams.get(sseSessionName) ?? ''
    const opened = this.#sessions.get(id)
    if (opened?.principalId !== call.caller.principal.id) {
      throw new Problem('not_found', 'There is no such MCP session of yours: open the stream again.')
    }
    const refusal = refusalOf(body)
    if (refusal) return refusal
    const caller = callerIn(call.caller, id)
    const port = await this.#port()
    this.#options.clients.recognise(caller, 'mcp')
    // The call outlives its request: its session ends it, or the registry.
    const asking = {
      caller,
      requestId,
      signal: new AbortController().signal,
      headers: request.headers,
      transport: 'sse',
    } as const
    const status = await port.postSse(opened.session, body, asking)
    return new Response(status === 202 ? 'Accepted' : null, { status })
  }

  /** Serves one session until the input ends. @throws Problem when a bound is reached. */
  async serveStdio(
    caller: Caller,
    { input, output, headers, principalNow, ...options }: StdioOptions,
  ): Promise<McpSession> {
    const port = await this.#port()
    const id = newSessionName('stdio')
    const found = principalNow()
    const named = callerIn({ ...caller, principal: found instanceof Promise ? await found : found }, id)
    const watch = this.#watch(named, 'stream', id, ofSession('stdio'))
    const { signal } = watch.ending
    const context = { caller: named, requestId: id, signal, headers, transport: 'stdio', principalNow } as const
    const session = watch.begin(port.serveStdio({ input, output }, { context, ...options }))
    const stream = this.#options.clients.openStream(named, () => watch.exchange.end(kicked()))
    const over = () => {
      watch.close()
      stream.closed()
    }
    void session.ended.then(over, over)
    return session
  }

  #port(): Promise<McpPort> {
    this.#loading ??= this.#options.load()
    return this.#loading
  }

  #watch(caller: Caller, kind: ExchangeKind, requestId: string, said: Said): Watch {
    const { exchanges, clients, observer, logger } = this.#options
    const failed = (err: unknown) => logger.warn({ err, request_id: requestId }, 'an MCP stream could not be closed')
    const watch = new Watch(kind, failed)
    watch.closing = exchanges.open(caller.principal, watch.exchange)
    clients.recognise(caller, 'mcp')
    watch.seen = observer.opened({ caller, requestId, kind: kind === 'call' ? kind : 'stream', ...said })
    return watch
  }

  #showStream(call: FetchCall, caller: Caller, { exchange }: Watch): void {
    call.beStream()
    const stream = this.#options.clients.openStream(caller, () => exchange.end(kicked()))
    call.onClosed(() => stream.closed())
  }
}

type Said = Omit<McpClaims, 'caller' | 'requestId' | 'kind'>

/** The session's messages provide the rest. */
function ofSession(transport: McpClaims['transport']): Said {
  return { transport, method: undefined, revision: undefined, peer: undefined }
}

/** The abort reason of normal ends. Created once, since an error costs 20 µs; named like the one it replaces. */
const over = Object.assign(new Error('The exchange is over.'), { name: 'AbortError' })
const unseen: McpSeen = { named: () => undefined, closed: () => undefined }

/** Connects the registry's entry to what the adapter opens a moment later. */
class Watch {
  readonly exchange: Exchange
  /** Aborts with a Problem for callers that still wait for an answer. */
  readonly ending = new AbortController()
  #open: McpOpen | undefined
  closing: () => void = () => undefined
  seen = unseen

  constructor(kind: ExchangeKind, failed: (error: unknown) => void) {
    this.exchange = {
      kind,
      toolsChanged: () => {
        for (const change of changes) this.#open?.publish(change)
      },
      publish: change => this.#open?.publish(change),
      end: problem => {
        // Calls answer the problem, listeners are notified; the connection ends with either.
        this.ending.abort(problem)
        if (kind !== 'call') this.#open?.close().catch(failed)
      },
      cut: () => this.#open?.cut(),
    }
  }

  begin<Open extends McpOpen>(open: Open): Open {
    this.#open = open
    return open
  }

  readonly close = (): void => {
    this.closing()
    this.seen.closed()
    this.ending.abort(over)
  }
}

/** Messages per batch (revision 2025-03-26). */
const maxBatch = 50

/** Returns the answer to an invalid id or batch; undefined otherwise, although the body may still be invalid. */
function refusalOf(body: unknown): Response | undefined {
  if (Array.isArray(body)) {
    if (body.length > maxBatch) return refusal(`A batch has ${maxBatch} messages at most.`)
    return body.map(message => (Array.isArray(message) ? undefined : refusalOf(message))).find(Boolean)
  }
  const fault = faultOfId(body)
  return fault === undefined ? undefined : refusal(fault)
}

function refusal(words: string): Response {
  return Response.json(invalidRequest(words), { status: 400 })
}

function kicked(): Problem {
  return new Problem('unauthorized', 'An administrator disconnected this client.')
}
