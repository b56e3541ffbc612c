/** The single authorization gate: every principal, on any path, is checked here before a service is called. */
import type { Effect, Endpoint, LimitName } from '../../contract/endpoint.ts'
import { maySeeAccount, type Principal } from './principal.ts'
import { Problem } from './problem.ts'

/** An operation to be authorized, as data. */
export interface Operation {
  name: string
  scope: Endpoint['scope']
  effect: Effect
  /** An additional, stricter rate limit. */
  limit?: LimitName
  /** Whether it is allowed even while the audit trail cannot be written. */
  mayRevoke?: boolean
  /** `session` restricts it to signed-in users, whatever scopes a token has. */
  callers?: Endpoint['callers']
  /** Whether it accepts access tokens of connected clients, which are valid for these operations only. */
  takesAccessTokens?: boolean
  /** Whether cookies are ignored, so that pages of allowed origins may call it. */
  isForPrograms?: boolean
}

/** Freezes set by humans, held in memory, since every request checks them. */
export interface Stops {
  /**
   * Checks freezes of the principal and the account; an operation without a known account is stopped by its principal
   * only.
   * @throws Problem `frozen`
   */
  check(principal: Principal, operation: Operation, accountId?: string): void
  /**
   * Checks an operation that shows mail of all visible accounts.
   * @throws Problem `frozen` if one of them may not be read
   */
  checkAll(principal: Principal, operation: Operation): void
}

/** Returns whether a check passes, to filter out what does not. */
export function mayPass(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

/**
 * Authorizes an operation or throws: 401 for anonymous callers, 403 with the missing scope, and 404 for an account that
 * the principal may not see, so that its existence is not revealed.
 * @param stops Omitted where nothing is done or shown yet.
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
