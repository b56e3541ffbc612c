/** Counts what all event streams do: plain additions where it is hot, and a rate that is worked out once a second. */

/** Counted since the start. */
export interface StreamTotals {
  sent: number
  dropped: number
  bytesSent: number
  replays: number
  replayedFacts: number
  gaps: number
  slowConsumers: number
}

const windowMs = 60_000
/** One mark a second covers the window; when the timer is late they cover more, never less. */
const keptMarks = windowMs / 1000 + 1

export class StreamFigures {
  readonly #totals: StreamTotals = {
    sent: 0,
    dropped: 0,
    bytesSent: 0,
    replays: 0,
    replayedFacts: 0,
    gaps: 0,
    slowConsumers: 0,
  }
  /** How much was sent by when, oldest first; times are milliseconds of a clock that never goes back. */
  #marks: { at: number; sent: number }[] = []

  get totals(): Readonly<StreamTotals> {
    return this.#totals
  }

  wrote(bytes: number): void {
    this.#totals.bytesSent += bytes
  }

  sent(count: number): void {
    this.#totals.sent += count
  }

  dropped(count: number): void {
    this.#totals.dropped += count
  }

  replayed(facts: number): void {
    this.#totals.replays++
    this.#totals.replayedFacts += facts
  }

  gap(): void {
    this.#totals.gaps++
  }

  slowConsumer(): void {
    this.#totals.slowConsumers++
  }

  /** Once a second. */
  mark(now: number): void {
    this.#marks.push({ at: now, sent: this.#totals.sent })
    if (this.#marks.length > keptMarks) this.#marks.shift()
  }

  /** Events a second over the last 60 s, or since the first mark when that is less; 0 before there is one. */
  sentPerSecond(now: number): number {
    const oldest = this.#marks.findLast(({ at }) => now - at >= windowMs) ?? this.#marks[0]
    if (!oldest || now <= oldest.at) return 0
    return Math.round(((this.#totals.sent - oldest.sent) / (now - oldest.at)) * 100_000) / 100
  }
}
