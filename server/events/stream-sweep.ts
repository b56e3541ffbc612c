/** All open streams, and the walks over them: cut into slices, so that ten thousand do not hold up a request beside them. */
import type { EventStream } from './event-stream.ts'

type Step = (stream: EventStream) => void

/** Streams served before the event loop gets its turn. */
const slice = 256

export class StreamSweep {
  readonly #streams: EventStream[] = []
  readonly #places = new Map<EventStream, number>()
  /** What is to be done with every stream, by name; a later step of a name takes the place of the one before. */
  readonly #due = new Map<string, Step>()
  #steps: Step[] = []
  #place = -1

  get size(): number {
    return this.#streams.length
  }

  add(stream: EventStream): void {
    this.#places.set(stream, this.#streams.push(stream) - 1)
  }

  /** The last takes its place, so a walk from the end meets everybody else exactly once. */
  delete(stream: EventStream): void {
    const place = this.#places.get(stream)
    if (place === undefined) return
    this.#places.delete(stream)
    const last = this.#streams.pop()!
    if (last === stream) return
    this.#streams[place] = last
    this.#places.set(last, place)
  }

  /** Soon, for every stream. Steps that come while a walk is under way are done in the next one, which follows at once. */
  sweep(step: Step, name: string): void {
    const isIdle = this.#due.size === 0 && this.#place < 0
    this.#due.set(name, step)
    if (isIdle) setImmediate(() => this.#walk())
  }

  *[Symbol.iterator](): Generator<EventStream> {
    yield* [...this.#streams]
  }

  #walk(): void {
    if (this.#place < 0) {
      this.#steps = [...this.#due.values()]
      this.#due.clear()
      this.#place = this.#streams.length
    }
    for (let served = 0; this.#place > 0 && served < slice; served++) {
      const stream = this.#streams[--this.#place]
      if (stream) for (const step of this.#steps) step(stream)
    }
    if (this.#place === 0) {
      this.#place = -1
      if (this.#due.size === 0) return
    }
    setImmediate(() => this.#walk())
  }
}
