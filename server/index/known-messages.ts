/** Finds messages that the index already holds, by id or row id. */
import { lists } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import { beginsOf, withIds } from './find-by-id.ts'
import { fixedStatement } from './fixed-statement.ts'
import type { IndexDatabase, MessageRow } from './index-tables.ts'

export type KnownMessage = Pick<MessageRow, 'rowid' | 'id' | 'copy' | 'thread' | 'is_old'>

const knownMessages = (db: IndexDatabase, account: number) =>
  db.selectFrom('messages').select(['rowid', 'id', 'copy', 'thread', 'is_old']).where('account', '=', account)
const withId = fixedStatement((db, account: number, begins: readonly Uint8Array[], ids: readonly Uint8Array[]) =>
  withIds(knownMessages(db, account), ids, begins),
)
const atRow = fixedStatement((db, account: number, rowids: readonly number[]) =>
  knownMessages(db, account).where('rowid', 'in', rowids),
)

export async function findMessages(
  { db, account }: IndexChange,
  column: 'id' | 'rowid',
  values: readonly (Uint8Array | number)[],
): Promise<KnownMessage[]> {
  const found: KnownMessage[] = []
  for (const piece of lists(values)) {
    const rows =
      column === 'id'
        ? withId(db, account, beginsOf(piece as Uint8Array[]), piece as Uint8Array[])
        : atRow(db, account, piece as number[])
    found.push(...(await rows))
  }
  return found
}
