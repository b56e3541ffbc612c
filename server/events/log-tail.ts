/**
 * Tails the log: delivers each new fact once, ordered by number, whichever process wrote it. Facts of this process are
 * not read back: they are delivered from memory when their turn comes.
 */

import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import { doubledMs } from '../platform/doubling.ts'
import type { Logger } from '../platform/logger.ts'
import { pause } from '../platform/waits.ts'
import type { EventRow } from './event-tables.ts'

/** A fact, with its data as encoded for streams. */
export interface EncodedFact {
  readonly fact: Fact
  readonly json: string
}

/** Numbers assigned to an uncommitted transaction of this process. */
export interface Ticket {
  readonly first: number
}

export interface LogTailOptions {
  logger: Logger
  /** Reads the facts after a number, in order. */
  read(after: number, limit: number): Promise<EventRow[]>
  /** Called with each fact, in order. */
  handOn(number: number, encoded: EncodedFact): void
  /** Called before a fact that does not follow the previous one, since those between were pruned. */
  skipped(): void
}

/** Facts read per query; the event loop gets its turn in between. */
const page = 500
/** Own facts held until earlier ones of other processes are read; past it, all are read from the table. */
const maxOwn = 10_000
const maxRetryMs = 5_000

export class LogTail {
  readonly #options: LogTailOptions
  readonly #stopped = new AbortController()
  /** Own committed facts that wait for their turn, by the number of the first. */
  readonly #own = new Map<number, readonly EncodedFact[]>()
  readonly #underWay = new Set<Ticket>()
  #ownFacts = 0
  #waiters: { upTo: number; resolve(): void }[] = []
  #newest = 0
  #isDue = false
  /** Whether the last read stopped before an own uncommitted transaction: later facts may be in the table already. */
  #isHeldUp = false
  #reading: Promise<void> | undefined

  constructor(options: LogTailOptions) {
    this.#options = options
  }

  /** Number of the last delivered fact. */
  get newest(): number {
    return this.#newest
  }

  startBehind(number: number): void {
    this.#newest = number
  }

  /** Stops; facts being read are not delivered any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#release(Number.POSITIVE_INFINITY)
    await this.#reading
  }

  /** Reads on, since there may be more in the table. Cheap; concurrent calls coalesce. */
  wake(): void {
    this.#isDue = true
    if (this.#stopped.signal.aborted) return
    this.#reading ??= this.#run().finally(() => {
      this.#reading = undefined
      if (this.#isDue) this.wake()
    })
  }

  /** Registers a transaction before its commit: until it ends, the table is read only up to its first number. */
  begin(first: number): Ticket {
    const ticket = { first }
    this.#underWay.add(ticket)
    return ticket
  }

  /** Ends a transaction that was rolled back, or committed with its answer lost; reading the table tells which. */
  failed(ticket: Ticket): void {
    this.#underWay.delete(ticket)
    this.wake()
  }

  /** Ends a committed transaction. Resolves once its facts are delivered, or if the table cannot be read. */
  async committed(ticket: Ticket, facts: readonly EncodedFact[]): Promise<void> {
    this.#underWay.delete(ticket)
    this.#own.set(ticket.first, facts)
    this.#ownFacts += facts.length
    this.#advance()
    if (this.#isHeldUp) {
      this.#isHeldUp = false
      this.wake()
    }
    const upTo = ticket.first + facts.length - 1
    if (upTo <= this.#newest || this.#stopped.signal.aborted) return
    // Own facts are only a cache: they are in the table, too.
    if (this.#ownFacts > maxOwn) this.#forgetOwn()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiters.push({ upTo, resolve })
    this.wake()
    return promise
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    for (let failures = 0; this.#isDue && !signal.aborted; ) {
      this.#isDue = false
      try {
        await this.#catchUp()
        failures = 0
      } catch (err) {
        if (failures === 0) this.#options.logger.warn({ err }, 'the event log could not be read')
        this.#isDue = true
        this.#release(Number.POSITIVE_INFINITY)
        // An abort ends the pause, and then the loop.
        await pause(doubledMs(failures++, 100, maxRetryMs), signal)
      }
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      // If the next number is in an own uncommitted transaction, its end wakes the tail again.
      const barrier = Math.min(this.#nextOwn(), this.#nextUnderWay())
      if (barrier <= this.#newest + 1) return this.#endLook()
      const limit = Math.min(page, barrier - this.#newest - 1)
      const rows = await this.#options.read(this.#newest, limit)
      if (this.#stopped.signal.aborted) return
      for (const row of rows) if (!this.#take(row)) return this.#endLook()
      // After a commit all facts before it are readable, so missing ones were pruned; an earlier read proves nothing.
      if (rows.length === 0 && this.#own.has(barrier)) this.#skipTo(barrier)
      else if (rows.length < limit && this.#nextOwn() >= this.#nextUnderWay()) return this.#endLook()
      await yieldLoop()
    }
  }

  #endLook(): void {
    this.#isHeldUp = this.#underWay.size > 0
  }

  /** Delivers a row; returns false if an own uncommitted transaction precedes it. */
  #take(row: EventRow): boolean {
    if (this.#nextUnderWay() <= row.number) return row.number <= this.#newest
    while (this.#nextOwn() <= row.number) this.#skipTo(this.#nextOwn())
    // Delivered from memory meanwhile.
    if (row.number <= this.#newest) return true
    if (row.number > this.#newest + 1) this.#options.skipped()
    this.#newest = row.number - 1
    // Sound cast: the row was written by this program from a fact.
    this.#handOn({ fact: { type: row.type, data: JSON.parse(row.data) } as Fact, json: row.data })
    this.#advance()
    return true
  }

  /** Skips to own facts before which no others are left in the table. */
  #skipTo(own: number): void {
    if (own > this.#newest + 1) this.#options.skipped()
    this.#newest = own - 1
    this.#advance()
  }

  #advance(): void {
    for (let facts = this.#own.get(this.#newest + 1); facts; facts = this.#own.get(this.#newest + 1)) {
      this.#own.delete(this.#newest + 1)
      this.#ownFacts -= facts.length
      for (const encoded of facts) this.#handOn(encoded)
    }
    this.#release(this.#newest)
  }

  #handOn(encoded: EncodedFact): void {
    this.#newest++
    this.#options.handOn(this.#newest, encoded)
  }

  #release(upTo: number): void {
    if (this.#waiters.length === 0) return
    const [done, waiting] = [
      this.#waiters.filter(one => one.upTo <= upTo),
      this.#waiters.filter(one => one.upTo > upTo),
    ]
    this.#waiters = waiting
    for (const { resolve } of done) resolve()
  }

  #forgetOwn(): void {
    this.#own.clear()
    this.#ownFacts = 0
  }

  #nextOwn(): number {
    return Math.min(...this.#own.keys())
  }

  #nextUnderWay(): number {
    return Math.min(...[...this.#underWay].map(({ first }) => first))
  }
}
