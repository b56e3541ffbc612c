/** Handles one HTTP request of any revision with the SDK, which keeps no state between two of them. */
import {
  classifyInboundRequest,
  createMcpHandler,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { FetchRequest } from '../platform/http/http-fetch.ts'
import { ChangeStream } from './change-stream.ts'
import type { ClientRequests } from './client-requests.ts'
import { type HttpSession, type HttpSessions, openStream, sessionHeader } from './http-sessions.ts'
import {
  clientInfoKey,
  errorFrame,
  faultOfId,
  invalidRequest,
  isObject,
  isResponse,
  methodOf,
  peerOf,
  toMcpError,
} from './mcp-frames.ts'
import {
  type McpChange,
  type McpContext,
  McpError,
  type McpHttpExchange,
  type McpOffer,
  type McpRevision,
  mcpErrors,
} from './mcp-port.ts'
import type { RequestState } from './request-state.ts'
import { followCall, modernRevision, requestOfCall, type SdkMemory, type SdkScope } from './sdk-context.ts'
import { SdkLegacyWire } from './sdk-legacy-wire.ts'
import { legacyRevisionOf, serverFor } from './sdk-offer.ts'
import { listenedUris } from './sdk-session.ts'
import { SseWire } from './sse-wire.ts'
import { StreamFlow } from './stream-flow.ts'
import { addUri, maxUris } from './watched-uris.ts'

export interface SdkHttpShared {
  offer: McpOffer
  states: RequestState
  sessions: HttpSessions
  requests: ClientRequests
  onFault(error: Error): void
  onPeerFault(error: Error): void
}

const keepAliveMs = 15_000
/** Unread progress and log notifications. */
const maxTold = 100
/** Messages per batch: each takes time, and together they count as one request. */
const maxHttpBatch = 50

export class SdkHttpExchange implements McpHttpExchange {
  readonly response: Promise<Response>
  readonly #shared: SdkHttpShared
  readonly #asking: McpContext
  readonly #body: unknown
  readonly #cut = new AbortController()
  readonly #closing = new AbortController()
  readonly #over = Promise.withResolvers<void>()
  readonly #flow: StreamFlow
  /** Set since 2026. */
  #handler: ReturnType<typeof createMcpHandler> | undefined
  /** The stream of a GET. */
  #stand: ChangeStream | undefined
  /** What the client listens to. */
  #wanted: { kinds: ReadonlySet<string>; uris: ReadonlySet<string> } | undefined

  constructor(shared: SdkHttpShared, request: FetchRequest, body: unknown, context: McpContext) {
    this.#shared = shared
    this.#asking = context
    this.#body = body
    this.#flow = new StreamFlow(change => this.#notify(change))
    const signal = followCall(request.signal, this.#cut.signal)
    signal.addEventListener('abort', () => this.#end(), { once: true })
    const { url, method, headers } = request
    this.response = this.#answer(requestOfCall(url, { method, headers }, signal))
  }

  publish(change: McpChange): void {
    this.#stand?.publish(change)
    const isWanted = change.of === 'resource' ? this.#wanted?.uris.has(change.uri) : this.#wanted?.kinds.has(change.of)
    if (isWanted) this.#flow.has(change)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#stand?.end()
    if (this.#wanted) await this.#handler?.close()
    else if (this.#isStream()) await this.#over.promise
  }

  cut(): void {
    this.#stand?.cut()
    this.#cut.abort()
  }

  /** Resolves when nothing more follows. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  async #answer(request: Request): Promise<Response> {
    const refusal = this.#refusal()
    const response = refusal ?? (await this.#route(request))
    if (response.body && response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return new Response(this.#watched(this.#flow.behind(response.body)), response)
    }
    this.#end()
    return response
  }

  #route(request: Request): Promise<Response> | Response {
    if (request.method === 'GET' && request.headers.has(sessionHeader)) return this.#stream(request)
    if (request.method !== 'POST') return notAllowed()
    const revision = request.headers.get('mcp-protocol-version')
    const header = revision === null ? {} : { protocolVersionHeader: revision }
    const { kind } = classifyInboundRequest({ httpMethod: 'POST', ...header, body: this.#body })
    return kind === 'legacy' ? this.#legacy(request) : this.#modern(request)
  }

  /** Opens the stream on which a session before 2026 is notified of changes. */
  #stream({ headers }: Request): Response {
    const session = this.#shared.sessions.find(headers.get(sessionHeader) ?? '', this.#asking.caller.principal.id)
    if (!session) return sessionNotFound()
    if (!headers.get('accept')?.includes('text/event-stream')) return notAcceptable()
    const wire = new SseWire()
    wire.ended.then(openStream(session, wire))
    this.#stand = new ChangeStream(wire, session)
    return new Response(wire.body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } })
  }

  async #modern(request: Request): Promise<Response> {
    const body = this.#body
    if (methodOf(body) === 'subscriptions/listen' && isObject(body)) {
      const refusal = await this.#checkListening(body)
      if (refusal) return refusal
    }
    const options = { onerror: this.#shared.onPeerFault, keepAliveMs, maxSubscriptions: 1 }
    const handler = createMcpHandler(() => serverFor(this.#scope('modern', undefined)), options)
    this.#handler = handler
    return handler.fetch(request, { parsedBody: body })
  }

  async #legacy(request: Request): Promise<Response> {
    const { sessions, requests, onFault, onPeerFault } = this.#shared
    const principalId = this.#asking.caller.principal.id
    const name = request.headers.get(sessionHeader)
    const session = name === null ? undefined : sessions.find(name, principalId)
    if (name !== null && !session) return sessionNotFound()
    const frames = [this.#body].flat()
    const revision = session?.revision ?? revisionOf(request.headers.get('mcp-protocol-version'))
    if (Array.isArray(this.#body) && revision !== '2025-03-26') return refused('Only revision 2025-03-26 has batches.')
    const answers = frames.filter(isResponse)
    const known = answers.map(answer => requests.answer(principalId, answer))
    if (answers.length === frames.length) {
      return known.every(Boolean) ? new Response(null, { status: 202 }) : refused('This answer is not waited for.')
    }
    // A call cancelled in its own batch would never be answered, and no other can be reached from here.
    const rest = frames.filter(frame => !isResponse(frame) && methodOf(frame) !== 'notifications/cancelled')
    if (rest.length === 0) return new Response(null, { status: 202 })
    const server = serverFor(this.#scope('legacy', session, revision))
    server.onerror = onPeerFault
    const inner = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined, keepAliveMs })
    this.#over.promise.then(() => server.close()).catch(onFault)
    await server.connect(new SdkLegacyWire({ inner, handshake: session, requests, principalId }))
    const response = await inner.handleRequest(request, { parsedBody: Array.isArray(this.#body) ? rest : rest[0] })
    return this.#withSession(response)
  }

  /** "A server … MAY assign a session ID at initialization time, by including it in an Mcp-Session-Id header". */
  #withSession(response: Response): Response {
    const frame = this.#body
    if (!response.ok || methodOf(frame) !== 'initialize' || !isObject(frame) || !isObject(frame.params)) return response
    const { protocolVersion, capabilities, clientInfo } = frame.params
    const declared = isObject(capabilities) ? capabilities : {}
    const handshake = {
      revision: legacyRevisionOf(protocolVersion),
      peer: peerOf(clientInfo),
      capabilities: declared,
    }
    const headers = new Headers(response.headers)
    headers.set(sessionHeader, this.#shared.sessions.open(handshake))
    return new Response(response.body, { status: response.status, headers })
  }

  #scope(era: 'legacy' | 'modern', session: HttpSession | undefined, revision: McpRevision = modernRevision): SdkScope {
    const { offer, states, onFault } = this.#shared
    const { peer, capabilities = {} } = session ?? { peer: undefined }
    return {
      offer,
      states,
      era,
      onFault,
      contextOf: () => this.#asking,
      client: () => ({ revision, peer, capabilities }),
      memory: session && memoryOf(session),
      canTell: era === 'modern' || session !== undefined || methodOf(this.#body) === 'initialize',
      sent: () => this.#flow.sent(),
      isFull: () => this.#flow.waiting >= maxTold,
      closing: this.#closing.signal,
    }
  }

  /** Checks the resources, since the SDK listens without asking. */
  async #checkListening(frame: Record<string, unknown>): Promise<Response | undefined> {
    const { offer, onFault } = this.#shared
    const params = isObject(frame.params) ? frame.params : {}
    const meta = isObject(params._meta) ? params._meta : {}
    const uris = listenedUris(frame)
    try {
      if (uris.length > maxUris)
        throw new McpError(mcpErrors.invalidParams, `At most ${maxUris} resources can be listened to.`)
      const client = { revision: modernRevision, peer: peerOf(meta[clientInfoKey]), capabilities: {} } as const
      const asking = { ...this.#asking, ...client, progress: () => undefined }
      for (const uri of uris) await offer.checkSubscription(uri, asking)
    } catch (error) {
      const known = toMcpError(error)
      if (!known) onFault(error instanceof Error ? error : new Error(String(error)))
      const { id } = frame
      const answered = typeof id === 'string' || typeof id === 'number' ? id : null
      return Response.json(errorFrame(answered, known ?? new McpError(mcpErrors.internal, 'Internal error')))
    }
    this.#wanted = wantedBy(params.notifications, offer, uris)
    return undefined
  }

  #notify(change: McpChange): void {
    const notify = this.#handler?.notify
    if (change.of === 'tools') notify?.toolsChanged()
    else if (change.of === 'prompts') notify?.promptsChanged()
    else if (change.of === 'resources') notify?.resourcesChanged()
    else if (change.of === 'resource') notify?.resourceUpdated(change.uri)
  }

  #refusal(): Response | undefined {
    const frames = Array.isArray(this.#body) ? this.#body : [this.#body]
    if (frames.length === 0 || frames.length > maxHttpBatch)
      return refused(`A batch has 1 to ${maxHttpBatch} messages.`)
    const fault = frames.map(faultOfId).find(words => words !== undefined)
    return fault === undefined ? undefined : refused(fault)
  }

  #isStream(): boolean {
    return isStreamOf(this.#shared.offer, this.#body)
  }

  #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const { done, value } = await reader.read()
      if (!done) return controller.enqueue(value)
      this.#end()
      controller.close()
    }
    const cancel = (reason: unknown) => {
      this.#end()
      return reader.cancel(reason)
    }
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
  }

  #end(): void {
    this.#flow.end()
    this.#over.resolve()
  }
}

/** Returns whether the answer stays open. */
export function isStreamOf({ extensions }: McpOffer, body: unknown, request?: FetchRequest): boolean {
  if (request?.method === 'GET' && request.headers.has(sessionHeader)) return true
  const method = methodOf(body)
  if (method === undefined) return false
  return method === 'subscriptions/listen' || extensions.some(({ methods }) => methods[method]?.isStream === true)
}

/** Returns what the SDK will honour: what it does not send must not be waited for. */
function wantedBy(notifications: unknown, { has }: McpOffer, uris: string[]) {
  const asked = isObject(notifications) ? notifications : {}
  const kinds = new Set<string>()
  if (asked.toolsListChanged === true) kinds.add('tools')
  if (asked.promptsListChanged === true && has.prompts) kinds.add('prompts')
  if (asked.resourcesListChanged === true && has.resources) kinds.add('resources')
  return { kinds, uris: new Set(has.resources ? uris : []) }
}

function memoryOf(session: HttpSession): SdkMemory {
  return {
    subscribe: uri => addUri(session.subscribed, uri),
    unsubscribe: uri => void session.subscribed.delete(uri),
    get logLevel() {
      return session.logLevel
    },
    set logLevel(level) {
      session.logLevel = level
    },
  }
}

/** "If the server does not receive an MCP-Protocol-Version header …, it SHOULD assume protocol version 2025-03-26." */
function revisionOf(header: string | null): McpRevision {
  return header === null ? '2025-03-26' : legacyRevisionOf(header.trim())
}

function notAcceptable(): Response {
  const error = { code: -32_000, message: 'Not Acceptable: the client must accept text/event-stream.' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 406 })
}

function notAllowed(): Response {
  const error = { code: -32_000, message: 'Method not allowed.' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 405, headers: { allow: 'POST' } })
}

function refused(words: string): Response {
  return Response.json(invalidRequest(words), { status: 400 })
}

/** "The server MAY terminate the session at any time, after which it MUST respond … with HTTP 404." */
function sessionNotFound(): Response {
  const error = { code: -32_001, message: 'Session not found: initialize again.' }
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 })
}
