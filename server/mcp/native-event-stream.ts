/**
 * Server-sent events with back-pressure: nothing is encoded before it is read, so a slow client holds no more than its
 * queue.
 */
import { eventOf } from './native-frames.ts'
import { bounds } from './native-protocol.ts'
import type { FrameQueue } from './native-queue.ts'

export const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

export class EventStream {
  readonly queue: FrameQueue
  readonly body: ReadableStream<Uint8Array>
  readonly #keepAlive: KeepAlive
  readonly #onOver: () => void
  /** The first event of HTTP+SSE, which is not part of the protocol. */
  #first: string | undefined
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Whether the reader is waiting for more. */
  #isAwaited = false
  #isOver = false

  /** @param onOver Called once, when the reader is gone or has read everything. */
  constructor(queue: FrameQueue, keepAlive: KeepAlive, onOver: () => void, first?: string) {
    this.queue = queue
    this.#keepAlive = keepAlive
    this.#onOver = onOver
    this.#first = first
    queue.onReady = () => this.#flush()
    this.body = new ReadableStream(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => {
          this.#isAwaited = true
          this.#flush()
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    )
    keepAlive.add(this)
  }

  comment(): void {
    if (!this.#isAwaited || this.#isOver) return
    this.#isAwaited = false
    this.#controller?.enqueue(Buffer.from(': keepalive\n\n'))
  }

  /** Errors the stream, so that the client does not take it for complete. */
  break(fault: Error): void {
    if (this.#isOver) return
    this.#end()
    this.queue.break(fault)
    this.#controller?.error(fault)
  }

  #flush(): void {
    if (!this.#isAwaited || this.#isOver || this.queue.isBroken) return
    const text = this.#first ?? this.queue.take()
    if (text !== undefined) {
      const event = this.#first === undefined ? eventOf(text) : text
      this.#first = undefined
      this.#isAwaited = false
      this.#controller?.enqueue(Buffer.from(event))
    }
    if (!this.queue.hasEnded) return
    this.#end()
    this.#controller?.close()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#keepAlive.delete(this)
    this.#onOver()
  }
}

/** Sends keep-alives with one timer for all streams, and none without streams. */
export class KeepAlive {
  readonly #streams = new Set<EventStream>()
  #timer: NodeJS.Timeout | undefined

  add(stream: EventStream): void {
    this.#streams.add(stream)
    this.#timer ??= setInterval(() => this.#tick(), bounds.keepAliveMs).unref()
  }

  delete(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    for (const stream of this.#streams) stream.comment()
  }
}
