/** Shared by lists: the accounts whose rows they show, and the problems for an unknown account or cursor. */
import { maySeeAccount, type Principal } from './principal.ts'
import { badInput, Problem } from './problem.ts'
import { visibleAccounts } from './visible-figures.ts'

/**
 * Returns the requested account, or all visible ones; undefined for a caller that sees every account.
 * @throws Problem `account_not_found`, also for an account that the caller may not see
 */
export function listedAccounts(principal: Principal, accountId: string | undefined): readonly string[] | undefined {
  if (accountId !== undefined) {
    checkSeen(principal, accountId)
    return [accountId]
  }
  const visible = visibleAccounts(principal)
  return visible && [...visible]
}

/** Checks that an account is visible, without revealing whether it exists. @throws Problem `account_not_found` */
export function checkSeen(principal: Principal, accountId: string): void {
  if (!maySeeAccount(principal, accountId)) throw noAccount()
}

export function noAccount(): Problem {
  return new Problem('account_not_found', 'There is no such account.')
}

export function badCursor(): Problem {
  return badInput('query.cursor', 'is not a cursor of this list')
}
