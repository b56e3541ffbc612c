/** What a human stopped, for calls that a model asks for: it is a program, also in the session of a person. */
import type { Stops } from '../platform/guard.ts'
import type { Principal } from '../platform/principal.ts'

/** A freeze of all programs, or of what they read of an account, holds for the model too; what people do by hand goes on. */
export function modelStops(stops: Stops): Stops {
  return {
    check: (principal, operation, accountId) => stops.check(asProgram(principal), operation, accountId),
    checkAll: (principal, operation) => stops.checkAll(asProgram(principal), operation),
  }
}

/** By its id, that of the session, nothing is stopped. */
function asProgram(principal: Principal): Principal {
  return principal.kind === 'session' ? { ...principal, kind: 'token' } : principal
}
