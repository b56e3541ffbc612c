/** What callers of the mail API and models may know of an account: one rule for REST and for tools. */
import type { Account, MailAccount } from '../../contract/accounts.ts'
import { scopeFamilies, unusedScopes } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'

/**
 * Leaves out what only `dashboard:read` shows: servers, limits, errors and connections.
 * @param account One that the principal may see.
 */
export function toMailAccount({ scopes }: Principal, { id, name, email, state }: Account): MailAccount {
  return {
    id,
    name,
    email,
    state,
    can: scopeFamilies.mail.filter(scope => scopes.has(scope) && !unusedScopes.includes(scope)),
  }
}
