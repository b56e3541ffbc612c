/** Callers with the rights that they have when a transaction decides, which may be fewer than when they asked. */
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

/** Finds a caller with its current rights; undefined if its session or user has ended. */
export type FindDecider = (principal: Principal, db?: Database) => Promise<Principal | undefined>

/** Refuses a caller whose session or user ended after its request was admitted. */
export function hasEnded(): Problem {
  return new Problem('unauthorized', 'Your session has ended; sign in again.')
}
