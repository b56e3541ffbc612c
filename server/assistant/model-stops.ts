/** Freezes for calls that a model requests: it counts as a program, also in the session of a user. */
import type { Stops } from '../platform/guard.ts'
import type { Principal } from '../platform/principal.ts'

/**
 * Applies freezes of all programs, or of reading an account by programs, to the model too; what users do by hand is not
 * affected.
 */
export function modelStops(stops: Stops): Stops {
  return {
    check: (principal, operation, accountId) => stops.check(asProgram(principal), operation, accountId),
    checkAll: (principal, operation) => stops.checkAll(asProgram(principal), operation),
  }
}

/** Freezes by id do not match, since it is the id of the session. */
function asProgram(principal: Principal): Principal {
  return principal.kind === 'session' ? { ...principal, kind: 'token' } : principal
}
