/** A reader of the log: a position and a view of the facts after it. Independent of any socket. */
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import { type Batch, type EventView, joined } from './event-view.ts'
import { maxReplay, type Piece, type ReplayQueue } from './replay-queue.ts'

export interface LogReaderOptions {
  log: EventLog
  replays: ReplayQueue
  /** The principal whose turn it takes in the replay queue. */
  principal: Principal
  /** The facts it sees, by the principal's rights and the filter. */
  view: EventView
  /** Number of the last fact that it has read. */
  after: number
}

export class LogReader {
  readonly #log: EventLog
  readonly #replays: ReplayQueue
  readonly #owner: string
  #view: EventView
  #place: number
  /** A piece read from the database, together with the count, that is not taken yet. */
  #ahead: Piece | undefined
  /** Length of the range scanned for the next piece; undefined for all. */
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

  /** Number of the last fact examined. */
  get place(): number {
    return this.#place
  }

  get isAtEnd(): boolean {
    return this.#place >= this.#log.newest
  }

  /** Whether facts after its position were pruned. */
  get isExpired(): boolean {
    return !this.#ahead && this.#place + 1 < this.#log.oldest
  }

  /** Changes the view; the position is kept. */
  change(view: EventView): void {
    this.#view = view
    this.#ahead = undefined
  }

  /** Advances the position to a number, if it is behind; no visible fact may be skipped. */
  passTo(number: number): void {
    this.#place = Math.max(this.#place, number)
  }

  /** Skips missed facts, and continues with new ones. */
  skip(): void {
    this.#place = this.#log.newest
    this.#ahead = undefined
  }

  /** Ends the reader, so that nothing more is read for it. */
  end(): void {
    this.#isEnded = true
    this.#ahead = undefined
  }

  /** Number of visible facts after its position, exact up to `maxReplay`. Undefined if `load` must be called first. */
  get missed(): number | undefined {
    if (this.#ahead) return this.#ahead.found
    if (this.#isPastMemory) return undefined
    return this.#view.countAfter(this.#log, this.#place, maxReplay + 1)
  }

  /** Takes the next batch; undefined at the end, if expired, or if `load` must be called first. */
  take(): Batch | undefined {
    const ahead = this.#ahead
    if (ahead) return this.#takeAhead(ahead)
    if (this.isAtEnd || this.#isPastMemory) return undefined
    const batch = this.#view.batchAfter(this.#log, this.#place)
    this.#place = batch.to
    return batch
  }

  /**
   * Reads the next piece from the database if it is older than memory reaches; must not be called concurrently. If the
   * view changes meanwhile, the piece is dropped and has to be loaded again.
   */
  async load(): Promise<void> {
    while (!this.#isEnded && !this.#ahead && this.#isPastMemory) {
      const [view, upTo] = [this.#view, this.#window && Math.min(this.#place + this.#window, this.#log.newest)]
      const ask = { view, after: this.#place, upTo, owner: this.#owner, isWanted: () => !this.#isEnded }
      const piece = await this.#replays.read(ask)
      if (this.isExpired) return
      // A piece read with an old view is dropped, and read again from the same position.
      if (view === this.#view && !this.#isEnded) this.#ahead = piece
    }
  }

  #takeAhead({ to, entries, found }: Piece): Batch | undefined {
    this.#ahead = undefined
    // More facts are visible than when they were counted, so these may not be the first: read a range too short for
    // that.
    this.#window = found > maxReplay ? maxReplay : undefined
    if (this.#window) return undefined
    this.#place = to
    return joined(to, entries)
  }

  /** Whether the next facts are older than memory reaches. */
  get #isPastMemory(): boolean {
    return this.#place + 1 < this.#log.oldestHeld
  }
}
