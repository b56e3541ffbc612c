/** Determines whether the server can serve, and which part cannot. */

import type { Readiness } from '../../contract/system.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { unlessLate } from '../platform/waits.ts'

export interface HealthServiceOptions {
  accounts: AccountService
  /** Throws if the database does not respond. */
  pingDatabase: () => Promise<void>
  /** Returns what is wrong with writing, in words that follow "the database". */
  storage: { fault(): Promise<string | undefined> }
  isDraining: () => boolean
  now: () => number
}

/** The database's answer: a fault, or the enabled accounts. */
type Finding = { fault: string } | { enabled: EnabledAccount[]; unwritable: string | undefined }
type EnabledAccount = Awaited<ReturnType<AccountService['listHealth']>>[number]

/** Timeout in ms after which the database counts as down. */
const databaseBoundMs = 4_000
/** Milliseconds for which a result is cached and shared by all callers, since anyone may ask at any rate. */
const freshMs = 1_000

export class HealthService {
  readonly #options: HealthServiceOptions
  #finding: Promise<Finding> | undefined
  #freshUntil = 0

  constructor(options: HealthServiceOptions) {
    this.#options = options
  }

  /**
   * `not_ready` if nothing can be served; `degraded` if an account that the principal may see is not ready, which a
   * single mail server can cause. Callers without `dashboard:read` learn nothing about accounts.
   */
  async readiness(principal: Principal): Promise<Readiness> {
    const finding = await this.#find()
    if ('fault' in finding) {
      const unknown = { ok: null, detail: 'unknown, since the database does not respond', ready: null, total: null }
      return { status: 'not_ready', parts: { database: { ok: false, detail: finding.fault }, accounts: unknown } }
    }
    const { unwritable } = finding
    const accounts = accountsFor(principal, finding.enabled)
    const status = accounts.ok === false ? 'degraded' : 'ready'
    return {
      status: unwritable !== undefined || this.#options.isDraining() ? 'not_ready' : status,
      parts: {
        database: { ok: unwritable === undefined, detail: unwritable ?? 'responds and accepts writes' },
        accounts,
      },
    }
  }

  #find(): Promise<Finding> {
    const { now } = this.#options
    if (this.#finding && now() < this.#freshUntil) return this.#finding
    this.#freshUntil = Number.POSITIVE_INFINITY
    this.#finding = this.#look().finally(() => {
      this.#freshUntil = now() + freshMs
    })
    return this.#finding
  }

  async #look(): Promise<Finding> {
    try {
      return await unlessLate(this.#checkDatabase(), databaseBoundMs, () => ({ fault: 'does not answer in time' }))
    } catch {
      return { fault: 'does not answer' }
    }
  }

  async #checkDatabase(): Promise<Finding> {
    const { pingDatabase, storage, accounts } = this.#options
    await pingDatabase()
    const unwritable = await storage.fault()
    return { enabled: (await accounts.listHealth()).filter(({ enabled }) => enabled), unwritable }
  }
}

function accountsFor(principal: Principal, enabled: EnabledAccount[]): Readiness['parts']['accounts'] {
  if (!principal.scopes.has('dashboard:read')) {
    return { ok: null, detail: 'requires dashboard:read', ready: null, total: null }
  }
  const seen = enabled.filter(({ id }) => maySeeAccount(principal, id))
  const ready = seen.filter(({ state }) => state === 'ready').length
  return { ok: ready === seen.length, detail: wordsFor(ready, seen.length), ready, total: seen.length }
}

function wordsFor(ready: number, total: number): string {
  return total === 0 ? 'no account is connected yet' : `${ready} of ${total} accounts are ready`
}
