/** Sorts already identified messages into those that can get a place in a folder without being read, and the others. */
import { lists } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import type { PlacedRecord } from './index-types.ts'
import { findMessages } from './known-messages.ts'
import { messageIdBytes, messageIdText } from './message-identity.ts'
import type { PlacedMessage } from './message-index.ts'
import { findPlaces } from './place-index.ts'

export interface PlacedMessages {
  /** Messages without a place in the folder. */
  absent: PlacedMessage[]
  /** Messages that already have this place. */
  stored: PlacedRecord[]
  /** UIDs whose message is no longer in the index, or that hold another one there: they have to be read. */
  unplaced: number[]
}

export async function placedMessages(
  change: IndexChange,
  folder: number,
  records: readonly PlacedRecord[],
): Promise<PlacedMessages> {
  const placed: PlacedMessages = { absent: [], stored: [], unplaced: [] }
  if (records.length === 0) return placed
  const ids = records.flatMap(({ id }) => messageIdBytes(id) ?? [])
  const found = await findMessages(change, 'id', ids)
  const byId = new Map(found.map(message => [messageIdText(message.id), message]))
  const rowids = found.map(({ rowid }) => rowid)
  const inFolder = await messagesIn(change, folder, rowids)
  const places = await findPlaces(
    change,
    folder,
    records.map(({ uid }) => uid),
  )
  for (const record of records) {
    const { uid, id, flags } = record
    const message = byId.get(id)
    const place = places.get(uid)
    if (message && place?.message === message.rowid) placed.stored.push(record)
    // Two copies of a message in one folder are two messages with distinct ids.
    else if (!message || place || inFolder.has(message.rowid)) placed.unplaced.push(uid)
    else {
      inFolder.add(message.rowid)
      placed.absent.push({ uid, flags, message })
    }
  }
  return placed
}

async function messagesIn({ db, account }: IndexChange, folder: number, rowids: number[]): Promise<Set<number>> {
  const found = new Set<number>()
  for (const piece of lists(rowids)) {
    const rows = await db
      .selectFrom('places')
      .select('message')
      .where('account', '=', account)
      .where('folder', '=', folder)
      .where('message', 'in', piece)
      .execute()
    for (const { message } of rows) found.add(message)
  }
  return found
}
