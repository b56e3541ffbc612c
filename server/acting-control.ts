/** What rules over operations: freezes. A part of the composition root. */
import type { FreezeService } from './freezes/freeze-service.ts'
import type { IsHeld, MayChange } from './operations/operation-control.ts'
import { Problem } from './platform/problem.ts'

export function controlOf(freezes: FreezeService): { mayChange: MayChange; isHeld: IsHeld } {
  return {
    mayChange: async (principal, accountId) => {
      // The gate knows the account of a request only where its path names one.
      if (!freezes.isFrozen(principal, accountId)) return
      throw new Problem('frozen', 'A human stopped changes of this account, or of this caller.')
    },
    isHeld: ({ principal_kind: kind, principal_id: id, account_id: accountId }) =>
      freezes.isFrozen({ kind: kind as 'session' | 'token' | 'api_key', id }, accountId),
  }
}
