/** Sweeps over all open streams in slices, so that ten thousand streams do not delay concurrent requests. */
import type { LogEntry } from './event-log.ts'
import type { EventStream } from './event-stream.ts'
import type { EventView } from './event-view.ts'
import { StreamAudience } from './stream-audience.ts'

type Step = (stream: EventStream) => void

/** Streams served per turn of the event loop. */
const slice = 256

export class StreamSweep {
  readonly #streams = new Set<EventStream>()
  readonly #audience = new StreamAudience()
  /** Pending steps for every stream, by name; a later step replaces one with the same name. */
  readonly #due = new Map<string, Step>()
  /** Views with new facts since the current sweep began. */
  #news = new Set<EventView>()
  #scheduledTo = 0
  #sweptTo = 0
  #walk: Iterator<undefined> | undefined

  get size(): number {
    return this.#streams.size
  }

  /** Number of the fact up to which every caught-up stream has received its visible facts. */
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

  /** Moves a stream whose view has changed. */
  move(stream: EventStream, before: EventView): void {
    this.#audience.delete(stream, before)
    if (stream.isOpen) this.#audience.add(stream)
  }

  /**
   * Schedules the delivery of a fact; facts of one turn of the event loop become one write per stream that sees them.
   */
  schedule({ number, fact, frame }: LogEntry): void {
    this.#begin()
    this.#scheduledTo = number
    for (const view of this.#audience.viewsOf(fact)) {
      view.endOffset += frame.length
      this.#news.add(view)
    }
  }

  /** Schedules a step for every stream. Steps added during a sweep run in the next one, which follows immediately. */
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

  /** Yields after each stream. Streams opened meanwhile are served too, which is harmless; closed ones are not. */
  *#steps(): Generator<undefined> {
    const [news, heard, steps] = [this.#news, this.#scheduledTo, [...this.#due.values()]]
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
