/** Messages by their ids, through an index of the first bytes of them. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { IndexTables } from './index-tables.ts'

type Messages<Row> = SelectQueryBuilder<IndexTables, 'messages', Row>

/** @param begins As `beginsOf` makes them. */
export function withIds<Row>(
  messages: Messages<Row>,
  ids: readonly Uint8Array[],
  begins: readonly Uint8Array[] = beginsOf(ids),
): Messages<Row> {
  // The expression as the index has it: with parameters in it, it would be another one.
  return messages.where(sql<Uint8Array>`substr(id, 1, 4)`, 'in', begins).where('id', 'in', ids)
}

export function beginsOf(ids: readonly Uint8Array[]): Uint8Array[] {
  return ids.map(id => id.subarray(0, 4))
}
