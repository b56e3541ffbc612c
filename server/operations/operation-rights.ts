/** Who may see and undo an operation. */
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { OperationQuery } from './operation-store.ts'
import type { OperationRow } from './operation-tables.ts'

type OwnedOperation = Pick<OperationRow, 'account_id' | 'principal_id' | 'principal_kind' | 'user_id'>

/** Whether the principal asked for the operation: with the same token or key, or in any session of the same user. */
export function isOwn({ id, kind, userId }: Principal, asked: Omit<OwnedOperation, 'account_id'>): boolean {
  if (asked.principal_id === id) return true
  return kind === 'session' && asked.principal_kind === 'session' && userId !== null && asked.user_id === userId
}

/** Whether the principal sees what others did: never a token, whatever its scopes. */
export function seesOthers({ kind, scopes }: Principal): boolean {
  return kind !== 'token' && scopes.has('dashboard:operate')
}

export function maySee(principal: Principal, asked: OwnedOperation): boolean {
  return maySeeAccount(principal, asked.account_id) && (seesOthers(principal) || isOwn(principal, asked))
}

/** Returns the filter that limits a list to what the principal may see. */
export function sightOf(principal: Principal): Pick<OperationQuery, 'principalId' | 'userId'> {
  if (seesOthers(principal)) return {}
  const { id, kind, userId } = principal
  return kind === 'session' && userId !== null ? { userId } : { principalId: id }
}

/** Returns the id of the principal that a request names: a token also by the id that its list shows. */
export function principalIdOf(named: string): string {
  if (named === 'api_key') return 'api-key'
  return /^[0-9a-f]{16}$/.test(named) ? `token-${named}` : named
}

/** @throws Problem when the principal may see the operation but not undo it. */
export function refuseUndo(principal: Principal, asked: OwnedOperation): void {
  if (!isOwn(principal, asked)) {
    if (seesOthers(principal)) return
    throw new Problem(
      'forbidden',
      'Undoing what others did requires a signed-in user with the scope dashboard:operate.',
      {
        missing_scope: 'dashboard:operate',
      },
    )
  }
  if (principal.scopes.has('mail:organize') || seesOthers(principal)) return
  throw new Problem('forbidden', 'This requires the scope mail:organize.', { missing_scope: 'mail:organize' })
}
