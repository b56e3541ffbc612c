/** A lasting connection (HTTP+SSE, stdio) as a session of the port: the SDK's server on a wire of ours. */
import { type JSONRPCMessage, parseJSONRPCMessage, type Server, type Transport } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import {
  errorFrame,
  faultOfId,
  invalidRequest,
  isObject,
  maxBatch,
  methodOf,
  peerIn,
  toMcpError,
} from './mcp-frames.ts'
import {
  type McpChange,
  type McpContext,
  McpError,
  type McpOffer,
  type McpPeer,
  type McpRevision,
  type McpSession,
  type McpSessionOptions,
  mcpErrors,
} from './mcp-port.ts'
import type { McpWire } from './mcp-wire.ts'
import type { RequestState } from './request-state.ts'
import { modernRevision, type SdkMemory, type SdkScope } from './sdk-context.ts'
import { legacyRevisionOf, serverFor } from './sdk-offer.ts'
import { SessionChanges } from './session-changes.ts'
import { addUri, maxUris } from './watched-uris.ts'

export interface SdkSessionOptions extends McpSessionOptions {
  offer: McpOffer
  states: RequestState
  onFault(error: Error): void
  onPeerFault(error: Error): void
}

/** Requests in flight per session, without streams. */
export const maxSessionCalls = 32
/** Streams of extensions per session; a person may open fewer. */
const maxSessionStreams = 200
/** `subscriptions/listen` per session. */
const maxListening = 20

interface UnderWay {
  context: McpContext
  isStream: boolean
  batch: Batch | undefined
  done(): void
}

/** A batch (revision 2025-03-26): its requests are answered together. */
interface Batch {
  missing: number
  answers: object[]
}

export class SdkSession implements McpSession {
  readonly ended: Promise<void>
  readonly #options: SdkSessionOptions
  readonly #wire: McpWire
  readonly #connection: Connection
  readonly #changes: SessionChanges
  readonly #closing = new AbortController()
  readonly #gone = new AbortController()
  readonly #underWay = new Map<string | number, UnderWay>()
  /** URIs subscribed to before 2026. */
  readonly #subscribed = new Set<string>()
  /** Listened URIs, by the id of their request. */
  readonly #listening = new Map<string | number, string[]>()
  #peer: McpPeer | undefined
  #revision: McpRevision | undefined
  #server: Server | undefined
  #end: () => Promise<void>
  /** Serialises messages in the order of arrival. */
  #incoming: Promise<void> = Promise.resolve()

  /** @param wire The connection whose messages `receive` is given. */
  constructor(options: SdkSessionOptions, wire: McpWire, transport: 'sse' | 'stdio') {
    this.#options = options
    this.#wire = wire
    this.ended = wire.ended
    this.#connection = new Connection(
      frame => this.#send(frame),
      () => wire.end(),
    )
    this.#changes = new SessionChanges(
      change => this.#notify(change),
      () => wire.taken(),
    )
    wire.ended.then(() => this.#over())
    if (transport === 'stdio') {
      const onerror = (error: Error) => options.onPeerFault(error)
      const settings = { transport: this.#connection, onerror, maxSubscriptions: maxListening }
      const handle = serveStdio(({ era }) => this.#serve(era), settings)
      this.#end = () => handle.close()
    } else {
      const server = this.#serve('legacy')
      this.#end = () => server.close()
      server.connect(this.#connection).catch(error => options.onFault(error))
    }
  }

  get peer(): McpPeer | undefined {
    return this.#peer
  }

  get revision(): McpRevision | undefined {
    return this.#revision
  }

  /** @returns Whether it is a valid message; an invalid one is answered too. */
  receive(frame: unknown, context: McpContext = this.#options.context): boolean {
    if (Array.isArray(frame)) return this.#receiveBatch(frame, context)
    const fault = faultOfId(frame) ?? (isMessage(frame) ? undefined : 'This is not a message of JSON-RPC 2.0.')
    if (fault !== undefined) {
      this.#answer(invalidRequest(fault))
      return false
    }
    this.#take(frame as JSONRPCMessage & Record<string, unknown>, context, undefined)
    return true
  }

  notify(method: string, params: Record<string, unknown>): Promise<void> {
    return this.#wire.send({ jsonrpc: '2.0', method, params })
  }

  publish(change: McpChange): void {
    if (this.#revision === undefined || this.#gone.signal.aborted) return
    if (change.of !== 'resource' || this.#receives(change.uri)) this.#changes.has(change)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const streams = [...this.#underWay.values()].filter(({ isStream }) => isStream)
    const over = streams.map(one => {
      const { promise, resolve } = Promise.withResolvers<void>()
      one.done = resolve
      return promise
    })
    await Promise.race([Promise.all(over), this.ended])
    await this.#end()
    this.#wire.end()
  }

  cut(): void {
    this.#wire.cut()
  }

  #receiveBatch(frames: unknown[], context: McpContext): boolean {
    const isBatch = frames.length > 0 && frames.length <= maxBatch && frames.every(isMessage)
    if (!isBatch || this.#revision !== '2025-03-26' || frames.some(frame => faultOfId(frame) !== undefined)) {
      this.#answer(invalidRequest(`Only revision 2025-03-26 has batches, of at most ${maxBatch} messages.`))
      return false
    }
    const missing = frames.filter(frame => isObject(frame) && 'id' in frame && 'method' in frame).length
    const batch = { missing, answers: [] }
    for (const frame of frames) this.#take(frame as JSONRPCMessage & Record<string, unknown>, context, batch)
    return true
  }

  #take(frame: JSONRPCMessage & Record<string, unknown>, context: McpContext, batch: Batch | undefined): void {
    this.#learn(frame)
    const { id } = frame
    const isRequest = 'method' in frame && (typeof id === 'string' || typeof id === 'number')
    if (isRequest) {
      const fault = this.#underWay.has(id) ? 'This id is already in use.' : undefined
      const isStream = this.#options.offer.extensions.some(({ methods }) => methods[methodOf(frame) ?? '']?.isStream)
      const [count, max] = [this.#count(isStream), isStream ? maxSessionStreams : maxSessionCalls]
      if (fault !== undefined || count >= max) {
        const words = fault ?? `At most ${max} ${isStream ? 'streams' : 'requests'} of a session are under way.`
        // Not through the batch of the earlier request with this id.
        this.#answer(errorFrame(id, new McpError(-32_000, words)), batch)
        return
      }
      this.#underWay.set(id, { context: this.#during(context), isStream, batch, done: () => undefined })
    }
    this.#incoming = this.#incoming.then(async () => {
      if (methodOf(frame) === 'subscriptions/listen' && isRequest && !(await this.#mayListen(frame, id))) return
      this.#connection.onmessage?.(frame)
      if (methodOf(frame) === 'notifications/cancelled') this.#forget(frame)
    })
  }

  #count(isStream: boolean): number {
    return [...this.#underWay.values()].filter(each => each.isStream === isStream).length
  }

  #receives(uri: string): boolean {
    return this.#subscribed.has(uri) || [...this.#listening.values()].some(uris => uris.includes(uri))
  }

  /** Drops a cancelled request, which gets no answer. */
  #forget({ params }: Record<string, unknown>): void {
    const id = isObject(params) ? params.requestId : undefined
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.#listening.delete(id)
    const one = this.#underWay.get(id)
    if (!one) return
    this.#underWay.delete(id)
    one.done()
    if (!one.batch) return
    one.batch.missing--
    this.#sendIfWhole(one.batch).catch(() => undefined)
  }

  /** Learns revision and peer from a message. */
  #learn(frame: Record<string, unknown>): void {
    this.#peer = peerIn(frame) ?? this.#peer
    if (!isObject(frame.params)) return
    if (frame.method === 'initialize') this.#revision ??= legacyRevisionOf(frame.params.protocolVersion)
    else if (isObject(frame.params._meta) && 'io.modelcontextprotocol/protocolVersion' in frame.params._meta)
      this.#revision ??= modernRevision
  }

  /** Returns the asking of a posted message: its caller is the poster, but it lasts as long as the session. */
  #during(context: McpContext): McpContext {
    const session = this.#options.context.signal
    if (context === this.#options.context) return { ...context, signal: AbortSignal.any([session, this.#gone.signal]) }
    const ended = new AbortController()
    const follow = () => {
      if (toMcpError(context.signal.reason)) ended.abort(context.signal.reason)
    }
    context.signal.addEventListener('abort', follow, { once: true })
    return { ...context, signal: AbortSignal.any([session, this.#gone.signal, ended.signal]) }
  }

  async #mayListen(frame: Record<string, unknown>, id: string | number): Promise<boolean> {
    const uris = listenedUris(frame)
    try {
      const listened = new Set([...this.#listening.values(), uris].flat())
      if (listened.size > maxUris || this.#listening.size >= maxListening)
        throw new McpError(
          mcpErrors.invalidParams,
          `A session listens ${maxListening} times at most, to ${maxUris} resources.`,
        )
      const capabilities = {}
      const context = this.#underWay.get(id)?.context ?? this.#options.context
      const client = { revision: modernRevision, peer: this.#peer, capabilities, progress: () => undefined } as const
      for (const uri of uris) await this.#options.offer.checkSubscription(uri, { ...context, ...client })
      this.#listening.set(id, uris)
      return true
    } catch (error) {
      const known = toMcpError(error)
      if (!known) this.#options.onFault(error as Error)
      this.#answer(errorFrame(id, known ?? new McpError(mcpErrors.internal, 'Internal error')))
      return false
    } finally {
      // It is answered only by its end.
      this.#underWay.delete(id)
    }
  }

  #serve(era: 'legacy' | 'modern'): Server {
    const { offer, states, context, experimental, onFault, onPeerFault, onNotification } = this.#options
    const server: Server = serverFor({
      offer,
      states,
      era,
      experimental,
      onFault,
      memory: this.#memory(),
      canTell: true,
      contextOf: id => this.#underWay.get(id)?.context ?? context,
      client: () => ({
        revision: this.#revision ?? '2024-11-05',
        peer: this.#peer,
        capabilities: { ...server.getClientCapabilities() },
      }),
      sent: () => Promise.resolve(),
      isFull: () => false,
      closing: this.#closing.signal,
    } satisfies SdkScope)
    server.onerror = onPeerFault
    if (onNotification) {
      server.fallbackNotificationHandler = async ({ method, params }) => onNotification(method, { ...params })
    }
    this.#server = server
    return server
  }

  #memory(): SdkMemory {
    const subscribed = this.#subscribed
    return {
      subscribe: uri => addUri(subscribed, uri),
      unsubscribe: uri => void subscribed.delete(uri),
      logLevel: undefined,
    }
  }

  async #notify(change: McpChange): Promise<void> {
    const server = this.#server
    if (change.of === 'tools') await server?.sendToolListChanged()
    else if (change.of === 'prompts' && this.#options.offer.has.prompts) await server?.sendPromptListChanged()
    else if (change.of === 'resources' && this.#options.offer.has.resources) await server?.sendResourceListChanged()
    else if (change.of === 'resource') await server?.sendResourceUpdated({ uri: change.uri })
  }

  async #send(frame: object & { id?: unknown; method?: unknown }): Promise<void> {
    const { id } = frame
    const isAnswer = !('method' in frame) && (typeof id === 'string' || typeof id === 'number')
    const of = isAnswer ? this.#underWay.get(id) : undefined
    if (isAnswer) this.#underWay.delete(id)
    try {
      await (of?.batch ? this.#sendOf(of.batch, frame) : this.#wire.send(frame))
    } finally {
      of?.done()
    }
  }

  async #sendOf(batch: Batch, answer: object): Promise<void> {
    batch.answers.push(answer)
    await this.#sendIfWhole(batch)
  }

  async #sendIfWhole({ answers, missing }: Batch): Promise<void> {
    if (answers.length >= missing && answers.length > 0) await this.#wire.send(answers)
  }

  #answer(frame: object, batch?: Batch): void {
    const sent = batch ? this.#sendOf(batch, frame) : this.#wire.send(frame)
    sent.catch(() => undefined)
  }

  #over(): void {
    this.#gone.abort()
    this.#changes.end()
    this.#connection.onclose?.()
    for (const { done } of this.#underWay.values()) done()
    this.#underWay.clear()
  }
}

/** The connection in the form of an SDK transport. */
class Connection implements Transport {
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  onmessage: Transport['onmessage']
  readonly send: (message: JSONRPCMessage) => Promise<void>
  readonly #close: () => void

  constructor(send: (message: JSONRPCMessage) => Promise<void>, close: () => void) {
    this.send = send
    this.#close = close
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    this.#close()
  }
}

export function listenedUris({ params }: Record<string, unknown>): string[] {
  const notifications = isObject(params) ? params.notifications : undefined
  const uris = isObject(notifications) ? notifications.resourceSubscriptions : undefined
  return Array.isArray(uris) ? uris.filter(uri => typeof uri === 'string') : []
}

function isMessage(frame: unknown): boolean {
  try {
    parseJSONRPCMessage(frame)
    return true
  } catch {
    return false
  }
}
