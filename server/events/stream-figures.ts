/** Figures of all event streams: plain counters on the hot path, and a rate computed from marks once a second. */

/** Counters since the start. */
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
/** Marks that cover the window at one per second; with a late timer they cover more, never less. */
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
  /** Values of `sent` over time, oldest first; times are milliseconds of a monotonic clock. */
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

  /** Records a mark; called once a second. */
  mark(now: number): void {
    this.#marks.push({ at: now, sent: this.#totals.sent })
    if (this.#marks.length > keptMarks) this.#marks.shift()
  }

  /** Returns events per second over the last 60 s, or since the first mark if that is less; 0 before there is one. */
  sentPerSecond(now: number): number {
    const oldest = this.#marks.findLast(({ at }) => now - at >= windowMs) ?? this.#marks[0]
    if (!oldest || now <= oldest.at) return 0
    return Math.round(((this.#totals.sent - oldest.sent) / (now - oldest.at)) * 100_000) / 100
  }
}
