/** Answers one request of Streamable HTTP: by one JSON text, or by a stream once something must be sent first. */

import { TextAnswer } from '../platform/http/answer-text.ts'
import type { FetchAnswer, FetchRequest } from '../platform/http/http-fetch.ts'
import type { ClientRequests } from './client-requests.ts'
import { type HttpSession, type HttpSessions, openStream, sessionHeader } from './http-sessions.ts'
import { peerOf } from './mcp-frames.ts'
import { type McpChange, type McpContext, type McpHttpExchange, type McpRevision, mcpErrors } from './mcp-port.ts'
import { type Call, type Introduction, isModern, type SessionMemory } from './native-call.ts'
import { agreedRevision, type NativeEngine } from './native-engine.ts'
import { refusal, statusOf, toWireError } from './native-errors.ts'
import { EventStream, type KeepAlive, streamHeaders } from './native-event-stream.ts'
import { errorText, isObject, resultText } from './native-frames.ts'
import { type MessageFrame, type Reading, type RequestFrame, readRequest } from './native-http-request.ts'
import { FrameQueue } from './native-queue.ts'
import { requestOver } from './native-rounds.ts'
import { changeText, isDeliveredTo, type Subscription } from './native-subscription.ts'
import { keyOf } from './stream-flow.ts'

export interface HttpParts {
  engine: NativeEngine
  sessions: HttpSessions
  requests: ClientRequests
  keepAlive: KeepAlive
}

const gone = new Error('the client is gone')
/** How long a stream of an extension may still be refused by an HTTP status. */
const openingMs = 1_000
const jsonHeaders = { 'content-type': 'application/json' }

export class HttpExchange implements McpHttpExchange {
  readonly response: Promise<FetchAnswer>
  readonly #parts: HttpParts
  readonly #asking: McpContext
  readonly #requestSignal: AbortSignal
  readonly #answered = Promise.withResolvers<FetchAnswer>()
  readonly #over = Promise.withResolvers<void>()
  /** Aborts what runs for this request. */
  readonly #running = new AbortController()
  readonly #queue = new FrameQueue()
  #stream: EventStream | undefined
  #opening: NodeJS.Timeout | undefined
  #subscription: Subscription | undefined
  /** The session whose changes this stream announces. */
  #session: HttpSession | undefined
  #isOver = false

  constructor(parts: HttpParts, request: FetchRequest, body: unknown, context: McpContext) {
    this.#parts = parts
    this.#asking = context
    this.#requestSignal = request.signal
    this.response = this.#answered.promise
    this.#queue.onFull = () => this.cut()
    context.signal.addEventListener('abort', this.#onAbort)
    request.signal.addEventListener('abort', this.#left)
    if (request.signal.aborted) this.#left()
    else if (context.signal.aborted) this.#onAbort()
    const reading = readRequest(request, body, name => parts.sessions.find(name, context.caller.principal.id))
    this.#answer(reading).catch((error: unknown) => this.#fail(reading, error))
  }

  /** Resolves when nothing is open any more. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  publish(change: McpChange): void {
    const news = this.#subscription?.newsOf(change)
    if (news) this.#queue.notify(...news)
    const uris = this.#session?.subscribed
    const isDelivered = this.#session !== undefined && isDeliveredTo(change, this.#parts.engine.options.offer, uris)
    if (isDelivered) this.#queue.notify(keyOf(change), changeText(change))
  }

  /** Ends a stream: its work is aborted, and its answer is the last message. */
  async close(): Promise<void> {
    if (!this.#stream) return
    if (this.#subscription) this.#finish(this.#subscription)
    else if (this.#session) this.#queue.end()
    else if (!this.#running.signal.aborted) this.#running.abort(gone)
    await this.#over.promise
  }

  cut(): void {
    if (this.#isOver) return
    this.#running.abort(gone)
    this.#stream?.break(gone)
    // A body that errors immediately, so that nothing is taken for an answer.
    this.#respond(new Response(broken(), { headers: jsonHeaders }))
  }

  readonly #onAbort = (): void => {
    this.#running.abort(this.#asking.signal.reason)
    if (this.#subscription) this.#finish(this.#subscription)
    else if (this.#session) this.#queue.end()
  }

  readonly #left = (): void => {
    this.#running.abort(gone)
    this.#stream?.break(gone)
    this.#respond(new Response(null, { status: 499 }))
  }

  async #answer(reading: Reading): Promise<void> {
    if (this.#isOver) return
    if (reading.kind === 'refused') return this.#json(errorText(reading.id, reading.refusal), reading.refusal.status)
    if (reading.kind === 'taken') return this.#accept(reading.frames)
    if (reading.kind === 'stand') return this.#stand(reading.session)
    if (reading.kind === 'handshake') return this.#welcome(reading.frame)
    if (reading.kind === 'batch') return await this.#batch(reading.frames, reading.introduction, reading.session)
    await this.#request(this.#call(reading.frame, reading.introduction, reading.session))
  }

  async #request(call: Call): Promise<void> {
    const { engine } = this.#parts
    if (isModern(call) && call.method === 'subscriptions/listen') return await this.#listen(call)
    // The client needs to see that the stream is open, even while there is nothing to send.
    if (engine.isStream(call.method)) this.#opening = setTimeout(() => this.#open(), openingMs)
    const { text, code } = await engine.answer(call)
    if (this.#stream) this.#queue.end(text)
    else this.#json(text, isModern(call) ? statusOf(code) : 200)
  }

  /** Runs the requests one by one: a batch counts as one request. */
  async #batch(frames: MessageFrame[], introduction: Introduction, session: HttpSession | undefined): Promise<void> {
    this.#take(frames)
    const texts: string[] = []
    for (const frame of frames) {
      if (this.#isOver) return
      if (frame.kind !== 'request') continue
      texts.push((await this.#parts.engine.answer(this.#call(frame, introduction, session))).text)
    }
    const text = `[${texts.join(',')}]`
    if (this.#stream) this.#queue.end(text)
    else this.#json(text)
  }

  async #listen(call: Call): Promise<void> {
    const { engine } = this.#parts
    try {
      const subscription = await engine.subscribe(call)
      this.#queue.put(subscription.acknowledgement)
      this.#subscription = subscription
      if (subscription.isEmpty || this.#running.signal.aborted) this.#finish(subscription)
      this.#open()
    } catch (error) {
      this.#json(engine.refuse(call, error).text)
    }
  }

  /** Sends the protocol's final message. */
  #finish(subscription: Subscription): void {
    this.#queue.end(this.#parts.engine.goodbye(subscription))
  }

  #stand(session: HttpSession): void {
    this.#session = session
    void this.over.then(openStream(session, { end: () => void this.close() }))
    this.#open()
  }

  #welcome({ id, params }: RequestFrame): void {
    const { engine, sessions } = this.#parts
    const { protocolVersion, capabilities, clientInfo } = params
    const peer = peerOf(clientInfo)
    if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !peer) {
      const message = 'Invalid params: initialize takes a protocolVersion, capabilities and clientInfo.'
      return this.#json(errorText(id, { code: mcpErrors.invalidParams, message }))
    }
    const revision = agreedRevision(protocolVersion)
    const name = sessions.open({ revision: revision as McpRevision, peer, capabilities })
    this.#json(resultText(id, engine.welcome(revision)), 200, { [sessionHeader]: name })
  }

  #accept(frames: MessageFrame[]): void {
    const isWaitedFor = this.#take(frames)
    if (isWaitedFor) return this.#respond(new Response(null, { status: 202 }))
    const { status, ...error } = refusal(
      400,
      mcpErrors.invalidRequest,
      'Invalid Request: this answer is not waited for.',
    )
    this.#json(errorText(null, error), status)
  }

  /** @returns Whether all responses among the frames were waited for. */
  #take(frames: MessageFrame[]): boolean {
    const { principal } = this.#asking.caller
    const known = frames.map(frame => {
      if (frame.kind !== 'answer') return true
      const { id, result } = frame
      return this.#parts.requests.answer(principal.id, { jsonrpc: '2.0', id, ...(result ? { result } : {}) })
    })
    return known.every(Boolean)
  }

  #call(frame: RequestFrame, introduction: Introduction, session: HttpSession | undefined): Call {
    const { id, method, params } = frame
    const ask = session ? this.#ask : undefined
    const memory = session && memoryOf(session)
    const signal = this.#running.signal
    return { ...introduction, id, method, params, context: this.#asking, signal, out: this.#out, ask, memory }
  }

  readonly #out: Call['out'] = {
    notify: (key, text) => {
      this.#queue.notify(key, text)
      this.#open()
    },
    log: text => {
      this.#queue.log(text)
      this.#open()
    },
    send: text => {
      const sent = this.#queue.send(text)
      this.#open()
      return sent
    },
  }

  /** Sends the request on the stream of the call; its response arrives as a request of its own. */
  readonly #ask: Call['ask'] = (request, signal) => {
    const { requests } = this.#parts
    const { id: principalId } = this.#asking.caller.principal
    return requestOver(request, signal, {
      add: answer => requests.add(principalId, ({ result }) => answer(result)),
      forget: id => requests.forget(id),
      put: text => {
        this.#queue.put(text)
        this.#open()
      },
    })
  }

  #open(): void {
    if (this.#stream || this.#isOver) return
    this.#stream = new EventStream(this.#queue, this.#parts.keepAlive, () => this.#end())
    this.#answered.resolve(new Response(this.#stream.body, { headers: streamHeaders }))
  }

  #json(text: string, status = 200, more: Record<string, string> = {}): void {
    if (this.#isOver) return
    const headers = { ...jsonHeaders, ...(status === 405 ? { allow: 'POST' } : more) }
    this.#respond(new TextAnswer(text, { status, headers }))
  }

  #respond(response: FetchAnswer): void {
    this.#answered.resolve(response)
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#opening)
    this.#asking.signal.removeEventListener('abort', this.#onAbort)
    this.#requestSignal.removeEventListener('abort', this.#left)
    // The reader left before the answer.
    if (this.#stream && !this.#queue.hasEnded) this.#running.abort(gone)
    this.#queue.break(gone)
    this.#over.resolve()
  }

  /** Answers a bug of ours. */
  #fail(reading: Reading, error: unknown): void {
    const wire = toWireError(error, false, this.#parts.engine.options.onFault)
    const id = 'frame' in reading ? reading.frame.id : null
    this.#stream?.break(gone)
    this.#json(errorText(id, wire), 500)
  }
}

function memoryOf(session: HttpSession): SessionMemory {
  return {
    uris: session.subscribed,
    setLevel: level => {
      session.logLevel = level
    },
  }
}

function broken(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: controller => controller.error(gone) }, { highWaterMark: 0 })
}
