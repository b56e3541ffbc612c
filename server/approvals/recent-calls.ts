/** Counts in memory what programs called recently, for the human who decides their requests. Lost at a restart. */
import type { RequestOutcome } from '../platform/http/http-outcome.ts'

const minute = 60_000
const minutes = 60
/** Programs that are counted (there are at most 1,000 tokens); past it the least recent caller is evicted. */
const mostCallers = 1_500
/** Distinct operation names per minute; past it they are counted as `other`. */
const mostNames = 100

/** The name under which reads of strangers' mail are counted among the calls. */
export const strangerName = 'mail of strangers'

type Counts = Map<string, number>

export class RecentCalls {
  /** Counts per minute, by program, least recent caller first. */
  readonly #callers = new Map<string, Map<number, Counts>>()
  readonly #now: () => number
  /** Cache of the latest caller's counts, since this runs for each request. */
  #latest: { principalId: string; at: number; counts: Counts } | undefined

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  record({ caller, operation, code }: RequestOutcome): void {
    const { kind, id } = caller?.principal ?? {}
    if (id !== undefined && (kind === 'token' || kind === 'api_key') && code === 'ok') this.note(id, operation)
  }

  /** Counts a read of strangers' mail. */
  noteStrangers(principalId: string): void {
    this.note(principalId, strangerName)
  }

  note(principalId: string, name: string): void {
    const at = Math.floor(this.#now() / minute)
    const counts =
      this.#latest?.principalId === principalId && this.#latest.at === at
        ? this.#latest.counts
        : this.#countsOf(principalId, at)
    const known = counts.has(name) || counts.size < mostNames ? name : 'other'
    counts.set(known, (counts.get(known) ?? 0) + 1)
  }

  /** Returns the current counts and makes the program the most recent caller. */
  #countsOf(principalId: string, at: number): Counts {
    const slots = this.#callers.get(principalId) ?? new Map<number, Counts>()
    this.#callers.delete(principalId)
    this.#callers.set(principalId, slots)
    for (const slot of slots.keys()) if (slot <= at - minutes) slots.delete(slot)
    const counts = slots.get(at) ?? new Map<string, number>()
    slots.set(at, counts)
    const [oldest] = this.#callers.keys()
    if (this.#callers.size > mostCallers && oldest !== undefined) this.#callers.delete(oldest)
    this.#latest = { principalId, at, counts }
    return counts
  }

  /** Returns the counts of the last hour, highest first. */
  list(principalId: string): { name: string; count: number }[] {
    const at = Math.floor(this.#now() / minute)
    const sums = new Map<string, number>()
    for (const [slot, counts] of this.#callers.get(principalId) ?? []) {
      if (slot <= at - minutes) continue
      for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count)
    }
    return [...sums].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count)
  }
}
