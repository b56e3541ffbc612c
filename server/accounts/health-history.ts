/** What went wrong with one account lately, in memory and bounded. */
import { maxRecentErrors, type RecentError } from '../../contract/account-health.ts'
import type { AccountError } from '../../contract/accounts.ts'

export class HealthHistory {
  /** Oldest first. */
  #errors: RecentError[] = []

  get errors(): RecentError[] {
    return this.#errors.toReversed()
  }

  /** The same fault again is counted, so that a server which is away for an hour does not push out what happened before. */
  noteError(code: string, error: AccountError): void {
    const last = this.#errors.at(-1)
    const isSame = last?.code === code && last.cause === error.cause && last.detail === error.detail
    const { first_at, count } = isSame ? last : { first_at: error.at, count: 0 }
    const before = isSame ? this.#errors.slice(0, -1) : this.#errors
    this.#errors = [...before, { ...error, code, first_at, count: count + 1 }].slice(-maxRecentErrors)
  }
}
