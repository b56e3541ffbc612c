/** Messages by their ids, through an index of the first bytes of them. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { IndexTables } from './index-tables.ts'

type Messages<Row> = SelectQueryBuilder<IndexTables, 'messages', Row>

export function withIds<Row>(messages: Messages<Row>, ids: readonly Uint8Array[]): Messages<Row> {
  const begins = ids.map(id => id.subarray(0, 4))
  // The expression as the index has it: with parameters in it, it would be another one.
  return messages.where(sql<Uint8Array>`substr(id, 1, 4)`, 'in', begins).where('id', 'in', [...ids])
}
