/** Queues reads of facts older than memory holds: few concurrent ones, round-robin over the owners of readers. */
import type { EventLog, LogEntry } from './event-log.ts'
import type { EventView } from './event-view.ts'

/** Visible facts that are replayed at most; a stream that missed more gets a gap. */
export const maxReplay = 10_000
/** Facts per piece, which are encoded in one turn of the event loop. */
const pieceFacts = 500
/** Concurrent statements; the next starts a turn of the event loop after one ends. */
const atOnce = 2

/** A piece of the log after a position. */
export interface Piece {
  /** Number of the last fact examined. */
  to: number
  entries: readonly LogEntry[]
  /** Number of visible facts after the position, including this piece; exact up to `maxReplay`. */
  found: number
}

export interface ReplayRequest {
  view: EventView
  after: number
  /** Last number to read; undefined for the newest. */
  upTo: number | undefined
  /** The owner in the round-robin. */
  owner: string
  /** Returns false once the reader is gone; then nothing is read. */
  isWanted(): boolean
}

interface Waiting extends ReplayRequest {
  answer: PromiseWithResolvers<Piece | undefined>
}

/** Bounded by the number of streams, since each reader waits for one piece at most. */
export class ReplayQueue {
  readonly #log: Pick<EventLog, 'newest' | 'readSeen'>
  /** Waiting reads by owner; the owner whose turn is next comes first. */
  readonly #owners = new Map<string, Waiting[]>()
  /** Waiting reads by view, so that readers with the same view share a result. */
  readonly #views = new Map<EventView, Set<Waiting>>()
  readonly #underWay = new Set<Promise<void>>()

  constructor(log: Pick<EventLog, 'newest' | 'readSeen'>) {
    this.#log = log
  }

  /** Reads a piece; undefined if the reader is gone by then. */
  read(ask: ReplayRequest): Promise<Piece | undefined> {
    const waiting: Waiting = { ...ask, answer: Promise.withResolvers() }
    const ofOwner = this.#owners.get(ask.owner)
    if (ofOwner) ofOwner.push(waiting)
    else this.#owners.set(ask.owner, [waiting])
    const ofView = this.#views.get(ask.view)
    if (ofView) ofView.add(waiting)
    else this.#views.set(ask.view, new Set([waiting]))
    this.#begin()
    return waiting.answer.promise
  }

  /** Resolves when no statement is running. By then, no waiting read may still be wanted. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #begin(): void {
    while (this.#underWay.size < atOnce) {
      const next = this.#next()
      if (!next) return
      const run = this.#run(next)
        // Yields, since a database that answers in the same turn would starve the event loop.
        .then(() => new Promise(setImmediate))
        .then(() => {
          this.#underWay.delete(run)
          this.#begin()
        })
      this.#underWay.add(run)
    }
  }

  /** Dequeues a read of the owner whose turn it is, and moves the owner to the end. */
  #next(): Waiting | undefined {
    for (const [owner, asks] of this.#owners) {
      this.#owners.delete(owner)
      for (let ask = asks.shift(); ask; ask = asks.shift()) {
        // Already answered with the result of another read.
        if (!this.#leave(ask)) continue
        if (!ask.isWanted()) {
          ask.answer.resolve(undefined)
          continue
        }
        if (asks.length > 0) this.#owners.set(owner, asks)
        return ask
      }
    }
    return undefined
  }

  async #run({ view, after, upTo, answer }: Waiting): Promise<void> {
    const end = upTo ?? this.#log.newest
    try {
      const range = { after, upTo: end, limit: pieceFacts, most: maxReplay + 1 }
      const { entries, found } = await this.#log.readSeen(view, range)
      const last = found > entries.length ? entries.at(-1) : undefined
      const piece = { to: last?.number ?? end, entries, found }
      answer.resolve(piece)
      // Truncated results cannot tell others how many facts there are.
      if (upTo === undefined && found <= maxReplay) this.#share(view, after, piece)
    } catch (error) {
      answer.reject(error)
    }
  }

  /** Answers other reads with this view whose position is inside the piece. */
  #share(view: EventView, after: number, piece: Piece): void {
    for (const ask of this.#views.get(view) ?? []) {
      if (ask.upTo !== undefined || ask.after < after || ask.after >= piece.to) continue
      const entries = piece.entries.filter(({ number }) => number > ask.after)
      const found = piece.found - (piece.entries.length - entries.length)
      this.#leave(ask)
      ask.answer.resolve({ to: piece.to, entries, found })
    }
  }

  /** Removes a read from its view; returns false if it was removed before. */
  #leave(ask: Waiting): boolean {
    const ofView = this.#views.get(ask.view)
    if (!ofView?.delete(ask)) return false
    if (ofView.size === 0) this.#views.delete(ask.view)
    return true
  }
}
