/** Reads of the log behind what memory holds: few at once, and the readers of every person in turn. */
import type { EventLog, LogEntry } from './event-log.ts'
import type { EventView } from './event-view.ts'

/** A stream that missed more than this of what it sees has a gap. */
export const maxReplay = 10_000
/** Facts of one piece, which the event loop encodes in one go. */
const pieceFacts = 500
/** Statements under way. The next begins a turn of the event loop later. */
const atOnce = 2

/** What follows after a place. */
export interface Piece {
  /** Number of the last fact looked at. */
  to: number
  entries: readonly LogEntry[]
  /** How many are seen behind the place, this piece included; past `maxReplay` it is no more than "too many". */
  found: number
}

export interface ReplayAsk {
  view: EventView
  after: number
  /** Undefined for all there is. */
  upTo: number | undefined
  /** Takes its turn among the owners. */
  owner: string
  /** False when its reader has gone: then it is not read. */
  isWanted(): boolean
}

interface Waiting extends ReplayAsk {
  answer: PromiseWithResolvers<Piece | undefined>
}

/** Each reader waits for one piece at most, so there are no more asks than streams. */
export class ReplayQueue {
  readonly #log: Pick<EventLog, 'newest' | 'readSeen'>
  /** By owner; the one whose turn is next stands first. */
  readonly #owners = new Map<string, Waiting[]>()
  /** By view, so that readers of the same share what is read. */
  readonly #views = new Map<EventView, Set<Waiting>>()
  readonly #underWay = new Set<Promise<void>>()

  constructor(log: Pick<EventLog, 'newest' | 'readSeen'>) {
    this.#log = log
  }

  /** Undefined when it was not wanted any more. */
  read(ask: ReplayAsk): Promise<Piece | undefined> {
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

  /** Resolves when no statement is under way. Nothing that waits may be wanted by then. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #begin(): void {
    while (this.#underWay.size < atOnce) {
      const next = this.#next()
      if (!next) return
      const run = this.#run(next)
        // A database that answers in the same turn must not keep the loop from everybody else.
        .then(() => new Promise(setImmediate))
        .then(() => {
          this.#underWay.delete(run)
          this.#begin()
        })
      this.#underWay.add(run)
    }
  }

  /** The first of the owner whose turn it is; the owner goes to the end. */
  #next(): Waiting | undefined {
    for (const [owner, asks] of this.#owners) {
      this.#owners.delete(owner)
      for (let ask = asks.shift(); ask; ask = asks.shift()) {
        // Answered with what was read for another.
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
      // What is cut short at either end says nothing of how many there are.
      if (upTo === undefined && found <= maxReplay) this.#share(view, after, piece)
    } catch (error) {
      answer.reject(error)
    }
  }

  /** Others with this view whose place is inside the piece get their part of it. */
  #share(view: EventView, after: number, piece: Piece): void {
    for (const ask of this.#views.get(view) ?? []) {
      if (ask.upTo !== undefined || ask.after < after || ask.after >= piece.to) continue
      const entries = piece.entries.filter(({ number }) => number > ask.after)
      const found = piece.found - (piece.entries.length - entries.length)
      this.#leave(ask)
      ask.answer.resolve({ to: piece.to, entries, found })
    }
  }

  /** False when it had left already. */
  #leave(ask: Waiting): boolean {
    const ofView = this.#views.get(ask.view)
    if (!ofView?.delete(ask)) return false
    if (ofView.size === 0) this.#views.delete(ask.view)
    return true
  }
}
