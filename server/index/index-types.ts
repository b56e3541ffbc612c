/** What goes into the index of an account and what comes out of it: plain data, passed between threads. */
import type { Address, MessageFault } from '../../contract/mail.ts'

/** One range of UIDs, both ends included. */
export type UidSpan = readonly [first: number, last: number]

/** A folder as the mail server lists it. */
export interface ServerFolder {
  path: string
  role: string | null
  isSelectable: boolean
  /** MAILBOXID (RFC 8474): a folder that was renamed keeps it. Null where the server has none. */
  mailboxId: string | null
}

/** One of the whole list that `applyFolders` takes. */
export interface ListedFolder extends ServerFolder {
  /** By LIST-STATUS, where it was asked: without MAILBOXID a folder of another name is recognised by all three. */
  status?: { uidValidity: number; uidNext: number; total: number } | null
}

/** A folder as the index knows it. */
export interface IndexedFolder extends ServerFolder {
  /** 0 until it was opened once. */
  uidValidity: number
  uidNext: number
  /** As a decimal; null where the server keeps none. */
  highestModseq: string | null
  /** Places in the index, and those without `\Seen`. */
  total: number
  unread: number
  /** Messages on the server when it was last read. */
  serverTotal: number
  /** Every message with this UID or a higher one is in the index; 1 when all are, null before the first. */
  lowestUid: number | null
  /** The same for texts. */
  lowestTextUid: number | null
}

/** What the index needs of one message; the lists of addresses hold at most 100 each. */
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
  /** As the server writes them: `\Seen`, `$Forwarded`. */
  flags: string[]
  sizeBytes: number
  hasAttachments: boolean
  attachmentNames: string[]
  faults: MessageFault[]
}

/** Where a message is now of which it is known which one it is. */
export interface PlacedRecord {
  uid: number
  /** Of the message. */
  id: string
  /** As the mail server says them of this place. */
  flags: string[]
}

/** The text parts of one message as they were fetched, each cut at a bound. */
export interface TextRecord {
  uid: number
  /** In the order in which they are read: of alternatives the plain text alone. */
  parts: TextPart[]
}

export interface TextPart {
  type: string
  charset: string | null
  /** RFC 3676. */
  isFlowed?: boolean
  deletesSpace?: boolean
  encoding: string
  bytes: Uint8Array
}

/** What one look at a folder found; applied in one transaction. */
export interface FolderBatch {
  path: string
  /** Another than the index has: all places of the folder go first. */
  uidValidity: number
  added?: MessageRecord[]
  /** Messages that the index has, and that are known to be there now. A batch with them has no `added`. */
  placed?: PlacedRecord[]
  texts?: TextRecord[]
  /** In which the bytes of all texts lie, and nothing else: handed over to the thread that writes, and empty afterwards. */
  memory?: ArrayBuffer[]
  changed?: { uid: number; flags: string[] }[]
  vanished?: UidSpan[]
  /** How far the folder is read now. What is left out stays as it is, and so does all of it where not all of `placed` were. */
  position?: Partial<Pick<IndexedFolder, 'uidNext' | 'highestModseq' | 'serverTotal' | 'lowestUid' | 'lowestTextUid'>>
  /** Whether messages that the index never held are announced as new. Not in a first sync. */
  announces: boolean
  /** The answer does not say which were added: in a first sync nobody asks. */
  isSilent?: boolean
  /** Addresses of the owner of the mailbox: what comes from them, or lies in the folder of sent mail, is theirs. */
  own?: readonly string[]
}

/** What was asked to be done to messages of a folder, and is shown before the mail server has done it. */
export interface ExpectedBatch {
  path: string
  uidValidity: number
  /** These leave it. */
  leaving: number[]
  /** In their order. */
  flags: { uids: number[]; add: string[]; remove: string[] }[]
}

/** Ids of the messages that a batch concerned. */
export interface AppliedBatch {
  /**
   * In the order of UIDs, of all that were added. `isNew` is false where the message was known before this batch; `hasArrived` is false where
   * it was in the inbox before, or was there before the account was followed: then it was moved. The same batch again says the same.
   * `isFirstContact`: the sender is in no message that the index held before; while it is not complete, that says little.
   */
  added: {
    uid: number
    id: string
    threadId: string
    isNew: boolean
    hasArrived: boolean
    isFirstContact: boolean
  }[]
  /** UIDs of `placed` that could not be: what is there has to be read. */
  unplaced: number[]
  /** Places whose flags are others now, and places that are gone. */
  changed: number
  removed: number
  modseq: number
}

/** What became of the folders. Messages of those that are gone are orphans. */
export interface AppliedFolders {
  created: string[]
  renamed: { from: string; to: string }[]
  gone: string[]
}

export interface SettledOrphans {
  /** Messages that are in no folder any more. */
  removed: number
  /** The round that is under way now. */
  round: number
}

/** Where a message is. */
export interface IndexedPlace {
  path: string
  uidValidity: number
  uid: number
  flags: string[]
}

/** Where a message is, and what recognises it in another folder. */
export interface LocatedMessage {
  id: string
  /** Null also where it was not asked for. */
  messageId: string | null
  sizeBytes: number
  /** INTERNALDATE, ISO 8601 with milliseconds. */
  date: string
  /** In the order of folders. */
  places: Omit<IndexedPlace, 'flags'>[]
}

/** Where messages are, in the order in which they were named. */
export interface PackedPlaces {
  folders: { path: string; uidValidity: number }[]
  /** 1 for each that there is. */
  there: Uint8Array
  /** The first folder of each, by its place in `folders`; -1 for one without a folder. */
  folder: Int32Array
  uid: Uint32Array
  /** What recognises each in another folder, where it was asked for; INTERNALDATE in milliseconds. */
  recognised?: { messageIds: (string | null)[]; sizes: Float64Array; dates: Float64Array }
}

/** One message as lists show it. */
export interface IndexedMessage
  extends Omit<MessageRecord, 'uid' | 'emailId' | 'references' | 'flags' | 'attachmentNames'> {
  id: string
  threadId: string
  /** How the text begins; null until it is indexed. */
  preview: string | null
  places: IndexedPlace[]
}

export interface IndexedPage {
  messages: IndexedMessage[]
  folder: IndexedFolder
  /** Whether the index holds older ones. */
  hasMore: boolean
}

/**
 * A message that is told twice, in two pages, changed meanwhile; one of `destroyed` may never have been told. Neither a folder's new
 * name nor a text that is indexed changes a message.
 */
export interface IndexedChanges {
  created: string[]
  updated: string[]
  destroyed: string[]
  /** Where the next call begins: `from` with the same `since` where there is more, else `since`. */
  modseq: number
  hasMore: boolean
}

/** A conversation as lists show it. */
export interface IndexedThread {
  id: string
  messageCount: number
  unreadCount: number
  /** In the folder, where the list is one of a folder. */
  newest: IndexedMessage
}

/** Where a page of threads ended, and how the account stood at the first one. */
export interface ThreadCursor {
  /** Row of the message by which the last thread was listed. */
  below: number
  modseq: number
  /** The highest UID of the folder; null where the list is of all folders. */
  lastUid: number | null
}

export interface ThreadPage {
  threads: IndexedThread[]
  /** Null after the last one. */
  nextCursor: ThreadCursor | null
}

/** A UID in the index with its flags, to be compared with those of the server. */
export interface PlaceFlags {
  uid: number
  flags: string[]
  hasText: boolean
}

/** Somebody who wrote, or was written to; dates in milliseconds. */
export interface IndexedContact {
  email: string
  name: string | null
  wrote: number
  writtenTo: number
  lastWrote: number | null
  lastWrittenTo: number | null
}

/** What an account's index takes. */
export interface IndexFigures {
  messages: number
  texts: number
  threads: number
  bytes: number
  /** The newest change. */
  modseq: number
}

/** Of `mail_changed`: what a message looks like in the folder now. */
export interface MessageNews {
  id: string
  thread_id: string
  uid: number
  /** Null where it left the folder. */
  flags: string[] | null
  from: Address[]
  subject: string
  size_bytes: number
}

/** Data of the facts. Those of many messages come in several, of 50 messages each. */
export interface FactData {
  /** Other flags, or a message that was known before came or went. Those that are announced as received are not in it. */
  mail_changed: { path: string; messages: MessageNews[] }
  /** In no folder any more. */
  mail_removed: { messages: { id: string; thread_id: string }[] }
  folder_changed: {
    path: string
    /** `cleared`: another UIDVALIDITY, so that all that was in it is gone before the rest of this fact. */
    event: 'created' | 'renamed' | 'gone' | 'cleared' | 'changed'
    /** Only where it was renamed. */
    old_path?: string
    added: number
    changed: number
    removed: number
    total: number
    unread: number
    modseq: number
    /** Threads that became part of others. */
    merged?: { from: string; into: string }[]
  }
}

/** A fact of the index's transaction that is not in the event log yet. */
export type OutgoingFact = {
  [Type in keyof FactData]: { number: number; type: Type; data: FactData[Type] }
}[keyof FactData]
