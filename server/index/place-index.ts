/** Reads and updates places: the UIDs of a folder with their flags. */
import { lists, updateRows } from './bulk-rows.ts'
import type { IndexChange, IndexOwner } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import type { PlaceRow } from './index-tables.ts'
import type { FolderBatch, UidSpan } from './index-types.ts'
import { areSame, type FlagColumns, flagColumns, toColumns } from './message-flags.ts'

/** A place changed by a batch; `flags` is null if it was removed. */
export interface PlaceNews {
  uid: number
  message: number
  flags: FlagColumns | null
}

export type StoredPlace = Pick<PlaceRow, 'uid' | 'message' | 'arrived' | keyof FlagColumns>

const placesAt = fixedStatement((db, account: number, folder: number, uids: readonly number[]) =>
  db
    .selectFrom('places')
    .select(['uid', 'message', 'arrived', ...flagColumns])
    .where('account', '=', account)
    .where('folder', '=', folder)
    .where('uid', 'in', uids),
)

export async function findPlaces(
  { db, account }: IndexOwner,
  folder: number,
  uids: readonly number[],
): Promise<Map<number, StoredPlace>> {
  const found = new Map<number, StoredPlace>()
  for (const piece of lists(uids)) {
    for (const row of await placesAt(db, account, folder, piece)) found.set(row.uid, row)
  }
  return found
}

export async function removePlaces(
  change: IndexChange,
  folder: number,
  spans: readonly UidSpan[],
): Promise<StoredPlace[]> {
  const { db, account } = change
  const removed: StoredPlace[] = []
  const remove = () =>
    db
      .deleteFrom('places')
      .where('account', '=', account)
      .where('folder', '=', folder)
      .returning(['uid', 'message', 'arrived', ...flagColumns])
  const single = spans.filter(([first, last]) => first === last).map(([uid]) => uid)
  for (const piece of lists(single)) removed.push(...(await remove().where('uid', 'in', piece).execute()))
  for (const [first, last] of spans) {
    if (first >= last) continue
    const rows = await remove().where('uid', '>=', first).where('uid', '<=', last).execute()
    for (const row of rows) removed.push(row)
  }
  for (const { message } of removed) change.touch(message)
  return removed
}

/** Changes the flags of UIDs that the folder has; unknown UIDs and unchanged flags are skipped. */
export async function changeFlags(
  change: IndexChange,
  folder: number,
  changed: NonNullable<FolderBatch['changed']>,
  places: ReadonlyMap<number, StoredPlace>,
): Promise<{ before: StoredPlace; after: FlagColumns }[]> {
  const news = [...new Map(changed.map(({ uid, flags }) => [uid, flags]))].flatMap(([uid, flags]) => {
    const before = places.get(uid)
    const after = toColumns(flags)
    return !before || areSame(before, after) ? [] : [{ before, after }]
  })
  const rows = news.map(({ before, after }) => [folder, before.uid, ...flagColumns.map(name => after[name])])
  await updateRows(
    change.db,
    change.account,
    { table: 'places', keys: ['folder', 'uid'], sets: [...flagColumns] },
    rows,
  )
  for (const { before } of news) change.touch(before.message)
  return news
}
