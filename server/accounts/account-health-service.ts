/** Lists the recent errors of an account, and reconnects it immediately. */
import type { RecentError } from '../../contract/account-health.ts'
import type { Account } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountService } from './account-service.ts'
import type { HealthRegistry } from './health-registry.ts'

export interface AccountHealthServiceOptions {
  accounts: Pick<AccountService, 'get' | 'reconnect'>
  health: Pick<HealthRegistry, 'errorsOf'>
}

export class AccountHealthService {
  readonly #options: AccountHealthServiceOptions

  constructor(options: AccountHealthServiceOptions) {
    this.#options = options
  }

  /**
   * Returns the newest first. @throws Problem `account_not_found`, also for accounts that the principal may not see.
   */
  async listErrors(principal: Principal, accountId: string): Promise<RecentError[]> {
    const account = await this.#options.accounts.get(principal, accountId)
    return this.#options.health.errorsOf(account.id)
  }

  async reconnect(principal: Principal, accountId: string): Promise<Account> {
    const account = await this.#options.accounts.get(principal, accountId)
    if (!account.enabled) throw new Problem('account_disabled', 'This account is disabled; enable it to connect it.')
    this.#options.accounts.reconnect(accountId)
    return account
  }
}
