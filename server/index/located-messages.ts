/**
 * Finds the places of many messages, with the properties that recognise them elsewhere; reads no texts and only
 * Message-IDs of envelopes.
 */
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

/**
 * Ids passed to SQLite as parameters; more go as one JSON text: compiling a statement with 2,000 parameters takes
 * longer than running it.
 */
const fewIds = 32

/**
 * Returns places in the order of `ids`; missing messages are left out. One without a place is being moved, or about to
 * be removed.
 * @param hasMessageIds Whether Message-IDs are read: reading envelopes takes longer than the rest.
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

/** Returns rows in the order of `ids`, including duplicates. */
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

/** Returns places by the messages' rowids, ordered by folder; without flags, which would double the data. */
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

/** Reads the few folders once instead of joining their names to each message. */
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

/** Returns places by the messages' rowids, ordered by folder. */
export async function placesOf(owner: IndexOwner, rowids: readonly number[]): Promise<Map<number, IndexedPlace[]>> {
  const { db, account } = owner
  const rows: ReadPlace[] = []
  for (const piece of lists([...new Set(rowids)])) rows.push(...(await placesAt(db, account, piece)))
  return placesIn(owner, rows)
}

type ReadPlace = FlagColumns & Pick<PlaceRow, 'message' | 'folder' | 'uid'>

/** Groups rows of places by the messages' rowids. @param rows Ordered by folder. */
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
