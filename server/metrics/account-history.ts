/** How many connections each account had open at each sample, so that who sees some accounts has a true past of those. */
import type { Principal } from '../platform/principal.ts'

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

  /** Who is not named has none. */
  keep(place: number, openByAccount: Iterable<readonly [accountId: string, open: number]>): void {
    for (const series of this.#series.values()) {
      series.open[place] = 0
      series.closedFor++
    }
    for (const [accountId, open] of openByAccount) {
      const series = this.#series.get(accountId) ?? this.#add(accountId)
      series.open[place] = open
      series.closedFor = 0
    }
    for (const [accountId, { closedFor }] of this.#series) {
      if (closedFor >= this.#length) this.#series.delete(accountId)
    }
  }

  /** At each place, for these accounts together. */
  sumOf(accounts: Exclude<Principal['accounts'], 'all'>): Uint32Array {
    const sums = new Uint32Array(this.#length)
    for (const accountId of accounts) {
      this.#series.get(accountId)?.open.forEach((open, place) => {
        sums[place]! += open
      })
    }
    return sums
  }

  #add(accountId: string): Series {
    const series = { open: new Uint16Array(this.#length), closedFor: 0 }
    this.#series.set(accountId, series)
    return series
  }
}
