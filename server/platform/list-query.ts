/** What lists have in common: the accounts whose rows they show, and the refusals of an account or a cursor. */
import { maySeeAccount, type Principal } from './principal.ts'
import { Problem } from './problem.ts'
import { visibleAccounts } from './visible-figures.ts'

/**
 * The account that is asked for, or all that the caller sees; undefined for a caller that sees every account.
 * @throws Problem `account_not_found` also for one that the caller may not see.
 */
export function listedAccounts(principal: Principal, accountId: string | undefined): readonly string[] | undefined {
  if (accountId !== undefined) {
    checkSeen(principal, accountId)
    return [accountId]
  }
  const visible = visibleAccounts(principal)
  return visible && [...visible]
}

/** That an account exists is not the business of a caller that may not see it. @throws Problem `account_not_found` */
export function checkSeen(principal: Principal, accountId: string): void {
  if (!maySeeAccount(principal, accountId)) throw noAccount()
}

export function noAccount(): Problem {
  return new Problem('account_not_found', 'There is no such account.')
}

export function badCursor(): Problem {
  const message = 'is not a cursor of this list'
  return new Problem('bad_request', `query.cursor: ${message}`, { errors: [{ path: 'query.cursor', message }] })
}
