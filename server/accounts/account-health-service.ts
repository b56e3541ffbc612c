/** Tells how one account has fared, and has it connected again at once. */
import type { AccountHealthReport } from '../../contract/account-health.ts'
import type { Account } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountService } from './account-service.ts'
import type { HealthRegistry } from './health-registry.ts'

export interface AccountHealthServiceOptions {
  accounts: Pick<AccountService, 'get' | 'reconnect'>
  health: Pick<HealthRegistry, 'historyOf'>
}

export class AccountHealthService {
  readonly #options: AccountHealthServiceOptions

  constructor(options: AccountHealthServiceOptions) {
    this.#options = options
  }

  /** @throws Problem `account_not_found` also for what the principal may not see. */
  async report(principal: Principal, accountId: string): Promise<AccountHealthReport> {
    const account = await this.#options.accounts.get(principal, accountId)
    const { state, state_since, last_error, next_retry_at, note, last_mail_at, connections } = account
    const { errors, states } = this.#options.health.historyOf(accountId)
    return {
      account_id: account.id,
      state,
      state_since,
      last_error,
      next_retry_at,
      note,
      last_mail_at,
      connections,
      recent_errors: errors,
      // Of an account that nobody has reported on yet, what is said of it is all there is.
      states: states.length > 0 ? states : [{ state, since: state_since }],
    }
  }

  async reconnect(principal: Principal, accountId: string): Promise<Account> {
    const account = await this.#options.accounts.get(principal, accountId)
    if (!account.enabled) throw new Problem('account_disabled', 'This account is disabled; enable it to connect it.')
    this.#options.accounts.reconnect(accountId)
    return account
  }
}
