/** A principal with every scope, for tests of what lies behind the gate. */
import { everyScope, type Principal } from '../../server/platform/principal.ts'

export function administrator(kind: Principal['kind'] = 'session'): Principal {
  return { id: 'admin', name: 'Admin', kind, userId: null, scopes: everyScope, accounts: 'all' }
}
