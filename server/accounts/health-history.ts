/** What went wrong with one account lately and in which states it was, in memory and bounded. */
import { historyBounds, type RecentError, type StateSpan } from '../../contract/account-health.ts'
import type { AccountError, AccountState } from '../../contract/accounts.ts'

const dayMs = historyBounds.hours * 60 * 60_000

export class HealthHistory {
  /** Oldest first, both. */
  #errors: RecentError[] = []
  #states: StateSpan[] = []

  get errors(): RecentError[] {
    return this.#errors.toReversed()
  }

  /** @param now In epoch milliseconds: a state that ended more than a day before is left out. */
  statesAt(now: number): StateSpan[] {
    const first = this.#states.findLastIndex(({ since }) => Date.parse(since) <= now - dayMs)
    return this.#states.slice(Math.max(0, first)).toReversed()
  }

  noteState(state: AccountState, since: string): void {
    if (this.#states.at(-1)?.state === state) return
    this.#states = [...this.#states, { state, since }].slice(-historyBounds.states)
  }

  /** The same fault again is counted, so that a server which is away for an hour does not push out what happened before. */
  noteError(code: string, error: AccountError): void {
    const last = this.#errors.at(-1)
    const isSame = last?.code === code && last.cause === error.cause && last.detail === error.detail
    const { first_at, count } = isSame ? last : { first_at: error.at, count: 0 }
    const before = isSame ? this.#errors.slice(0, -1) : this.#errors
    this.#errors = [...before, { ...error, code, first_at, count: count + 1 }].slice(-historyBounds.errors)
  }
}
