/**
 * A stream of events with back-pressure: changes are merged and written only when they can be read, and notifiers can
 * wait for the reader.
 */
import type { McpChange } from './mcp-port.ts'

export class StreamFlow {
  readonly #notify: (change: McpChange) => void
  /** Unwritten changes by kind and URI, bounded by what the client asked for. */
  readonly #changes = new Map<string, McpChange>()
  /** Whether the reader is waiting for more. */
  #isAwaited = false
  #sent = 0
  #taken = 0
  #isGone = false
  #waiting: { upTo: number; resolve(): void; reject(error: Error): void }[] = []

  /** @param notify Writes a change to the stream. */
  constructor(notify: (change: McpChange) => void) {
    this.#notify = notify
  }

  has(change: McpChange): void {
    this.#changes.set(keyOf(change), change)
    if (this.#isAwaited) this.#say()
  }

  /** Frames that were written to the stream and not taken. */
  get waiting(): number {
    return this.#sent - this.#taken
  }

  /** Counts a frame written to the stream. Resolves once the reader has taken it, rejects when the reader is gone. */
  sent(): Promise<void> {
    const upTo = ++this.#sent
    if (this.#isGone) return Promise.reject(gone())
    if (this.#taken >= upTo) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ upTo, resolve, reject }))
  }

  /** Wraps the stream so that it is pulled only when it is read; pending changes are written first. */
  behind(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = source.getReader()
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      this.#isAwaited = true
      if (this.#changes.size > 0) this.#say()
      const { done, value } = await reader.read()
      this.#isAwaited = false
      if (done) {
        this.end()
        controller.close()
        return
      }
      if (isFrame(value)) this.#take()
      controller.enqueue(value)
    }
    const cancel = (reason: unknown) => {
      this.end()
      return reader.cancel(reason)
    }
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
  }

  /** Ends the flow: nothing is read any more. */
  end(): void {
    this.#isGone = true
    for (const { reject } of this.#waiting.splice(0)) reject(gone())
  }

  #take(): void {
    this.#taken++
    this.#waiting = this.#waiting.filter(({ upTo, resolve }) => {
      if (upTo <= this.#taken) resolve()
      return upTo > this.#taken
    })
  }

  #say(): void {
    const changes = [...this.#changes.values()]
    this.#changes.clear()
    this.#isAwaited = false
    for (const change of changes) this.#notify(change)
  }
}

export function keyOf(change: McpChange): string {
  return change.of === 'resource' ? `resource ${change.uri}` : change.of
}

/** A keep-alive comment is not a frame. */
function isFrame(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x3a
}

function gone(): Error {
  return new Error('The client is gone')
}
