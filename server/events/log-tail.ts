/**
 * Reads the log on from where it stands and hands on each fact once, in the order of the numbers, whichever process wrote it.
 * What this process wrote needs no reading: it is handed on from memory when its turn comes.
 */

import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import { doubledMs } from '../platform/doubling.ts'
import type { Logger } from '../platform/logger.ts'
import { pause } from '../platform/waits.ts'
import type { EventRow } from './event-tables.ts'

/** A fact, and its data as streams get it. */
export interface ToldFact {
  readonly fact: Fact
  readonly json: string
}

/** Numbers that a transaction of this process has taken and not yet committed. */
export interface Ticket {
  readonly first: number
}

export interface LogTailOptions {
  logger: Logger
  /** What follows after a number, in order. */
  read(after: number, limit: number): Promise<EventRow[]>
  /** Hears each fact, in order. */
  handOn(number: number, told: ToldFact): void
  /** The next fact does not follow the one before: what was between is forgotten. */
  skipped(): void
}

/** Facts read at once; the event loop has its turn between two pages. */
const page = 500
/** Own facts that wait for what another process wrote before them; past it they are read from the table like all others. */
const maxOwn = 10_000
const maxRetryMs = 5_000

export class LogTail {
  readonly #options: LogTailOptions
  readonly #stopped = new AbortController()
  /** Own committed facts whose turn has not come, by the number of the first. */
  readonly #own = new Map<number, readonly ToldFact[]>()
  readonly #underWay = new Set<Ticket>()
  #ownFacts = 0
  #waiters: { upTo: number; resolve(): void }[] = []
  #newest = 0
  #isDue = false
  /** The last look ended while something of ours was not committed: what follows that may be in the table already. */
  #isHeldUp = false
  #reading: Promise<void> | undefined

  constructor(options: LogTailOptions) {
    this.#options = options
  }

  /** Number of the last fact that was handed on. */
  get newest(): number {
    return this.#newest
  }

  startBehind(number: number): void {
    this.#newest = number
  }

  /** What is being read is not handed on any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#release(Number.POSITIVE_INFINITY)
    await this.#reading
  }

  /** There may be more in the table. Cheap, however often it is called. */
  wake(): void {
    this.#isDue = true
    if (this.#stopped.signal.aborted) return
    this.#reading ??= this.#run().finally(() => {
      this.#reading = undefined
      if (this.#isDue) this.wake()
    })
  }

  /** Before the commit: until this ends, facts from its first number on are not read from the table. */
  begin(first: number): Ticket {
    const ticket = { first }
    this.#underWay.add(ticket)
    return ticket
  }

  /** It was rolled back; or committed, and the answer was lost: the table knows. */
  failed(ticket: Ticket): void {
    this.#underWay.delete(ticket)
    this.wake()
  }

  /** Resolves when these were handed on, and at once when the table cannot be read just now. */
  async committed(ticket: Ticket, facts: readonly ToldFact[]): Promise<void> {
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
    // Only hints: what they say is in the table too.
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
        // An abort ends the wait and then the loop.
        await pause(doubledMs(failures++, 100, maxRetryMs), signal)
      }
    }
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      // What stands next is ours and not committed: its end wakes this again.
      const barrier = Math.min(this.#nextOwn(), this.#nextUnderWay())
      if (barrier <= this.#newest + 1) return this.#endLook()
      const limit = Math.min(page, barrier - this.#newest - 1)
      const rows = await this.#options.read(this.#newest, limit)
      if (this.#stopped.signal.aborted) return
      for (const row of rows) if (!this.#take(row)) return this.#endLook()
      // What precedes a commit can be read from its end on, and is forgotten when it cannot. A read that began earlier proves nothing.
      if (rows.length === 0 && this.#own.has(barrier)) this.#skipTo(barrier)
      else if (rows.length < limit && this.#nextOwn() >= this.#nextUnderWay()) return this.#endLook()
      await yieldLoop()
    }
  }

  #endLook(): void {
    this.#isHeldUp = this.#underWay.size > 0
  }

  /** False when something of ours that is not committed stands before it. */
  #take(row: EventRow): boolean {
    if (this.#nextUnderWay() <= row.number) return row.number <= this.#newest
    while (this.#nextOwn() <= row.number) this.#skipTo(this.#nextOwn())
    // Handed on while it was read, or just now.
    if (row.number <= this.#newest) return true
    if (row.number > this.#newest + 1) this.#options.skipped()
    this.#newest = row.number - 1
    // Written by this program, from a fact.
    this.#handOn({ fact: { type: row.type, data: JSON.parse(row.data) } as Fact, json: row.data })
    this.#advance()
    return true
  }

  /** To own facts before which nothing is left in the table. */
  #skipTo(own: number): void {
    if (own > this.#newest + 1) this.#options.skipped()
    this.#newest = own - 1
    this.#advance()
  }

  #advance(): void {
    for (let facts = this.#own.get(this.#newest + 1); facts; facts = this.#own.get(this.#newest + 1)) {
      this.#own.delete(this.#newest + 1)
      this.#ownFacts -= facts.length
      for (const told of facts) this.#handOn(told)
    }
    this.#release(this.#newest)
  }

  #handOn(told: ToldFact): void {
    this.#newest++
    this.#options.handOn(this.#newest, told)
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
