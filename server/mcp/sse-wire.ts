/**
 * Messages to a client as an event stream (HTTP+SSE of 2024-11-05, GET of Streamable HTTP) with back-pressure; its own
 * messages arrive as requests.
 */
import type { McpWire } from './mcp-wire.ts'

/** Bytes of messages that the client has not taken; past it the connection is cut. */
const maxWaitingBytes = 8 * 1024 * 1024
const keepAliveMs = 15_000

interface Waiting {
  bytes: Uint8Array
  resolve(): void
  reject(error: Error): void
}

export class SseWire implements McpWire {
  readonly body: ReadableStream<Uint8Array>
  readonly ended: Promise<void>
  readonly #encoder = new TextEncoder()
  readonly #end = Promise.withResolvers<void>()
  readonly #keepAlive: NodeJS.Timeout
  #waiting: Waiting[] = []
  #waitingBytes = 0
  /** Set while the client waits for more. */
  #wake: (() => void) | undefined
  #state: 'open' | 'ending' | 'over' = 'open'
  #idle: (() => void)[] = []

  /** @param endpoint Where the client posts; sent first. */
  constructor(endpoint?: string) {
    this.ended = this.#end.promise
    this.body = new ReadableStream(
      { pull: controller => this.#pull(controller), cancel: () => this.cut() },
      { highWaterMark: 0 },
    )
    if (endpoint !== undefined) this.#put(`event: endpoint\ndata: ${endpoint}\n\n`).catch(() => undefined)
    this.#keepAlive = setInterval(() => this.#beat(), keepAliveMs)
    this.#keepAlive.unref()
  }

  send(frame: object): Promise<void> {
    return this.#put(`event: message\ndata: ${JSON.stringify(frame)}\n\n`)
  }

  taken(): Promise<void> {
    if (this.#waiting.length === 0 || this.#state === 'over') return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#wake?.()
  }

  cut(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    clearInterval(this.#keepAlive)
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The client is gone'))
    for (const resolve of this.#idle.splice(0)) resolve()
    this.#wake?.()
    this.#end.resolve()
  }

  /** Sends a keep-alive only to a client that reads; otherwise they would pile up. */
  #beat(): void {
    if (this.#wake) this.#put(': keepalive\n\n').catch(() => undefined)
  }

  #put(text: string): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(new Error('The client is gone'))
    const bytes = this.#encoder.encode(text)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > maxWaitingBytes) {
      this.cut()
      return Promise.reject(new Error('The client does not read'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ bytes, resolve, reject })
    this.#wake?.()
    return promise
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#waiting.length === 0) for (const resolve of this.#idle.splice(0)) resolve()
    if (this.#waiting.length === 0 && this.#state === 'open') {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    const next = this.#waiting.shift()
    if (!next) {
      controller.close()
      this.cut()
      return
    }
    this.#waitingBytes -= next.bytes.length
    controller.enqueue(next.bytes)
    next.resolve()
  }
}
