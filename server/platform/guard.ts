/** The one gate: every principal, by whatever road, is checked here before a service is called. */
import type { Effect, Endpoint, LimitName } from '../../contract/endpoint.ts'
import { maySeeAccount, type Principal } from './principal.ts'
import { Problem } from './problem.ts'

/** What someone wants to do, as data. */
export interface Operation {
  name: string
  scope: Endpoint['scope']
  effect: Effect
  /** A narrower limit of its own, beside the common one. */
  limit?: LimitName
  /** Let in also while the audit trail cannot be written. */
  mayRevoke?: boolean
  /** Only signed-in users may, whatever scopes a token has. */
  callers?: Endpoint['callers']
  /** Access tokens of connected clients are for these operations alone. */
  takesAccessTokens?: boolean
  /** No cookie counts here, so pages of the allowed origins may ask. */
  isForPrograms?: boolean
}

/** What a human stopped: known at once and in memory, since every request asks for it. */
export interface Stops {
  /**
   * What is of no account, or of one that is not known yet, is stopped with its principal alone.
   * @throws Problem `frozen`.
   */
  check(principal: Principal, operation: Operation, accountId?: string): void
  /** For what shows mail of all accounts that the principal sees. @throws Problem `frozen` when one of them may not be read. */
  checkAll(principal: Principal, operation: Operation): void
}

/** Whether a check lets pass, for what is left out where it does not. */
export function mayPass(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

/**
 * Lets the principal pass or throws: 401 for nobody, 403 naming the missing scope, and 404 for an account that it
 * may not see, since that the account exists is itself not its business.
 * @param stops Left out where nothing is done yet, and nothing shown.
 */
export function guard(principal: Principal, operation: Operation, accountId?: string, stops?: Stops): void {
  if (operation.scope === 'public') return
  if (principal.kind === 'anonymous') {
    throw new Problem('unauthorized', 'Sign in, or send a token as "Authorization: Bearer <token>".')
  }
  if (operation.scope !== 'signed_in' && !principal.scopes.has(operation.scope)) {
    throw new Problem('forbidden', `This requires the scope ${operation.scope}.`, { missing_scope: operation.scope })
  }
  if (operation.callers === 'session' && principal.kind !== 'session') {
    throw new Problem('session_needed', 'Only signed-in users may do this; tokens and the API key are not allowed to.')
  }
  if (accountId !== undefined && !maySeeAccount(principal, accountId)) {
    throw new Problem('account_not_found', 'There is no such account.')
  }
  stops?.check(principal, operation, accountId)
}
