/** Reads messages for lists: those of a folder, newest first, and messages by their ids. */

import { BlockReader } from './block-reader.ts'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { addressesOf, type Envelope, envelopeReader, envelopesFrom } from './envelope.ts'
import { fixedStatement, preparedStatement } from './fixed-statement.ts'
import { getFolder, toFolder } from './folder-index.ts'
import { listedColumns } from './index-page.ts'
import { isSqlite } from './index-schema.ts'
import type { MessageRow, PlaceRow } from './index-tables.ts'
import type { IndexedMessage, IndexedPage, IndexedPlace } from './index-types.ts'
import { placesIn, placesOf, rowsById } from './located-messages.ts'
import { flagColumns } from './message-flags.ts'
import { messageIdText, threadIdText } from './message-identity.ts'
import { previewOf } from './text-preview.ts'

/** Columns read for lists; `text` is the place of the text, see text-blocks.ts. */
const listed = ['rowid', ...listedColumns, 'envelope', 'text'] as const satisfies (keyof MessageRow)[]

const rowsAt = fixedStatement((db, account: number, rowids: readonly number[]) =>
  db.selectFrom('messages').select(listed).where('account', '=', account).where('rowid', 'in', rowids),
)

/** Reads rows with their places as arrays of values: one statement on PostgreSQL instead of two. */
const rowsWithPlaces = preparedStatement<ListedRow & { places: PlaceValues[] | null }>(`
  select ${listed.map(name => `m.${name}`).join(', ')},
    (select json_agg(json_build_array(p.folder, p.uid, ${flagColumns.map(name => `p.${name}`).join(', ')}) order by p.folder)
      from places p where p.account = $1 and p.message = m.rowid) as places
  from messages m where m.account = $1 and m.rowid = any($2::bigint[])`)

type PlaceValues = [folder: number, uid: number, ...flags: unknown[]]

function placeRow(message: number, [folder, uid, ...flags]: PlaceValues) {
  const columns = Object.fromEntries(flagColumns.map((name, at) => [name, flags[at]]))
  return { message, folder, uid, ...columns } as ListedPlace
}

type ListedPlace = Pick<PlaceRow, 'message' | 'folder' | 'uid' | (typeof flagColumns)[number]>

/** Batch size: messages whose blocks are in memory at the same time. */
const readAtOnce = 512

export interface FolderPageQuery {
  path: string
  limit: number
  /** Only lower UIDs are listed: the UID of the previous page's last message. */
  beforeUid?: number
}

/** @throws IndexFault `folder_not_found` */
export async function listMessages(owner: IndexOwner, query: FolderPageQuery): Promise<IndexedPage> {
  const { path, limit, beforeUid = Number.MAX_SAFE_INTEGER } = query
  const folder = await getFolder(owner, path)
  const places = await owner.db
    .selectFrom('places')
    .select('message')
    .where('account', '=', owner.account)
    .where('folder', '=', folder.id)
    .where('uid', '<', beforeUid)
    .orderBy('uid', 'desc')
    .limit(limit + 1)
    .execute()
  const rowids = places.slice(0, limit).map(({ message }) => message)
  const messages = await messagesByRow(owner, rowids, { previews: true })
  return { messages, folder: toFolder(folder), hasMore: places.length > limit }
}

/** Reads messages in the order of `rowids`; missing ones are left out. */
export async function messagesByRow(
  owner: IndexOwner,
  rowids: readonly number[],
  { previews }: { previews: boolean },
): Promise<IndexedMessage[]> {
  const found = await messagesAtRows(owner, rowids, { blocks: previews ? new BlockReader(owner) : undefined })
  return rowids.map(rowid => found.get(rowid)).filter(message => message !== undefined)
}

interface ReadAlong {
  /** Reader of texts for the previews; undefined if no previews are wanted. */
  blocks: BlockReader | undefined
  /** Called with the place of each message's text. */
  textAt?(rowid: number, place: number | null): void
}

export async function messagesAtRows(
  owner: IndexOwner,
  rowids: readonly number[],
  { blocks, textAt }: ReadAlong,
): Promise<ReadonlyMap<number, IndexedMessage>> {
  const { rows: all, places } = await readRows(owner, rowids)
  const found = new Map<number, IndexedMessage>()
  for (let from = 0; from < all.length; from += readAtOnce) {
    const rows = all.slice(from, from + readAtOnce)
    const envelopeBlocks = envelopeReader(owner)
    const envelopes = rows.map(({ envelope }) => envelope)
    const textPlaces = rows.map(({ text }) => text)
    await blocks?.loadWith(textPlaces, envelopeBlocks, envelopes)
    const texts = await blocks?.read(textPlaces)
    const envelopeAt = await envelopesFrom(envelopeBlocks, envelopes)
    for (const row of rows) {
      textAt?.(row.rowid, row.text)
      const text = row.text === null ? undefined : texts?.get(row.text)
      found.set(row.rowid, toMessage(row, envelopeAt(row.envelope), text, places.get(row.rowid) ?? []))
    }
  }
  return found
}

async function readRows(owner: IndexOwner, rowids: readonly number[]) {
  const { db, account } = owner
  const rows: ListedRow[] = []
  if (isSqlite(db)) {
    for (const piece of lists(rowids)) rows.push(...(await rowsAt(db, account, piece)))
    return { rows, places: await placesOf(owner, rowids) }
  }
  const places: ListedPlace[] = []
  for (let from = 0; from < rowids.length; from += readAtOnce) {
    const found = await rowsWithPlaces(db, account, rowids.slice(from, from + readAtOnce))
    for (const { places: ofRow, ...row } of found) {
      rows.push(row)
      for (const values of ofRow ?? []) places.push(placeRow(row.rowid, values))
    }
  }
  return { rows, places: await placesIn(owner, places) }
}

/**
 * Reads messages in the order of `ids`; missing ones are left out. One without a place is being moved, or about to be
 * removed.
 */
export async function messagesById(owner: IndexOwner, ids: readonly string[]): Promise<IndexedMessage[]> {
  const rows = await rowsById(owner, ids)
  return messagesByRow(
    owner,
    rows.map(({ rowid }) => rowid),
    { previews: true },
  )
}

type ListedRow = Pick<MessageRow, (typeof listed)[number]>

function toMessage(
  row: ListedRow,
  { attachmentNames: _names, ...envelope }: Envelope,
  text: string | undefined,
  places: IndexedPlace[],
): IndexedMessage {
  return {
    id: messageIdText(row.id),
    threadId: threadIdText(row.thread),
    ...envelope,
    subject: row.subject,
    from: addressesOf(row.from_json),
    date: new Date(row.date).toISOString(),
    sizeBytes: row.size,
    hasAttachments: row.has_attachments === 1,
    preview: text === undefined ? null : previewOf(text),
    places,
  }
}
