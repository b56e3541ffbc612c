/** Resolves the account when a model names none: the only one that its principal sees. */
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountService } from './account-service.ts'

export async function onlyAccount(accounts: Pick<AccountService, 'list'>, principal: Principal): Promise<string> {
  const seen = await accounts.list(principal)
  const [only] = seen
  if (!only)
    throw new Problem('account_not_found', 'No account is visible to you; ask an administrator for access to one.')
  if (seen.length === 1) return only.id
  throw new Problem('bad_request', `account: ${seen.length} accounts are visible to you; name one by its id.`)
}
