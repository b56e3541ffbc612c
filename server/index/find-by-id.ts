/** Finds messages by id, through an index on the first bytes of ids. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { IndexTables } from './index-tables.ts'

type Messages<Row> = SelectQueryBuilder<IndexTables, 'messages', Row>

/** @param begins Prefixes of the ids from `beginsOf`. */
export function withIds<Row>(
  messages: Messages<Row>,
  ids: readonly Uint8Array[],
  begins: readonly Uint8Array[] = beginsOf(ids),
): Messages<Row> {
  // Must be literally the expression of the index: with parameters it would not match.
  return messages.where(sql<Uint8Array>`substr(id, 1, 4)`, 'in', begins).where('id', 'in', ids)
}

export function beginsOf(ids: readonly Uint8Array[]): Uint8Array[] {
  return ids.map(id => id.subarray(0, 4))
}
