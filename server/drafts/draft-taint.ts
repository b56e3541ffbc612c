/** The taint of a draft: how long before one of its revisions the writer had read a stranger's mail. */
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'

/** Returns how many milliseconds ago a program last read a stranger's mail; null if longer ago than any policy asks. */
export type TaintOf = (principalId: string, transaction: Database) => Promise<number | null>

/** What people write is untainted. */
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
