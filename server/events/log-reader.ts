/** A reader of the log: a place in it, and what its principal and filter let through of what follows. It knows no socket. */
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import { type Batch, type EventView, joined } from './event-view.ts'
import { maxReplay, type Piece, type ReplayQueue } from './replay-queue.ts'

export interface LogReaderOptions {
  log: EventLog
  replays: ReplayQueue
  /** Whose turn it takes when it reads behind what memory holds. */
  principal: Principal
  /** What it gets to see: the rights of the principal, and the filter. */
  view: EventView
  /** Number of the last fact that it has. */
  after: number
}

export class LogReader {
  readonly #log: EventLog
  readonly #replays: ReplayQueue
  readonly #owner: string
  #view: EventView
  #place: number
  /** Read together with the count, and not taken yet. */
  #ahead: Piece | undefined
  /** Numbers that are scanned for the next piece; undefined for all. */
  #window: number | undefined
  #isEnded = false

  constructor({ log, replays, principal, view, after }: LogReaderOptions) {
    this.#log = log
    this.#replays = replays
    this.#owner = limitKeyOf(principal)
    this.#view = view
    this.#place = after
  }

  get view(): EventView {
    return this.#view
  }

  /** Number of the last fact looked at. */
  get place(): number {
    return this.#place
  }

  get isAtEnd(): boolean {
    return this.#place >= this.#log.newest
  }

  /** Some of what follows is forgotten. */
  get isExpired(): boolean {
    return !this.#ahead && this.#place + 1 < this.#log.oldest
  }

  /** It keeps its place; what follows is what the new view lets through. */
  change(view: EventView): void {
    this.#view = view
    this.#ahead = undefined
  }

  /** Goes on behind a number, if it is not there yet. Up to it there must be nothing that its view lets through. */
  passTo(number: number): void {
    this.#place = Math.max(this.#place, number)
  }

  /** Skips what it missed, and continues with new facts. */
  skip(): void {
    this.#place = this.#log.newest
    this.#ahead = undefined
  }

  /** Nothing more is read for it. */
  end(): void {
    this.#isEnded = true
    this.#ahead = undefined
  }

  /** How many facts follow that it sees; past `maxReplay` only that there are more. Undefined where `load` must come first. */
  get missed(): number | undefined {
    if (this.#ahead) return this.#ahead.found
    if (this.#isPastMemory) return undefined
    return this.#view.countAfter(this.#log, this.#place, maxReplay + 1)
  }

  /** What follows; undefined at the end, where it is expired, and where `load` must come first. */
  take(): Batch | undefined {
    const ahead = this.#ahead
    if (ahead) return this.#takeAhead(ahead)
    if (this.isAtEnd || this.#isPastMemory) return undefined
    const batch = this.#view.batchAfter(this.#log, this.#place)
    this.#place = batch.to
    return batch
  }

  /**
   * Reads from the database what is to be taken next, where memory does not reach back so far; once at a time. When the view
   * has changed in the end there is nothing to be taken, and it must be loaded again.
   */
  async load(): Promise<void> {
    while (!this.#isEnded && !this.#ahead && this.#isPastMemory) {
      const [view, upTo] = [this.#view, this.#window && Math.min(this.#place + this.#window, this.#log.newest)]
      const ask = { view, after: this.#place, upTo, owner: this.#owner, isWanted: () => !this.#isEnded }
      const piece = await this.#replays.read(ask)
      if (this.isExpired) return
      // Read with what it could see before: read again from the same place.
      if (view === this.#view && !this.#isEnded) this.#ahead = piece
    }
  }

  #takeAhead({ to, entries, found }: Piece): Batch | undefined {
    this.#ahead = undefined
    // Too many to be the first: it sees more than when they were counted. Of so few numbers they cannot be too many.
    this.#window = found > maxReplay ? maxReplay : undefined
    if (this.#window) return undefined
    this.#place = to
    return joined(to, entries)
  }

  /** What follows is older than memory reaches back. */
  get #isPastMemory(): boolean {
    return this.#place + 1 < this.#log.oldestHeld
  }
}
