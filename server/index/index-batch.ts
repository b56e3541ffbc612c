/** Applies the result of one look at a folder; idempotent. */
import { lists } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import { addressKey } from './contact-index.ts'
import { addressesOf } from './envelope.ts'
import { folderFact, openFolder, positioned, saveFolder } from './folder-index.ts'
import type { AppliedBatch, FolderBatch, MessageNews, MessageRecord, UidSpan } from './index-types.ts'
import { findMessages, type KnownMessage } from './known-messages.ts'
import { toFlags } from './message-flags.ts'
import { identityOf, idOf, messageIdText, threadIdText } from './message-identity.ts'
import { type AddedMessage, addMessages, type MessageWriter } from './message-index.ts'
import { changeFlags, findPlaces, type PlaceNews, removePlaces, type StoredPlace } from './place-index.ts'
import { placedMessages } from './placed-messages.ts'
import { addTexts, type TextReader } from './text-index.ts'
import type { MergedThread } from './thread-links.ts'

/** Upper bound on messages per `mail_changed` fact; more are split over several facts. */
const messagesOfFact = 50

export interface BatchWriter extends MessageWriter {
  readText: TextReader
}

export async function applyBatch(change: IndexChange, batch: FolderBatch, writer: BatchWriter): Promise<AppliedBatch> {
  const { folder, removed: cleared } = await openFolder(change, batch)
  const vanished = batch.vanished ?? []
  const hasVanished = isIn(vanished)
  const gone = await removePlaces(change, folder.id, vanished)
  const records = [...new Map((batch.added ?? []).map(record => [record.uid, record])).values()]
    .filter(({ uid }) => !hasVanished(uid))
    .sort((one, other) => one.uid - other.uid)
  const { stored, replaced } = await storedRecords(change, folder.id, records, writer.accountId)
  const absent = records.filter(({ uid }) => !stored.has(uid))
  const known = (batch.placed ?? []).filter(({ uid }) => !hasVanished(uid))
  const placed = await placedMessages(change, folder.id, known)
  const isInbox = folder.role === 'inbox' || folder.path === 'INBOX'
  const addresses = new Set((batch.own ?? []).flatMap(email => addressKey(email) ?? []))
  const own = { addresses, isSentFolder: folder.role === 'sent' }
  // Messages that just lost their places here may be among those added.
  if (absent.length > 0) await change.settleTouched()
  const arrival = { isInbox, announces: batch.announces, own }
  const { added, merged } = await addMessages(change, folder.id, absent, placed.absent, writer, arrival)
  const came = [...absent, ...placed.absent]
  const changed = [...records.filter(({ uid }) => stored.has(uid)), ...placed.stored, ...(batch.changed ?? [])]
  const texts = batch.texts ?? []
  const places = await findPlaces(change, folder.id, [...new Set([...changed, ...texts].map(({ uid }) => uid))])
  const news = await changeFlags(change, folder.id, changed, places)
  await addTexts(change, texts, places, writer)

  const left = [...gone, ...replaced]
  const seenBefore = count(left) + news.filter(({ before }) => before.seen === 1).length
  const seenAfter = news.filter(({ after }) => after.seen === 1).length
  const seenAdded = came.filter(({ flags }) => flags.some(flag => /^\\seen$/i.test(flag))).length
  const total = folder.total + came.length - left.length
  const seen = folder.total - folder.unread + seenAdded + seenAfter - seenBefore
  const after = { ...positioned(folder, placed.unplaced.length > 0 ? {} : batch.position), total, unread: total - seen }
  await saveFolder(change, folder, after)

  await change.settleTouched()
  const placeNews: PlaceNews[] = [
    ...left.map(({ uid, message }) => ({ uid, message, flags: null })),
    ...news.map(({ before: { uid, message }, after: flags }) => ({ uid, message, flags })),
  ]
  const toAnnounce = batch.announces ? added.filter(({ isNew }) => !isNew) : []
  const arrived = await findPlaces(
    change,
    folder.id,
    toAnnounce.map(({ uid }) => uid),
  )
  placeNews.push(...[...arrived.values()].map(place => ({ uid: place.uid, message: place.message, flags: place })))
  await announceMessages(change, folder.path, placeNews)
  if (came.length + news.length + left.length > 0 || merged.length > 0) {
    const fact = { event: 'changed' as const, added: came.length, changed: news.length, removed: left.length }
    const named = merged.map(({ from, into }) => ({ from: threadIdText(from), into: threadIdText(into) }))
    const announced = named.length > 0 ? { ...fact, merged: named } : fact
    change.announce('folder_changed', folderFact(change, after, announced))
  }
  return {
    added: batch.isSilent ? [] : addedInOrder([...[...stored.values()].map(each => inThread(each, merged)), ...added]),
    unplaced: placed.unplaced,
    changed: news.length,
    removed: left.length + cleared,
    modseq: change.state.modseq,
  }
}

/** Finds the records that the folder already holds; a UID that now identifies another message loses its place. */
async function storedRecords(
  change: IndexChange,
  folder: number,
  records: readonly MessageRecord[],
  accountId: string,
): Promise<{ stored: Map<number, AddedMessage>; replaced: StoredPlace[] }> {
  const places = await findPlaces(
    change,
    folder,
    records.map(({ uid }) => uid),
  )
  const messages = new Map<number, KnownMessage>()
  for (const row of await findMessages(
    change,
    'rowid',
    [...places.values()].map(({ message }) => message),
  )) {
    messages.set(row.rowid, row)
  }
  const stored = new Map<number, AddedMessage>()
  const others: number[] = []
  for (const record of records) {
    const place = places.get(record.uid)
    const message = messages.get(place?.message ?? Number.NaN)
    if (!place || !message) continue
    const isSame = idOf(identityOf(accountId, record), message.copy).equals(message.id)
    const hasArrived = place.arrived === 1
    if (isSame) stored.set(record.uid, { ...message, uid: record.uid, isNew: false, hasArrived, isFirstContact: false })
    else others.push(record.uid)
  }
  return {
    stored,
    replaced: await removePlaces(
      change,
      folder,
      others.map(uid => [uid, uid]),
    ),
  }
}

async function announceMessages(change: IndexChange, path: string, news: readonly PlaceNews[]): Promise<void> {
  const { db, account } = change
  const rows = new Map<number, { id: Uint8Array; thread: number; subject: string; from_json: string; size: number }>()
  for (const piece of lists([...new Set(news.map(({ message }) => message))])) {
    const found = await db
      .selectFrom('messages')
      .select(['rowid', 'id', 'thread', 'subject', 'from_json', 'size'])
      .where('account', '=', account)
      .where('rowid', 'in', piece)
      .execute()
    for (const row of found) rows.set(row.rowid, row)
  }
  const told = news.map(({ uid, message, flags }): MessageNews => {
    const { id, thread, subject, from_json, size } = rows.get(message)!
    return {
      id: messageIdText(id),
      thread_id: threadIdText(thread),
      uid,
      flags: flags && toFlags(flags),
      from: addressesOf(from_json),
      subject,
      size_bytes: size,
    }
  })
  for (let from = 0; from < told.length; from += messagesOfFact) {
    change.announce('mail_changed', { path, messages: told.slice(from, from + messagesOfFact) })
  }
}

function inThread(message: AddedMessage, merged: readonly MergedThread[]): AddedMessage {
  return { ...message, thread: merged.find(({ from }) => from === message.thread)?.into ?? message.thread }
}

function addedInOrder(messages: readonly AddedMessage[]) {
  return messages.map(toAdded).sort((one, other) => one.uid - other.uid)
}

function toAdded({ uid, id, thread, isNew, hasArrived, isFirstContact }: AddedMessage) {
  return { uid, id: messageIdText(id), threadId: threadIdText(thread), isNew, hasArrived, isFirstContact }
}

function isIn(spans: readonly UidSpan[]): (uid: number) => boolean {
  const sorted = spans.toSorted(([one], [other]) => one - other)
  return uid => sorted.some(([first, last]) => first <= uid && uid <= last)
}

function count(places: readonly StoredPlace[]): number {
  return places.filter(({ seen }) => seen === 1).length
}
