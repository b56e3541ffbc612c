/**
 * Decides which refusals get an entry of their own; the rest of a minute is counted, so that a flood fills neither disk
 * nor trail.
 */

/** The refusals counted in a minute. */
export interface Tally {
  count: number
  callers: number
  /** The caller that was counted most often. */
  most: string
}

/** Entries per minute. */
export interface TallyLimits {
  /** Entries per minute for one caller. */
  ofOne: number
  ofAll: number
}

/** Callers counted separately; all others share one counter. */
const maxCallers = 1_000
const others = 'others'

export class RefusalTally {
  readonly #limits: TallyLimits
  readonly #seen = new Map<string, { noted: number; counted: number }>()
  #noted = 0
  #counted = 0

  constructor(limits: TallyLimits) {
    this.#limits = limits
  }

  /** Returns true if it gets an entry; otherwise it is counted. */
  admits(caller: string): boolean {
    const seen = this.#of(caller)
    if (seen.noted < this.#limits.ofOne && this.#noted < this.#limits.ofAll) {
      seen.noted++
      this.#noted++
      return true
    }
    this.count(caller)
    return false
  }

  count(caller: string): void {
    this.#of(caller).counted++
    this.#counted++
  }

  /** Ends the minute. Undefined if nothing was counted. */
  take(): Tally | undefined {
    const counted = [...this.#seen].filter(([, seen]) => seen.counted > 0)
    const [most] = counted.toSorted(([, one], [, other]) => other.counted - one.counted)
    const tally = most && { count: this.#counted, callers: counted.length, most: most[0] }
    this.#seen.clear()
    this.#noted = 0
    this.#counted = 0
    return tally
  }

  #of(caller: string): { noted: number; counted: number } {
    const name = this.#seen.has(caller) || this.#seen.size < maxCallers ? caller : others
    const seen = this.#seen.get(name) ?? { noted: 0, counted: 0 }
    this.#seen.set(name, seen)
    return seen
  }
}
