/** Whether the server can serve, and which part cannot. */
import type { Readiness } from '../../contract/system.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Principal } from '../platform/principal.ts'

export interface HealthServiceOptions {
  accounts: AccountService
  /** Throws when the database does not answer. */
  pingDatabase: () => Promise<void>
  isDraining: () => boolean
}

/** A database that takes longer is not there. */
const databaseBoundMs = 2_000

export class HealthService {
  readonly #options: HealthServiceOptions

  constructor(options: HealthServiceOptions) {
    this.#options = options
  }

  /**
   * `not_ready` when nothing can be served; `degraded` when some account is not ready, which one server may well be. How many
   * accounts there are is told to who may look at the dashboard.
   */
  async readiness(principal: Principal): Promise<Readiness> {
    const databaseFault = await this.#databaseFault()
    if (databaseFault !== undefined) {
      const unknown = { ok: false, detail: 'unknown, since the database does not answer', ready: null, total: null }
      return { status: 'not_ready', parts: { database: { ok: false, detail: databaseFault }, accounts: unknown } }
    }
    const enabled = (await this.#options.accounts.listHealth()).filter(account => account.enabled)
    const ready = enabled.filter(account => account.state === 'ready').length
    const isOk = ready === enabled.length
    const accounts = principal.scopes.has('dashboard:read')
      ? { ok: isOk, detail: wordsFor(ready, enabled.length), ready, total: enabled.length }
      : { ok: isOk, detail: isOk ? 'ready' : 'not all are ready', ready: null, total: null }
    const status = accounts.ok ? 'ready' : 'degraded'
    return {
      status: this.#options.isDraining() ? 'not_ready' : status,
      parts: { database: { ok: true, detail: 'answers' }, accounts },
    }
  }

  async #databaseFault(): Promise<string | undefined> {
    const bound = Promise.withResolvers<string>()
    const timer = setTimeout(() => bound.resolve('does not answer in time'), databaseBoundMs)
    try {
      return await Promise.race([this.#options.pingDatabase().then(() => undefined), bound.promise])
    } catch {
      return 'does not answer'
    } finally {
      clearTimeout(timer)
    }
  }
}

function wordsFor(ready: number, total: number): string {
  return total === 0 ? 'no account is connected yet' : `${ready} of ${total} accounts are ready`
}
