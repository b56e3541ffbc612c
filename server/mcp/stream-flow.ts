/** A stream of events as its reader takes it: what changed is said once and no sooner than it is read, and who notifies can wait for the reader. */
import type { McpChange } from './mcp-port.ts'

export class StreamFlow {
  readonly #tell: (change: McpChange) => void
  /** By kind and URI; no more than the client asked for. */
  readonly #changes = new Map<string, McpChange>()
  /** Whether the reader has taken all that there was. */
  #isAwaited = false
  #sent = 0
  #taken = 0
  #isGone = false
  #waiting: { upTo: number; resolve(): void; reject(error: Error): void }[] = []

  /** @param tell Puts it onto the stream. */
  constructor(tell: (change: McpChange) => void) {
    this.#tell = tell
  }

  has(change: McpChange): void {
    this.#changes.set(keyOf(change), change)
    if (this.#isAwaited) this.#say()
  }

  /** Frames that were put onto the stream and not taken. */
  get waiting(): number {
    return this.#sent - this.#taken
  }

  /** One more frame was put onto the stream. Resolves when the reader took it, rejects when there is none any more. */
  sent(): Promise<void> {
    const upTo = ++this.#sent
    if (this.#isGone) return Promise.reject(gone())
    if (this.#taken >= upTo) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ upTo, resolve, reject }))
  }

  /** The same stream, read no sooner than somebody reads it; what waits is said first. */
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

  /** Nobody takes anything any more. */
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
    for (const change of changes) this.#tell(change)
  }
}

export function keyOf(change: McpChange): string {
  return change.of === 'resource' ? `resource ${change.uri}` : change.of
}

/** Not a comment that keeps the connection alive. */
function isFrame(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x3a
}

function gone(): Error {
  return new Error('The client is gone')
}
