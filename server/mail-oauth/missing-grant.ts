/**
 * The grant of an account that came from another server: access stayed there, so a user has to sign in again on its
 * page.
 */
import type { MissingGrants } from '../accounts/account-grants.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { OAuthStore } from './oauth-store.ts'
import { tokenSealContext } from './oauth-tables.ts'

interface Options {
  store: Pick<OAuthStore, 'insert'>
  secrets: Pick<SecretBox, 'seal'>
  now?: () => number
}

const failure = 'This account came from another server, and its access stayed there.'

export function missingGrants({ store, secrets, now = Date.now }: Options): MissingGrants {
  return {
    miss: async (transaction, { id, provider, accountId, isSending }) => {
      const at = new Date(now()).toISOString()
      const row = {
        ...({ id, provider, account_id: accountId, use_for: isSending ? 'send' : 'read' } as const),
        ...{ made_by: 'import', granted_by: 'Not since the import', granted_at: at, scopes: '', subject: null },
        ...{ refresh_sealed: null, access_sealed: secrets.seal('', tokenSealContext(id, 'access')) },
        ...({
          access_expires_at: at,
          refreshed_at: at,
          is_used: 0,
          refresh_at: null,
          state: 'revoked',
          failure,
        } as const),
        ...{ locked_by: null, locked_until: null },
      }
      await store.insert(row, transaction)
    },
  }
}
