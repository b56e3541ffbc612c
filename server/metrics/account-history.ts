/** The number of open connections of each account at each sample: the rows that a caller's history is summed from. */
import { type Sight, visibleRows } from '../platform/visible-figures.ts'

interface Series {
  /** Open connections, by the place of the sample in the ring. */
  readonly open: Uint16Array
  /** Samples taken since the account last had a connection. */
  closedFor: number
}

/**
 * One series for each account that had a connection within the kept samples: 2 bytes per sample and account, so 1.4 KB
 * for an hour. Bounded by the accounts, including those removed within that hour.
 */
export class AccountHistory {
  readonly #length: number
  readonly #series = new Map<string, Series>()

  /** @param length The number of samples kept; a new one overwrites the oldest. */
  constructor(length: number) {
    this.#length = length
  }

  /** Records a sample; accounts that are missing have no connections. */
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

  /** Returns the sum over the visible accounts for each place. */
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
