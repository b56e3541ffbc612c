/** Adds messages to a folder: known ones get a place there, new ones also a row, a thread and their searchable text. */
import { insertRows, updateRows } from './bulk-rows.ts'
import { type IndexChange, removeTombstones } from './change-log.ts'
import { addContacts, addressKey } from './contact-index.ts'
import { addressesJson, addressesOf, appendEnvelopes, type Envelope, storable } from './envelope.ts'
import { FolderCopies } from './folder-copies.ts'
import type { FullTextWriter, TextRow } from './full-text.ts'
import type { MessageRow } from './index-tables.ts'
import type { MessageRecord } from './index-types.ts'
import type { KnownMessage } from './known-messages.ts'
import { flagColumns, toColumns } from './message-flags.ts'
import { identityOf, secondsOf } from './message-identity.ts'
import type { RowNumbers } from './row-numbers.ts'
import { assignThreads, type MergedThread, threadClues } from './thread-links.ts'

/** A message that was added to a folder, with the UID of its place. */
export interface AddedMessage extends KnownMessage {
  uid: number
  isNew: boolean
  hasArrived: boolean
  isFirstContact: boolean
}

/** A known message that gets a place in a folder without being read. */
export interface PlacedMessage {
  uid: number
  flags: string[]
  message: KnownMessage
}

/** Properties of a batch that apply to all messages it adds. */
export interface Arrival {
  isInbox: boolean
  /** False if the messages existed before the folder was followed. */
  announces: boolean
  own: OwnMail
}

export interface MessageWriter {
  accountId: string
  fullText: FullTextWriter
  numbers: RowNumbers
}

/** How messages written by the owner of the mailbox are recognised. */
export interface OwnMail {
  /** The owner's addresses, as keys from `addressKey`. */
  addresses: ReadonlySet<string>
  /** Every message added to a Sent folder counts as the owner's. */
  isSentFolder: boolean
}

function isOwn({ from }: MessageRecord, { addresses, isSentFolder }: OwnMail): boolean {
  return isSentFolder || from.some(({ email }) => addresses.has(addressKey(email) ?? ''))
}

/**
 * @param records Messages without a place in the folder.
 * @param placed Messages that the index holds, also without a place in the folder.
 */
export async function addMessages(
  change: IndexChange,
  folder: number,
  records: readonly MessageRecord[],
  placed: readonly PlacedMessage[],
  { accountId, fullText, numbers }: MessageWriter,
  { isInbox, announces, own }: Arrival,
): Promise<{ added: AddedMessage[]; merged: MergedThread[] }> {
  const copies = new FolderCopies(change, folder)
  const identified = records.map(record => ({ record, identity: identityOf(accountId, record) }))
  copies.take(placed.map(({ message }) => message))
  await copies.load(identified)
  const added: AddedMessage[] = placed.map(({ uid, message }) => ({ ...message, uid, ...ofKnown(message) }))
  for (const { message } of placed) change.touch(message.rowid)
  const fresh: { record: MessageRecord; id: Buffer; copy: number }[] = []
  for (const { record, identity } of identified) {
    const { copy, id, known } = await copies.next(record, identity)
    if (known) {
      change.touch(known.rowid)
      added.push({ ...known, uid: record.uid, ...ofKnown(known) })
    } else fresh.push({ record, id, copy })
  }
  const hashes = new Map<string, number>()
  const clues = fresh.map(({ record, id }) => threadClues(record, id, hashes))
  const { threads, merged } = await assignThreads(change, clues)
  const moved = new Map(merged.map(({ from, into }) => [from, into]))
  for (const message of added) message.thread = moved.get(message.thread) ?? message.thread
  const rowids = await numbers.take(
    change,
    fresh.map(({ record }) => secondsOf(record.date)),
  )
  const envelopes = await appendEnvelopes(
    change,
    fresh.map(({ record }) => record),
  )
  const before = added.filter(({ hasArrived }) => isInbox && hasArrived).map(({ rowid }) => rowid)
  const rows = fresh.map(({ record, id, copy }, index) => {
    const message = { rowid: rowids[index]!, id, copy, thread: threads[index]!, is_old: Number(isInbox || !announces) }
    const { subjectHash, isBareReply, date } = clues[index]!
    const modseq = change.nextModseq()
    return {
      ...message,
      ...columnsOf(record),
      envelope: envelopes[index]!,
      is_own: Number(isOwn(record, own)),
      subject_hash: subjectHash,
      is_bare_reply: Number(isBareReply),
      date,
      modseq,
    }
  })
  const values = rows.map(row => messageValues(change.account, row))
  // In storage order: newest first.
  await insertRows(change.db, 'messages', messageColumns, values.toReversed())
  const people = rows.map((row, index) => ({ ...row, envelope: fresh[index]!.record }))
  const firsts = await addContacts(change, people, own.addresses)
  for (const [index, { rowid, id, copy, thread, is_old }] of rows.entries()) {
    const isFirstContact = firsts[index] === true
    const { uid } = fresh[index]!.record
    added.push({ rowid, id, copy, thread, is_old, uid, isNew: true, hasArrived: true, isFirstContact })
  }
  await removeTombstones(
    change,
    fresh.map(({ id }) => id),
  )
  await fullText.put(
    change.db,
    change.account,
    fresh.map(({ record }, index) => searchedOf(record, rowids[index]!)),
  )
  await updateRows(
    change.db,
    change.account,
    { table: 'messages', keys: ['rowid'], sets: [], expressions: { is_old: '1' } },
    before.map(rowid => [rowid]),
  )
  change.state.messages += fresh.length
  await addPlaces(change, folder, [...records, ...placed], added)
  return { added, merged }
}

function ofKnown({ is_old }: KnownMessage) {
  return { isNew: false, hasArrived: is_old === 0, isFirstContact: false }
}

async function addPlaces(
  change: IndexChange,
  folder: number,
  records: readonly Pick<MessageRecord, 'uid' | 'flags'>[],
  added: readonly AddedMessage[],
): Promise<void> {
  const messages = new Map(added.map(message => [message.uid, message]))
  const { account } = change
  const rows = records.map(({ uid, flags }) => {
    const columns = toColumns(flags)
    const { rowid, hasArrived } = messages.get(uid)!
    const flagged = flagColumns.map(name => columns[name])
    return [account, folder, uid, rowid, ...flagged, Number(hasArrived)]
  })
  rows.reverse()
  await insertRows(change.db, 'places', ['account', 'folder', 'uid', 'message', ...flagColumns, 'arrived'], rows)
}

function columnsOf(record: MessageRecord) {
  return {
    subject: storable(record.subject),
    from_json: addressesJson(record.from),
    size: record.sizeBytes,
    has_attachments: Number(record.hasAttachments),
  }
}

const messageColumns = [
  'account',
  'rowid',
  'id',
  'copy',
  'thread',
  'subject',
  'subject_hash',
  'is_bare_reply',
  'is_own',
  'from_json',
  'date',
  'size',
  'has_attachments',
  'envelope',
  'is_old',
  'modseq',
] as const

type NewRow = Pick<MessageRow, Exclude<(typeof messageColumns)[number], 'account'>>

function messageValues(account: number, row: NewRow): unknown[] {
  return messageColumns.map(name => (name === 'account' ? account : row[name]))
}

function searchedOf(record: MessageRecord, rowid: number): TextRow {
  return searchedText({ ...columnsOf(record), rowid }, record, null)
}

type Searched = Pick<MessageRow, 'rowid' | 'subject' | 'from_json'>

export function searchedText(row: Searched, envelope: Envelope, body: string | null): TextRow {
  const people = (all: MessageRecord['from']) => all.map(({ name, email }) => `${name ?? ''} ${email}`).join('\n')
  return {
    rowid: row.rowid,
    subject: row.subject,
    from: storable(people(addressesOf(row.from_json))),
    to: storable(people(envelope.to)),
    cc: storable(people(envelope.cc)),
    bcc: storable(people(envelope.bcc)),
    names: storable(envelope.attachmentNames.join('\n')),
    body: body && storable(body),
  }
}
