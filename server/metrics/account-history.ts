/** How many connections each account had open at each sample: the rows over which a caller's past is summed. */
import { type Sight, visibleRows } from '../platform/visible-figures.ts'

interface Series {
  /** By the place of the sample. */
  readonly open: Uint16Array
  /** Samples taken since the account last had a connection. */
  closedFor: number
}

/**
 * One series for each account that had a connection within the samples kept: 2 bytes a sample and account, so 1.4 KB for
 * an hour. There are as many as accounts, and those that were removed within that hour.
 */
export class AccountHistory {
  readonly #length: number
  readonly #series = new Map<string, Series>()

  /** @param length How many samples are kept; the place of the next one is that of the oldest. */
  constructor(length: number) {
    this.#length = length
  }

  /** An account that is not named has none. */
  keep(place: number, byAccount: Iterable<readonly [accountId: string, row: { readonly open: number }]>): void {
    for (const series of this.#series.values()) {
      series.open[place] = 0
      series.closedFor++
    }
    for (const [accountId, { open }] of byAccount) {
      if (open === 0) continue
      const series = this.#series.get(accountId) ?? this.#add(accountId)
      series.open[place] = open
      series.closedFor = 0
    }
    for (const [accountId, { closedFor }] of this.#series) {
      if (closedFor >= this.#length) this.#series.delete(accountId)
    }
  }

  /** At each place, for the accounts together that are seen. */
  sumOf(sight: Sight): Uint32Array {
    const sums = new Uint32Array(this.#length)
    for (const { open } of visibleRows(sight, this.#series)) {
      for (let place = 0; place < open.length; place++) sums[place]! += open[place]!
    }
    return sums
  }

  #add(accountId: string): Series {
    const series = { open: new Uint16Array(this.#length), closedFor: 0 }
    this.#series.set(accountId, series)
    return series
  }
}
