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

/** The text parts of one message as they were fetched, each cut at a bound. */
export interface TextRecord {
  uid: number
  parts: { type: string; charset: string | null; encoding: string; bytes: Uint8Array }[]
}

/** What one look at a folder found; applied in one transaction. */
export interface FolderBatch {
  path: string
  /** Another than the index has: all places of the folder go first. */
  uidValidity: number
  added?: MessageRecord[]
  texts?: TextRecord[]
  changed?: { uid: number; flags: string[] }[]
  vanished?: UidSpan[]
  /** How far the folder is read now. What is left out stays as it is. */
  position?: Partial<
    Pick<IndexedFolder, 'uidNext' | 'highestModseq' | 'serverTotal' | 'lowestUid' | 'lowestTextUid'>
  >
  /** Whether messages that the index never held are announced as new. Not in a first sync. */
  announces: boolean
}

/** Ids of the messages that a batch concerned. */
export interface AppliedBatch {
  /** By UID, of all that were added. `isNew` is false where the message was known from another folder. */
  added: { uid: number; id: string; threadId: string; isNew: boolean }[]
  changed: number
  removed: number
  modseq: number
}

/** Where a message is. */
export interface IndexedPlace {
  path: string
  uidValidity: number
  uid: number
  flags: string[]
}

/** One message as lists show it. */
export interface IndexedMessage {
  id: string
  threadId: string
  messageId: string | null
  inReplyTo: string | null
  subject: string
  from: Address[]
  to: Address[]
  cc: Address[]
  bcc: Address[]
  fromCount: number
  toCount: number
  date: string
  sizeBytes: number
  hasAttachments: boolean
  faults: MessageFault[]
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

export interface IndexedChanges {
  created: string[]
  updated: string[]
  destroyed: string[]
  /** Where the next call begins. */
  modseq: number
  hasMore: boolean
}

/** What an account's index takes. */
export interface IndexFigures {
  messages: number
  texts: number
  threads: number
  bytes: number
}

/** A fact of the index's transaction that is not in the event log yet. */
export interface OutgoingFact {
  number: number
  type: 'mail_changed' | 'mail_removed' | 'folder_changed'
  data: Record<string, unknown>
}
