/** All open streams, and the walks over them: cut into slices, so that ten thousand do not hold up a request beside them. */
import type { LogEntry } from './event-log.ts'
import type { EventStream } from './event-stream.ts'
import type { EventView } from './event-view.ts'
import { StreamAudience } from './stream-audience.ts'

type Step = (stream: EventStream) => void

/** Streams served before the event loop gets its turn. */
const slice = 256

export class StreamSweep {
  readonly #streams = new Set<EventStream>()
  readonly #audience = new StreamAudience()
  /** What is to be done with every stream, by name; a later step of a name takes the place of the one before. */
  readonly #due = new Map<string, Step>()
  /** Views that let through what was heard since the last walk over streams began. */
  #news = new Set<EventView>()
  #heard = 0
  #sweptTo = 0
  #walk: Iterator<undefined> | undefined

  get size(): number {
    return this.#streams.size
  }

  /** Number of a fact up to which every stream that was at the end of the log has what its view lets through. */
  get sweptTo(): number {
    return this.#sweptTo
  }

  add(stream: EventStream): void {
    this.#streams.add(stream)
    this.#audience.add(stream)
  }

  delete(stream: EventStream): void {
    this.#streams.delete(stream)
    this.#audience.delete(stream)
  }

  /** For a stream that has another view now. */
  move(stream: EventStream, before: EventView): void {
    this.#audience.delete(stream, before)
    if (stream.isOpen) this.#audience.add(stream)
  }

  /** Facts of one turn of the event loop go out as one write for each stream that sees them. */
  hear({ number, fact, frame }: LogEntry): void {
    this.#begin()
    this.#heard = number
    for (const view of this.#audience.viewsOf(fact)) {
      view.endOffset += frame.length
      this.#news.add(view)
    }
  }

  /** Soon, for every stream. Steps that come while a walk is under way are done in the next one, which follows at once. */
  sweep(step: Step, name: string): void {
    this.#begin()
    this.#due.set(name, step)
  }

  *[Symbol.iterator](): Generator<EventStream> {
    yield* [...this.#streams]
  }

  #begin(): void {
    if (this.#walk) return
    this.#walk = this.#steps()
    setImmediate(() => this.#go())
  }

  #go(): void {
    for (let served = 0; served < slice; served++) {
      if (!this.#walk?.next().done) continue
      this.#walk = undefined
      if (this.#due.size > 0 || this.#news.size > 0) this.#begin()
      return
    }
    setImmediate(() => this.#go())
  }

  /** Stops behind each stream. Streams that open meanwhile are served too, which does no harm; those that close are not. */
  *#steps(): Generator<undefined> {
    const [news, heard, steps] = [this.#news, this.#heard, [...this.#due.values()]]
    this.#news = new Set()
    this.#due.clear()
    for (const view of news) {
      for (const stream of this.#audience.streamsOf(view)) {
        stream.pump()
        yield
      }
      view.rest()
    }
    this.#sweptTo = heard
    if (steps.length === 0) return
    for (const stream of this.#streams) {
      for (const step of steps) step(stream)
      yield
    }
  }
}
