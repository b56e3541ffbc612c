/** The grant of an account as its page shows it: without tokens. */
import type { OAuthGrant } from '../../contract/mail-oauth.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { OAuthProviders } from './oauth-providers.ts'
import type { OAuthStore } from './oauth-store.ts'

export interface GrantViewOptions {
  accounts: Pick<AccountService, 'get'>
  store: Pick<OAuthStore, 'find'>
  providers: Pick<OAuthProviders, 'nameOf'>
}

export class GrantView {
  readonly #options: GrantViewOptions

  constructor(options: GrantViewOptions) {
    this.#options = options
  }

  /** @throws Problem oauth_grant_not_found for an account that logs in by password. */
  async get(principal: Principal, accountId: string): Promise<OAuthGrant> {
    const { accounts, store, providers } = this.#options
    const { auth } = await accounts.get(principal, accountId)
    const row = auth.kind === 'oauth' ? await store.find(auth.grant_id) : undefined
    if (!row) throw new Problem('oauth_grant_not_found', 'This account logs in by password.')
    return {
      grant_id: row.id,
      provider: row.provider,
      provider_name: providers.nameOf(row.provider),
      use: row.use_for,
      scopes: row.scopes.split(' ').filter(scope => scope !== ''),
      state: row.state,
      failure: row.failure,
      granted_at: row.granted_at,
      granted_by: row.granted_by,
      refreshed_at: row.refreshed_at,
      access_expires_at: row.access_expires_at,
      next_refresh_at: row.refresh_at,
    }
  }
}
