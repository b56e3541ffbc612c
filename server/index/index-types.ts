/** Data types of an account's index, its inputs and its results: plain data that can be passed between threads. */
import type { Address, MessageFault } from '../../contract/mail.ts'

/** One range of UIDs, both ends included. */
export type UidSpan = readonly [first: number, last: number]

/** A folder as the mail server lists it. */
export interface ServerFolder {
  path: string
  role: string | null
  isSelectable: boolean
  /** MAILBOXID (RFC 8474), which survives a rename; null where the server does not support it. */
  mailboxId: string | null
}

/** One folder of the complete list that `applyFolders` takes. */
export interface ListedFolder extends ServerFolder {
  /** LIST-STATUS, where it was requested: these three values recognise a renamed folder without MAILBOXID. */
  status?: { uidValidity: number; uidNext: number; total: number } | null
}

/** A folder as stored in the index. */
export interface IndexedFolder extends ServerFolder {
  /** 0 until the folder has been opened for the first time. */
  uidValidity: number
  uidNext: number
  /** HIGHESTMODSEQ in decimal; null where the server keeps none. */
  highestModseq: string | null
  /** Number of places in the index; `unread` counts those without `\Seen`. */
  total: number
  unread: number
  /** Number of messages that the server reported when the folder was last read. */
  serverTotal: number
  /** Every message with this UID or a higher one is in the index: 1 once all are, null before the first. */
  lowestUid: number | null
  /** The same low mark for message texts. */
  lowestTextUid: number | null
}

/** The metadata of one message that the index stores; each address list holds at most 100 entries. */
export interface MessageRecord {
  uid: number
  /** EMAILID or X-GM-MSGID; null where the server has neither. */
  emailId: string | null
  messageId: string | null
  inReplyTo: string | null
  references: string[]
  subject: string
  from: Address[]
  to: Address[]
  cc: Address[]
  bcc: Address[]
  fromCount: number
  toCount: number
  /** INTERNALDATE, ISO 8601 with milliseconds. */
  date: string
  /** Flags and keywords in the server's spelling: `\Seen`, `$Forwarded`. */
  flags: string[]
  sizeBytes: number
  hasAttachments: boolean
  attachmentNames: string[]
  faults: MessageFault[]
}

/** The place of a message that is already identified, so that its headers need not be read. */
export interface PlacedRecord {
  uid: number
  /** The message's id in the index. */
  id: string
  /** Flags at this place, as reported by the mail server. */
  flags: string[]
}

/** The text parts of one message as fetched, each truncated at a size limit. */
export interface TextRecord {
  uid: number
  /** In reading order; of multipart/alternative only the plain text. */
  parts: TextPart[]
}

export interface TextPart {
  type: string
  charset: string | null
  /** `format=flowed`, and `deletesSpace` its `delsp=yes` (RFC 3676). */
  isFlowed?: boolean
  deletesSpace?: boolean
  encoding: string
  bytes: Uint8Array
}

/** The result of one look at a folder, applied in one transaction. */
export interface FolderBatch {
  path: string
  /** If it differs from the stored UIDVALIDITY, all places of the folder are removed first. */
  uidValidity: number
  added?: MessageRecord[]
  /** Messages that the index holds and that are now known to be here. A batch with them has no `added`. */
  placed?: PlacedRecord[]
  texts?: TextRecord[]
  /** Buffers that hold the bytes of all texts and nothing else: transferred to the writing thread, and empty afterwards. */
  memory?: ArrayBuffer[]
  changed?: { uid: number; flags: string[] }[]
  vanished?: UidSpan[]
  /** How far the folder has been read. Omitted fields are unchanged; all are if any of `placed` could not be placed. */
  position?: Partial<Pick<IndexedFolder, 'uidNext' | 'highestModseq' | 'serverTotal' | 'lowestUid' | 'lowestTextUid'>>
  /** Whether messages that the index never held are announced as new; false in a first sync. */
  announces: boolean
  /** Leaves `AppliedBatch.added` empty, since a first sync does not use it. */
  isSilent?: boolean
  /** Addresses of the mailbox owner: mail from them, or in the Sent folder, counts as written by the owner. */
  own?: readonly string[]
}

/** Requested changes to messages of a folder that are shown before the mail server has made them. */
export interface ExpectedBatch {
  path: string
  uidValidity: number
  /** UIDs of messages that leave the folder. */
  leaving: number[]
  /** Changes of flags, applied in this order. */
  flags: { uids: number[]; add: string[]; remove: string[] }[]
}

/** The result of applying a batch: the ids of its messages and counts of what changed. */
export interface AppliedBatch {
  /**
   * All added messages, by UID. `isNew`: unknown before this batch. `hasArrived`: never in the inbox before, nor older
   * than the following of the account, so not just moved; the same if the batch is applied again.
   * `isFirstContact`: the index held no message of this sender, which means little while it is incomplete.
   */
  added: {
    uid: number
    id: string
    threadId: string
    isNew: boolean
    hasArrived: boolean
    isFirstContact: boolean
  }[]
  /** UIDs from `placed` that could not be placed: their messages have to be read from the mail server. */
  unplaced: number[]
  /** Number of places whose flags changed; `removed` counts places that are gone. */
  changed: number
  removed: number
  modseq: number
}

/** What `applyFolders` changed. Messages of folders that are gone become orphans. */
export interface AppliedFolders {
  created: string[]
  renamed: { from: string; to: string }[]
  gone: string[]
}

export interface SettledOrphans {
  /** Number of messages that were in no folder any more. */
  removed: number
  /** Number of the round now in progress. */
  round: number
}

/** A message's place in a folder, with its flags there. */
export interface IndexedPlace {
  path: string
  uidValidity: number
  uid: number
  flags: string[]
}

/** A message's places, and the properties by which it is recognised in another folder. */
export interface LocatedMessage {
  id: string
  /** Message-ID; null also where it was not requested. */
  messageId: string | null
  sizeBytes: number
  /** INTERNALDATE, ISO 8601 with milliseconds. */
  date: string
  /** Ordered by folder. */
  places: Omit<IndexedPlace, 'flags'>[]
}

/** The places of many messages in typed arrays, in the order of the ids that were requested. */
export interface PackedPlaces {
  folders: { path: string; uidValidity: number }[]
  /** 1 for each message that exists, else 0. */
  there: Uint8Array
  /** Index into `folders` of each message's first folder; -1 for one without a folder. */
  folder: Int32Array
  uid: Uint32Array
}

/** The properties by which many messages are recognised in another folder, in the order of the requested ids. */
export interface PackedIdentities {
  /** 1 for each message that exists, else 0. */
  there: Uint8Array
  messageIds: (string | null)[]
  /** Bytes. */
  sizes: Float64Array
  /** INTERNALDATE in milliseconds. */
  dates: Float64Array
}

/** One message as shown in lists. */
export interface IndexedMessage
  extends Omit<MessageRecord, 'uid' | 'emailId' | 'references' | 'flags' | 'attachmentNames'> {
  id: string
  threadId: string
  /** The beginning of the text; null until the text is indexed. */
  preview: string | null
  places: IndexedPlace[]
}

export interface IndexedPage {
  messages: IndexedMessage[]
  folder: IndexedFolder
  /** Whether the index holds older messages of the folder. */
  hasMore: boolean
}

/**
 * One page of message ids changed since a modseq. A message reported on two pages changed in between; a `destroyed` one
 * may never have been reported. Neither renaming a folder nor indexing a text counts as a change of a message.
 */
export interface IndexedChanges {
  created: string[]
  updated: string[]
  destroyed: string[]
  /** Where the next call begins: its `from` (with the same `since`) if `hasMore`, else its `since`. */
  modseq: number
  hasMore: boolean
}

/** A conversation as shown in lists. */
export interface IndexedThread {
  id: string
  messageCount: number
  unreadCount: number
  /** Its newest message; in a folder's list, the newest one in that folder. */
  newest: IndexedMessage
}

/** Where a page of threads ended, and the state of the account at the first page. */
export interface ThreadCursor {
  /** Row of the message that gave the last listed thread its position. */
  below: number
  modseq: number
  /** The folder's highest UID; null if the list covers all folders. */
  lastUid: number | null
}

export interface ThreadPage {
  threads: IndexedThread[]
  /** Null on the last page. */
  nextCursor: ThreadCursor | null
}

/** A correspondent: how many messages they wrote and received, with the last dates in milliseconds. */
export interface IndexedContact {
  email: string
  name: string | null
  wrote: number
  writtenTo: number
  lastWrote: number | null
  lastWrittenTo: number | null
}

/** Size figures of an account's index. */
export interface IndexFigures {
  messages: number
  texts: number
  threads: number
  bytes: number
  /** Modseq of the newest change. */
  modseq: number
}

/** A message in a `mail_changed` fact, as it is in the folder now. */
export interface MessageNews {
  id: string
  thread_id: string
  uid: number
  /** Null if the message left the folder. */
  flags: string[] | null
  from: Address[]
  subject: string
  size_bytes: number
}

/** Data of each type of fact. Changes of many messages are split into facts of 50 messages each. */
export interface FactData {
  /** Flags changed, or a known message entered or left the folder. Messages announced as received are not included. */
  mail_changed: { path: string; messages: MessageNews[] }
  /** Messages that are in no folder any more. */
  mail_removed: { messages: { id: string; thread_id: string }[] }
  folder_changed: {
    path: string
    /** `cleared`: UIDVALIDITY changed, so all previous content is gone before the rest of this fact applies. */
    event: 'created' | 'renamed' | 'gone' | 'cleared' | 'changed'
    /** Set only for `renamed`. */
    old_path?: string
    added: number
    changed: number
    removed: number
    total: number
    unread: number
    modseq: number
    /** Threads that were merged into others. */
    merged?: { from: string; into: string }[]
  }
}

/** A fact from an index transaction that has not been appended to the event log yet. */
export type OutgoingFact = {
  [Type in keyof FactData]: { number: number; type: Type; data: FactData[Type] }
}[keyof FactData]
