/** Whose words may be in a draft: how long before one of its revisions its writer had read mail of a stranger. */
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'

/** How long ago a program had last read mail of a stranger; null for so long that nobody asks. */
export type TaintOf = (principalId: string, transaction: Database) => Promise<number | null>

/** What people write are their own words. */
export async function taintOfWriter(
  { kind, id }: Principal,
  transaction: Database,
  { taintOf }: { taintOf: TaintOf },
): Promise<number | null> {
  return kind === 'session' ? null : taintOf(id, transaction)
}

export function leastTaint(taints: readonly (number | null)[]): number | null {
  const known = taints.filter(taint => taint !== null)
  return known.length === 0 ? null : Math.min(...known)
}
