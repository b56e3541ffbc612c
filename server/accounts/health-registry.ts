/** The current health of each account, as `mail` reports it. Kept in memory: after a restart it is determined again. */
import { maxRecentErrors, type RecentError } from '../../contract/account-health.ts'
import type { QuotaLevel } from '../../contract/account-server.ts'
import type { Account, AccountConnections, AccountError, AccountState } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Problem } from '../platform/problem.ts'
import type { AccountRows } from '../platform/visible-figures.ts'

export type AccountHealth = Pick<
  Account,
  'state' | 'state_since' | 'last_error' | 'next_retry_at' | 'note' | 'quota_level' | 'last_mail_at' | 'connections'
>

export interface HealthChange {
  state: AccountState
  /** Undefined leaves the value unchanged. */
  lastError?: AccountError | null
  nextRetryAt?: string | null
}

const noConnections: AccountConnections = {
  watching: 0,
  open: 0,
  busy: 0,
  idle: 0,
  connecting: 0,
  waiting: 0,
  max: 0,
  server_limit: null,
}

export class HealthRegistry {
  readonly #hub: EventHub
  readonly #health = new Map<string, AccountHealth>()
  /** Recent errors of these accounts, and of others whose requests failed. */
  readonly #histories = new Map<string, HealthHistory>()
  /** Quota levels, also of accounts about which nothing else is known yet. */
  readonly #quotaLevels = new Map<string, QuotaLevel>()

  constructor(hub: EventHub) {
    this.#hub = hub
  }

  /** Returns `connecting` or `disabled` for an account without a report yet. */
  get(accountId: string, isEnabled: boolean): AccountHealth {
    const health = this.#health.get(accountId) ?? unknownHealth(isEnabled ? 'connecting' : 'disabled')
    return { ...health, quota_level: this.#quotaLevels.get(accountId) ?? null }
  }

  /** Publishes `account_state_changed` if the state changes. */
  set(account: { id: string; name: string }, change: HealthChange): void {
    const before = this.#health.get(account.id)
    const at = new Date().toISOString()
    const after: AccountHealth = {
      ...(before ?? unknownHealth('connecting')),
      state: change.state,
      state_since: before?.state === change.state ? before.state_since : at,
      last_error: change.lastError === undefined ? (before?.last_error ?? null) : change.lastError,
      next_retry_at: change.nextRetryAt ?? null,
    }
    this.#health.set(account.id, after)
    const previous = before?.state ?? 'connecting'
    if (previous === change.state) return
    const { state, last_error, next_retry_at } = after
    this.#hub.publish({
      type: 'account_state_changed',
      data: { account_id: account.id, name: account.name, state, previous, last_error, next_retry_at, at },
    })
  }

  setConnections(accountId: string, connections: AccountConnections): void {
    const before = this.#health.get(accountId)
    const now = { connections, note: noteOf(connections) }
    this.#health.set(accountId, { ...(before ?? unknownHealth('connecting')), ...now })
  }

  /** Null if no longer known. */
  setQuotaLevel(accountId: string, level: QuotaLevel | null): void {
    if (level) this.#quotaLevels.set(accountId, level)
    else this.#quotaLevels.delete(accountId)
  }

  /** Records the error of a request or connection; only the watcher sets the state. */
  noteProblem(accountId: string, problem: Problem): void {
    this.#historyOf(accountId).noteError(problem.code, toAccountError(problem))
  }

  /** Returns the newest first. */
  errorsOf(accountId: string): RecentError[] {
    return this.#histories.get(accountId)?.errors ?? []
  }

  noteMail(accountId: string, at: string): void {
    const health = this.#health.get(accountId)
    if (health) health.last_mail_at = at
  }

  /** The health of all accounts with a report. */
  get byAccount(): AccountRows<AccountHealth> {
    return this.#health
  }

  forget(accountId: string): void {
    this.#health.delete(accountId)
    this.#quotaLevels.delete(accountId)
    this.#histories.delete(accountId)
  }

  #historyOf(accountId: string): HealthHistory {
    const history = this.#histories.get(accountId) ?? new HealthHistory()
    this.#histories.set(accountId, history)
    return history
  }
}

function unknownHealth(state: AccountState): AccountHealth {
  return {
    state,
    state_since: new Date().toISOString(),
    last_error: null,
    next_retry_at: null,
    note: null,
    quota_level: null,
    last_mail_at: null,
    connections: noConnections,
  }
}

function noteOf({ server_limit }: AccountConnections): string | null {
  if (server_limit === null) return null
  if (server_limit > 1) return `The mail server allows this account ${server_limit} connections at once.`
  return 'The mail server allows this account one connection: requests take turns with the watch for new mail.'
}

/** The recent errors of one account, in memory and bounded. */
class HealthHistory {
  /** The errors, oldest first. */
  #errors: RecentError[] = []

  get errors(): RecentError[] {
    return this.#errors.toReversed()
  }

  /**
   * Counts a repeated error instead of adding it, so that a server which is down for an hour does not evict what
   * happened before.
   */
  noteError(code: string, error: AccountError): void {
    const last = this.#errors.at(-1)
    const isSame = last?.code === code && last.cause === error.cause && last.detail === error.detail
    const { first_at, count } = isSame ? last : { first_at: error.at, count: 0 }
    const before = isSame ? this.#errors.slice(0, -1) : this.#errors
    this.#errors = [...before, { ...error, code, first_at, count: count + 1 }].slice(-maxRecentErrors)
  }
}

export function toAccountError(problem: Problem): AccountError {
  const { fault, server_response, networks } = problem.extension
  return {
    cause: fault ?? (problem.code === 'overloaded' ? 'limit' : 'closed'),
    detail: problem.message,
    server_response: server_response ?? null,
    ...(networks ? { networks } : {}),
    at: new Date().toISOString(),
  }
}
