/** Where messages are, many at once, with what recognises them elsewhere. Neither texts nor the rest of their envelopes are read. */
import { sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { readMessageIds } from './envelope.ts'
import { withIds } from './find-by-id.ts'
import { fixedStatement } from './fixed-statement.ts'
import { isSqlite } from './index-schema.ts'
import type { MessageRow, PlaceRow } from './index-tables.ts'
import type { IndexedPlace, LocatedMessage } from './index-types.ts'
import { type FlagColumns, flagColumns, toFlags } from './message-flags.ts'
import { messageIdBytes, messageIdText } from './message-identity.ts'
import { namedFolders } from './named-folders.ts'

/** More than these go to SQLite as one text: to write a statement with two thousand parameters takes longer than to carry it out. */
const fewIds = 32

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
  const places = await uidsOf(
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
  if (isSqlite(db) && wanted.length > fewIds) {
    const { rows } = await sql<
      Omit<LocatedRow, 'id'> & { id: Uint8Array }
    >`select m.rowid, m.id, m.date, m.size, m.envelope
      from json_each(${JSON.stringify(wanted.map(id => id.toString('hex')))}) as named
      cross join messages as m
      where m.account = ${account} and substr(m.id, 1, 4) = unhex(substr(named.value, 1, 8)) and m.id = unhex(named.value)`.execute(
      db,
    )
    for (const row of rows) {
      const id = messageIdText(row.id)
      found.set(id, { ...row, id })
    }
    return ids.map(id => found.get(id)).filter(row => row !== undefined)
  }
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

type LocatedPlace = LocatedMessage['places'][number]

/** By rowids of messages, in the order of folders; without flags, which are half of what is read. */
async function uidsOf(owner: IndexOwner, rowids: readonly number[]): Promise<Map<number, LocatedPlace[]>> {
  const { db, account } = owner
  const found = new Map<number, LocatedPlace[]>()
  if (rowids.length === 0) return found
  const folders = await foldersById(owner)
  const add = ({ message, folder, uid }: Pick<PlaceRow, 'message' | 'folder' | 'uid'>) => {
    const place = { ...folders.get(folder)!, uid }
    const others = found.get(message)
    if (others) others.push(place)
    else found.set(message, [place])
  }
  if (isSqlite(db) && rowids.length > fewIds) {
    const { rows } = await sql<Pick<PlaceRow, 'message' | 'folder' | 'uid'>>`select p.message, p.folder, p.uid
      from json_each(${JSON.stringify([...new Set(rowids)])}) as named
      cross join places as p
      where p.account = ${account} and p.message = named.value
      order by p.message, p.folder`.execute(db)
    for (const row of rows) add(row)
    return found
  }
  for (const piece of lists([...new Set(rowids)])) {
    const rows = await db
      .selectFrom('places')
      .select(['message', 'folder', 'uid'])
      .where('account', '=', account)
      .where('message', 'in', piece)
      .orderBy('message')
      .orderBy('folder')
      .execute()
    for (const row of rows) add(row)
  }
  return found
}

/** Of a few folders: their names are not read for each message. */
async function foldersById(owner: IndexOwner): Promise<Map<number, { path: string; uidValidity: number }>> {
  const folders = await namedFolders(owner)
  return new Map(folders.map(({ id, path, uid_validity }) => [id, { path, uidValidity: uid_validity }]))
}

const placesAt = fixedStatement((db, account: number, messages: readonly number[]) =>
  db
    .selectFrom('places')
    .select(['message', 'folder', 'uid', ...flagColumns])
    .where('account', '=', account)
    .where('message', 'in', messages)
    .orderBy('message')
    .orderBy('folder'),
)

/** By rowids of messages, in the order of folders. */
export async function placesOf(owner: IndexOwner, rowids: readonly number[]): Promise<Map<number, IndexedPlace[]>> {
  const { db, account } = owner
  const rows: ReadPlace[] = []
  for (const piece of lists([...new Set(rowids)])) rows.push(...(await placesAt(db, account, piece)))
  return placesIn(owner, rows)
}

type ReadPlace = FlagColumns & Pick<PlaceRow, 'message' | 'folder' | 'uid'>

/** By rowids of messages. @param rows In the order of folders. */
export async function placesIn(owner: IndexOwner, rows: readonly ReadPlace[]): Promise<Map<number, IndexedPlace[]>> {
  const found = new Map<number, IndexedPlace[]>()
  if (rows.length === 0) return found
  const folders = await foldersById(owner)
  for (const row of rows) {
    const place = { ...folders.get(row.folder)!, uid: row.uid, flags: toFlags(row) }
    const others = found.get(row.message)
    if (others) others.push(place)
    else found.set(row.message, [place])
  }
  return found
}
