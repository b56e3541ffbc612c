/** The messages of a lasting connection (stdio, HTTP+SSE), in the revisions with a handshake and since 2026. */
import { maxBatch, peerOf, toMcpError } from './mcp-frames.ts'
import {
  type McpChange,
  type McpContext,
  type McpPeer,
  type McpRevision,
  type McpSession,
  type McpSessionOptions,
  mcpErrors,
} from './mcp-port.ts'
import {
  type Call,
  claimsModern,
  type Introduction,
  metaOf,
  readIntroduction,
  type SessionMemory,
} from './native-call.ts'
import { agreedRevision, type NativeEngine } from './native-engine.ts'
import {
  errorText,
  type Frame,
  type Id,
  isObject,
  notificationText,
  type Params,
  readFrame,
  resultText,
} from './native-frames.ts'
import { invalid } from './native-methods.ts'
import { batched, bounds, codes, modern, unnamed } from './native-protocol.ts'
import type { FrameQueue } from './native-queue.ts'
import { requestOver } from './native-rounds.ts'
import { changeText, isDeliveredTo, type Subscription } from './native-subscription.ts'
import { keyOf } from './stream-flow.ts'

type RequestFrame = Extract<Frame, { kind: 'request' }>

interface Running {
  stop: AbortController
  /** Set once it listens. */
  subscription: Subscription | undefined
  /** Whether it was cancelled: nothing more is sent, not even the answer. */
  isCancelled: boolean
  /** Whether it was answered, after which no progress is sent. */
  isOver: boolean
  /** Whether it stays open until it is ended. */
  isStream: boolean
}

const gone = new Error('the client is gone')

export class NativeSession implements McpSession {
  readonly ended: Promise<void>
  readonly #engine: NativeEngine
  readonly #options: McpSessionOptions
  readonly #queue: FrameQueue
  readonly #end = Promise.withResolvers<void>()
  readonly #running = new Map<Id, Running>()
  /** Requests to the client, by our ids. */
  readonly #asked = new Map<Id, (result: Record<string, unknown> | undefined) => void>()
  readonly #memory: SessionMemory = {
    uris: new Set(),
    setLevel: logLevel => {
      this.#introduction = { ...this.#introduction, logLevel }
    },
  }
  #introduction: Introduction = { revision: unnamed, peer: undefined, capabilities: {}, logLevel: undefined }
  #hasBegun = false
  #isOver = false
  #isClosing = false
  #unsaid = 0
  #idle = Promise.withResolvers<void>()
  #asks = 0
  /** Called when fewer requests are in flight. */
  onIdle: () => void = () => undefined

  constructor(engine: NativeEngine, options: McpSessionOptions, queue: FrameQueue) {
    this.#engine = engine
    this.#options = options
    this.#queue = queue
    this.ended = this.#end.promise
    queue.onFull = () => this.cut()
    const { signal } = options.context
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get peer(): McpPeer | undefined {
    return this.#introduction.peer
  }

  get revision(): McpRevision | undefined {
    return this.#hasBegun ? this.#introduction.revision : undefined
  }

  /** Counts the requests in flight that end by themselves. */
  get calls(): number {
    return [...this.#running.values()].filter(({ isStream }) => !isStream).length
  }

  /** Answers whatever needs an answer. @returns Whether it is a valid message. */
  receive(body: unknown, context: McpContext): boolean {
    if (this.#isOver || this.#isClosing) return true
    if (Array.isArray(body)) return this.#receiveBatch(body, context)
    const frame = readFrame(body)
    if (frame.kind === 'wrong') {
      this.refuse(mcpErrors.invalidRequest, frame.words)
      return false
    }
    this.#say(this.#take(frame, context))
    return true
  }

  /** Whether everything that needs an answer has one. */
  get isIdle(): boolean {
    return this.#unsaid === 0
  }

  /** Answers something that is not a valid message. */
  refuse(code: number, message: string): void {
    this.#queue.put(errorText(null, { code, message }))
  }

  publish(change: McpChange): void {
    for (const { subscription } of this.#running.values()) {
      const news = subscription?.newsOf(change)
      if (news) this.#queue.notify(...news)
    }
    if (!this.#hasBegun || this.#introduction.revision === modern) return
    const isDelivered = isDeliveredTo(change, this.#engine.options.offer, this.#memory.uris)
    if (isDelivered) this.#queue.notify(keyOf(change), changeText(change))
  }

  async notify(method: string, params: Params): Promise<void> {
    await this.#queue.send(notificationText(method, params))
  }

  /** Ends gracefully: calls in flight answer, listeners are notified, and waiting frames are still taken. */
  async close(): Promise<void> {
    if (!this.#isClosing) void this.#close()
    await this.ended
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    const ends = [...this.#running.values()].flatMap(({ subscription }) => (subscription ? [subscription] : []))
    if (!this.#options.context.signal.aborted) this.#stop()
    this.#idle = Promise.withResolvers<void>()
    if (!this.isIdle) await Promise.race([this.#idle.promise, this.ended])
    this.#queue.end(...ends.map(end => this.#engine.goodbye(end)))
  }

  cut(): void {
    this.#stop()
    this.#queue.break(gone)
    this.over()
  }

  /** Called when the transport can neither deliver nor accept anything. */
  over(): void {
    this.#stop()
    this.#isOver = true
    this.#options.context.signal.removeEventListener('abort', this.#onAbort)
    this.#end.resolve()
  }

  readonly #onAbort = (): void => {
    // Calls in flight answer with the reason, and nothing follows.
    for (const { stop } of this.#running.values()) stop.abort(this.#options.context.signal.reason)
  }

  #stop(): void {
    for (const { stop } of this.#running.values()) stop.abort(gone)
    for (const answer of this.#asked.values()) answer(undefined)
  }

  /** Takes a batch, of one revision only; its answers are one message, in order. */
  #receiveBatch(body: unknown[], context: McpContext): boolean {
    const refuse = (words: string) => {
      this.refuse(mcpErrors.invalidRequest, `Invalid Request: ${words}`)
      return false
    }
    if (this.#introduction.revision !== batched || !this.#hasBegun)
      return refuse(`only revision ${batched} has batches.`)
    if (body.length === 0 || body.length > maxBatch) return refuse(`a batch has 1 to ${maxBatch} messages.`)
    const frames = body.map(readFrame)
    const isRefused = frames.some(frame => frame.kind === 'wrong' || ('method' in frame && isAlone(frame)))
    if (isRefused) return refuse('the batch contains an invalid message, or one that must not be in it.')
    const texts = frames.flatMap(frame => (frame.kind === 'wrong' ? [] : [this.#take(frame, context)]))
    const together = Promise.all(texts).then(all => all.filter(text => text !== undefined))
    this.#say(together.then(answers => (answers.length > 0 ? `[${answers.join(',')}]` : undefined)))
    return true
  }

  /** @param answer Never rejects. */
  #say(answer: Promise<string | undefined>): void {
    this.#unsaid++
    void answer.then(text => {
      if (text !== undefined) this.#queue.put(text)
      this.#unsaid--
      this.onIdle()
      if (this.isIdle) this.#idle.resolve()
    })
  }

  /** @returns The answer, if any. Never rejects. */
  async #take(frame: Exclude<Frame, { kind: 'wrong' }>, context: McpContext): Promise<string | undefined> {
    if (frame.kind === 'answer') return void this.#asked.get(frame.id)?.(frame.result)
    if (frame.kind === 'notification') return void this.#onNotification(frame.method, frame.params)
    const introduction = this.#introduce(frame)
    if (typeof introduction === 'string') return introduction
    const { id } = frame
    if (this.#running.has(id)) {
      return errorText(id, {
        code: mcpErrors.invalidRequest,
        message: 'Invalid Request: this id is already in use.',
      })
    }
    const isStream = this.#engine.isStream(frame.method)
    if (isStream ? this.#running.size - this.calls >= bounds.streams : this.calls >= bounds.requests) {
      const words = isStream ? `${bounds.streams} streams are open` : `${bounds.requests} requests are under way`
      return errorText(id, { code: codes.http, message: `${words} already.` })
    }
    const running: Running = {
      ...{ stop: new AbortController(), subscription: undefined, isCancelled: false, isOver: false },
      isStream,
    }
    // The request that posted it has ended by now: only a reason that must be answered counts.
    const stop = () => toMcpError(context.signal.reason) && running.stop.abort(context.signal.reason)
    if (this.#options.context.signal.aborted) running.stop.abort(this.#options.context.signal.reason)
    if (context.signal.aborted) stop()
    else context.signal.addEventListener('abort', stop, { once: true })
    this.#running.set(id, running)
    try {
      const { signal } = running.stop
      const out = this.#out(id, running)
      const call = { ...introduction, ...frame, context, signal, out, ask: this.#ask, memory: this.#memory }
      return await this.#answer(call, running)
    } finally {
      context.signal.removeEventListener('abort', stop)
      if (!running.subscription || running.isCancelled) this.#forget(id, running)
    }
  }

  async #answer(call: Call, running: Running): Promise<string | undefined> {
    try {
      const text = await this.#textOf(call, running)
      return running.isCancelled ? undefined : text
    } catch (error) {
      return running.isCancelled ? undefined : this.#engine.refuse(call, error).text
    }
  }

  async #textOf(call: Call, running: Running): Promise<string | undefined> {
    if (call.revision === modern && call.method === 'subscriptions/listen') return await this.#listen(call, running)
    if (call.revision !== modern && call.method === 'initialize') return this.#begin(call.id, call.params)
    return (await this.#engine.answer(call)).text
  }

  /** @returns What the request says about its client, or the error that answers it. */
  #introduce({ id, method, params }: RequestFrame): Introduction | string {
    const meta = metaOf(params)
    if (!claimsModern(params) || !meta) return this.#introduction
    const introduction = readIntroduction(meta)
    if (Array.isArray(introduction)) {
      if (method === 'initialize') return this.#introduction
      const [key, problem] = introduction
      const message = `Invalid _meta envelope for protocol revision ${modern}: ${key}: ${problem}`
      return errorText(id, { code: mcpErrors.invalidParams, message, data: { envelope: { key, problem } } })
    }
    if (introduction.revision !== modern) {
      const requested = introduction.revision.slice(0, 40)
      const data = { supported: [modern], requested }
      return errorText(id, {
        code: codes.unsupportedRevision,
        message: `Unsupported protocol version: ${requested}`,
        data,
      })
    }
    if (!this.#hasBegun) this.#introduction = introduction
    this.#hasBegun = true
    return introduction
  }

  #begin(id: Id, { protocolVersion, capabilities, clientInfo }: Params): string {
    const peer = peerOf(clientInfo)
    if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !peer) {
      throw invalid('initialize takes a protocolVersion, capabilities and clientInfo.')
    }
    const revision = agreedRevision(protocolVersion)
    this.#introduction = { revision: revision as McpRevision, peer, capabilities, logLevel: undefined }
    this.#hasBegun = true
    return resultText(id, this.#engine.welcome(revision, this.#options.experimental))
  }

  async #listen(call: Call, running: Running): Promise<string | undefined> {
    const subscription = await this.#engine.subscribe(call)
    if (running.isCancelled) return undefined
    // Counted now, since others may have been granted meanwhile.
    const listens = [...this.#running.values()].filter(each => each.subscription).length
    if (listens >= bounds.listens) throw invalid(`there are ${bounds.listens} subscriptions already.`)
    this.#queue.put(subscription.acknowledgement)
    if (subscription.isEmpty) return this.#engine.goodbye(subscription)
    running.subscription = subscription
    return undefined
  }

  #onNotification(method: string, params: Params): void {
    if (method === 'notifications/cancelled') return this.#cancel(params.requestId)
    if (method.startsWith('notifications/') && known.has(method)) return
    try {
      this.#options.onNotification?.(method, params)
    } catch (error) {
      this.#engine.options.onFault(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #cancel(id: unknown): void {
    const running = typeof id === 'string' || typeof id === 'number' ? this.#running.get(id) : undefined
    if (!running) return
    running.isCancelled = true
    running.stop.abort(gone)
    if (running.subscription) this.#forget(id as Id, running)
  }

  /** Forgets a request, with the news waiting for it. */
  #forget(id: Id, running: Running): void {
    running.isOver = true
    this.#running.delete(id)
    this.#queue.forget(`${JSON.stringify(id)} `)
  }

  #out(id: Id, running: Running): Call['out'] {
    const start = `${JSON.stringify(id)} `
    const isSilent = () => running.isCancelled || running.isOver
    return {
      notify: (key, text) => {
        if (!isSilent()) this.#queue.notify(start + key, text)
      },
      log: text => {
        if (!isSilent()) this.#queue.log(text)
      },
      send: text => (isSilent() ? Promise.reject(gone) : this.#queue.send(text)),
    }
  }

  readonly #ask: Call['ask'] = (request, signal) =>
    requestOver(request, signal, {
      add: answer => {
        const id = `ask-${++this.#asks}`
        this.#asked.set(id, answer)
        return id
      },
      forget: id => void this.#asked.delete(id),
      put: text => this.#queue.put(text),
    })
}

/** Core notifications without effect here: they refer to requests that we never make. */
const known = new Set([
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/elicitation/complete',
])

/** Whether it must not be part of a batch. */
function isAlone({ method, params }: { method: string; params: Params }): boolean {
  return method === 'initialize' || claimsModern(params)
}
