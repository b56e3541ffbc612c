/** Where messages are, many at once, with what recognises them elsewhere. Neither texts nor the rest of their envelopes are read. */
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { readMessageIds } from './envelope.ts'
import { withIds } from './find-by-id.ts'
import type { MessageRow } from './index-tables.ts'
import type { IndexedPlace, LocatedMessage } from './index-types.ts'
import { flagColumns, toFlags } from './message-flags.ts'
import { messageIdBytes, messageIdText } from './message-identity.ts'

/**
 * In the order of these ids; those that are not there are left out. One without a place is on its way to another folder, or gone soon.
 * @param hasMessageIds Left out, no envelope is read, which takes longer than the rest.
 */
export async function locateMessages(
  owner: IndexOwner,
  ids: readonly string[],
  hasMessageIds: boolean,
): Promise<LocatedMessage[]> {
  const rows = await rowsById(owner, ids)
  const places = await placesOf(
    owner,
    rows.map(({ rowid }) => rowid),
  )
  const envelopes = hasMessageIds ? rows.map(({ envelope }) => envelope) : []
  const messageIdAt = await readMessageIds(owner, envelopes)
  return rows.map(({ rowid, id, date, size, envelope }) => ({
    id,
    messageId: hasMessageIds ? messageIdAt(envelope) : null,
    sizeBytes: size,
    date: new Date(date).toISOString(),
    places: places.get(rowid) ?? [],
  }))
}

type LocatedRow = Pick<MessageRow, 'rowid' | 'date' | 'size' | 'envelope'> & { id: string }

/** In the order of these ids, each as often as it is named. */
export async function rowsById({ db, account }: IndexOwner, ids: readonly string[]): Promise<LocatedRow[]> {
  const wanted = [...new Set(ids)].map(messageIdBytes).filter(id => id !== undefined)
  const found = new Map<string, LocatedRow>()
  for (const piece of lists(wanted)) {
    const messages = db
      .selectFrom('messages')
      .select(['rowid', 'id', 'date', 'size', 'envelope'])
      .where('account', '=', account)
    for (const row of await withIds(messages, piece).execute()) {
      const id = messageIdText(row.id)
      found.set(id, { ...row, id })
    }
  }
  return ids.map(id => found.get(id)).filter(row => row !== undefined)
}

/** By rowids of messages, in the order of folders. */
export async function placesOf(
  { db, account }: IndexOwner,
  rowids: readonly number[],
): Promise<Map<number, IndexedPlace[]>> {
  const found = new Map<number, IndexedPlace[]>()
  if (rowids.length === 0) return found
  // Of a few folders: their names are not read for each message.
  const folders = await db
    .selectFrom('folders')
    .select(['id', 'path', 'uid_validity'])
    .where('account', '=', account)
    .execute()
  const byId = new Map(folders.map(({ id, ...folder }) => [id, folder]))
  for (const piece of lists([...new Set(rowids)])) {
    const rows = await db
      .selectFrom('places')
      .select(['message', 'folder', 'uid', ...flagColumns])
      .where('account', '=', account)
      .where('message', 'in', piece)
      .orderBy('message')
      .orderBy('folder')
      .execute()
    for (const row of rows) {
      const { path, uid_validity: uidValidity } = byId.get(row.folder)!
      const place = { path, uidValidity, uid: row.uid, flags: toFlags(row) }
      const others = found.get(row.message)
      if (others) others.push(place)
      else found.set(row.message, [place])
    }
  }
  return found
}
