/** One HTTP request of Streamable HTTP, answered: by one JSON text, or by a stream as soon as there is something to tell before the answer. */
import type { ClientRequests } from './client-requests.ts'
import { type HttpSession, type HttpSessions, sessionHeader } from './http-sessions.ts'
import { peerOf } from './mcp-frames.ts'
import { type McpAsking, type McpChange, type McpHttpExchange, type McpRevision, mcpErrors } from './mcp-port.ts'
import { type Call, type Introduction, isModern } from './native-call.ts'
import { agreedRevision, type NativeEngine } from './native-engine.ts'
import { statusOf, toWireError } from './native-errors.ts'
import { EventStream, type KeepAlive, streamHeaders } from './native-event-stream.ts'
import { errorText, isObject, requestText, resultText } from './native-frames.ts'
import { type MessageFrame, type Reading, type RequestFrame, readRequest } from './native-http-request.ts'
import { bounds } from './native-protocol.ts'
import { FrameQueue } from './native-queue.ts'
import type { Subscription } from './native-subscription.ts'

export interface HttpParts {
  engine: NativeEngine
  sessions: HttpSessions
  requests: ClientRequests
  keepAlive: KeepAlive
}

const gone = new Error('the client is gone')
/** What a stream of an extension has, so that it may be refused by a status of HTTP. */
const openingMs = 1_000
const jsonHeaders = { 'content-type': 'application/json' }

export class HttpExchange implements McpHttpExchange {
  readonly response: Promise<Response>
  readonly #parts: HttpParts
  readonly #asking: McpAsking
  readonly #requestSignal: AbortSignal
  readonly #answered = Promise.withResolvers<Response>()
  readonly #ended = Promise.withResolvers<void>()
  /** Of what runs for it. */
  readonly #running = new AbortController()
  readonly #queue = new FrameQueue()
  #stream: EventStream | undefined
  #opening: NodeJS.Timeout | undefined
  #subscription: Subscription | undefined
  #isOver = false

  /** @param onOver Called once, when nothing is open any more. */
  constructor(
    parts: HttpParts,
    request: Request,
    body: unknown,
    asking: McpAsking,
    onOver: (self: HttpExchange) => void,
  ) {
    this.#parts = parts
    this.#asking = asking
    this.#requestSignal = request.signal
    this.response = this.#answered.promise
    this.#queue.onFull = () => this.cut()
    void this.#ended.promise.then(() => onOver(this))
    const reading = readRequest(request, body, parts.sessions)
    asking.signal.addEventListener('abort', this.#told)
    request.signal.addEventListener('abort', this.#left)
    if (request.signal.aborted) this.#left()
    else if (asking.signal.aborted) this.#told()
    void this.#answer(reading).catch((error: unknown) => this.#fail(reading, error))
  }

  publish(change: McpChange): void {
    const news = this.#subscription?.newsOf(change)
    if (news) this.#queue.tell(...news)
  }

  /** What runs for a stream is told to end, and ends with what it answers. */
  async close(): Promise<void> {
    if (this.#subscription) this.#finish(this.#subscription)
    else if (this.#stream) this.#running.abort(gone)
    await (this.#subscription || this.#stream ? this.#ended.promise : undefined)
  }

  cut(): void {
    if (this.#isOver) return
    this.#running.abort(gone)
    this.#stream?.break(gone)
    // The door has to write something: what breaks at once, so that nothing is taken for an answer.
    this.#answered.resolve(new Response(broken(), { headers: jsonHeaders }))
    this.#end()
  }

  readonly #told = (): void => {
    this.#running.abort(this.#asking.signal.reason)
    if (this.#subscription) this.#finish(this.#subscription)
  }

  readonly #left = (): void => {
    if (this.#isOver) return
    this.#running.abort(gone)
    this.#stream?.break(gone)
    this.#answered.resolve(new Response(null, { status: 499 }))
    this.#end()
  }

  async #answer(reading: Reading): Promise<void> {
    if (reading.kind === 'refused') return this.#json(errorText(reading.id, reading.refusal), reading.refusal)
    if (reading.kind === 'taken') {
      this.#take(reading.frames)
      return this.#respond(new Response(null, { status: 202 }))
    }
    if (reading.kind === 'handshake') return this.#welcome(reading.frame)
    if (reading.kind === 'batch') return await this.#batch(reading.frames, reading.introduction, reading.session)
    await this.#request(reading.frame, reading.introduction, reading.session)
  }

  async #request(frame: RequestFrame, introduction: Introduction, session: HttpSession | undefined): Promise<void> {
    const call = this.#call(frame, introduction, session)
    if (isModern(call) && frame.method === 'subscriptions/listen') return await this.#listen(call)
    const { engine } = this.#parts
    // Its client wants to know that it is open, also where there is nothing to tell yet.
    if (isModern(call) && engine.isStream(frame.method)) this.#opening = setTimeout(() => this.#open(), openingMs)
    const { text, code } = await engine.answer(call)
    if (this.#isOver) return
    if (this.#stream) return this.#queue.end(text)
    this.#respond(new Response(text, { status: isModern(call) ? statusOf(code) : 200, headers: jsonHeaders }))
  }

  /** One after the other: together they are one request, and take the place of one. */
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
    let subscription: Subscription
    try {
      subscription = await engine.subscribe(call)
    } catch (error) {
      return this.#json(engine.refuse(call, error).text)
    }
    if (this.#isOver) return
    this.#queue.put(subscription.acknowledgement)
    this.#subscription = subscription
    if (subscription.isEmpty || this.#running.signal.aborted) this.#finish(subscription)
    this.#open()
  }

  /** Goodbye, in the words of the protocol. */
  #finish({ id, meta }: Subscription): void {
    const result = this.#parts.engine.complete(meta)
    this.#queue.end(resultText(id, result))
  }

  #welcome({ id, params }: RequestFrame): void {
    const { engine, sessions } = this.#parts
    const { protocolVersion, capabilities, clientInfo } = params
    const peer = peerOf(clientInfo)
    if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !peer) {
      const words = 'Invalid params: initialize takes a protocolVersion, capabilities and clientInfo.'
      return this.#json(errorText(id, { code: mcpErrors.invalidParams, message: words }))
    }
    const revision = agreedRevision(protocolVersion)
    const name = sessions.open({ revision: revision as McpRevision, peer, capabilities })
    const text = resultText(id, engine.welcome(revision, engine.capabilities(false)))
    this.#respond(new Response(text, { headers: { ...jsonHeaders, [sessionHeader]: name } }))
  }

  #take(frames: MessageFrame[]): void {
    const { principal } = this.#asking.caller
    for (const frame of frames) {
      if (frame.kind !== 'answer') continue
      const { id, result } = frame
      this.#parts.requests.answer(principal.id, { jsonrpc: '2.0', id, ...(result ? { result } : {}) })
    }
  }

  #call(frame: RequestFrame, introduction: Introduction, session: HttpSession | undefined): Call {
    const { id, method, params } = frame
    const queue = this.#queue
    const out = {
      tell: (key: string, text: string) => {
        queue.tell(`${JSON.stringify(id)} ${key}`, text)
        this.#open()
      },
      log: (text: string) => {
        queue.log(text)
        this.#open()
      },
      send: (text: string) => {
        const sent = queue.send(text)
        this.#open()
        return sent
      },
    }
    const ask = session ? this.#ask : undefined
    return { ...introduction, id, method, params, asking: this.#asking, signal: this.#running.signal, out, ask }
  }

  /** The request goes out on the stream of the call, and its answer comes with a request of its own. */
  readonly #ask: Call['ask'] = async ({ method, params }, signal) => {
    const { requests } = this.#parts
    const answer = Promise.withResolvers<Record<string, unknown> | undefined>()
    const id = requests.add(this.#asking.caller.principal.id, ({ result }) => answer.resolve(result))
    const none = () => answer.resolve(undefined)
    const late = setTimeout(none, bounds.answerMs)
    signal.addEventListener('abort', none, { once: true })
    if (signal.aborted) none()
    try {
      this.#queue.put(requestText(id, method, params))
      this.#open()
      return await answer.promise
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', none)
      requests.forget(id)
    }
  }

  #open(): void {
    if (this.#stream || this.#isOver) return
    this.#stream = new EventStream(this.#queue, this.#parts.keepAlive, () => this.#end())
    this.#answered.resolve(new Response(this.#stream.body, { headers: streamHeaders }))
  }

  #json(text: string, { status }: { status: number } = { status: 200 }): void {
    const headers = status === 405 ? { ...jsonHeaders, allow: 'POST' } : jsonHeaders
    this.#respond(new Response(text, { status, headers }))
  }

  #respond(response: Response): void {
    if (this.#isOver) return
    this.#answered.resolve(response)
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#opening)
    this.#asking.signal.removeEventListener('abort', this.#told)
    this.#requestSignal.removeEventListener('abort', this.#left)
    // The reader left before it was answered.
    if (!this.#queue.hasEnded && this.#stream) this.#running.abort(gone)
    this.#queue.break(gone)
    this.#ended.resolve()
  }

  /** A bug of ours. */
  #fail(reading: Reading, error: unknown): void {
    const wire = toWireError(error, false, this.#parts.engine.options.onFault)
    const id = 'frame' in reading ? reading.frame.id : null
    if (this.#stream) return this.#stream.break(gone)
    this.#json(errorText(id, wire), { status: 500 })
  }
}

function broken(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: controller => controller.error(gone) }, { highWaterMark: 0 })
}
