/**
 * Kysely types of the index's tables. With SQLite each account has its own file, and `account` is 1 in all its rows.
 */
import type { Kysely } from 'kysely'

/** An index database, as opened in the current thread; on PostgreSQL the schema `mail_index`. */
export type IndexDatabase = Kysely<IndexTables>

export interface IndexTables {
  accounts: AccountRow
  account_state: AccountStateRow
  folders: FolderRow
  messages: MessageRow
  text_blocks: BlockRow
  envelope_blocks: BlockRow
  places: PlaceRow
  threads: ThreadRow
  thread_links: ThreadLinkRow
  tombstones: TombstoneRow
  outgoing: OutgoingRow
  contacts: ContactRow
}

/** The number of an account in this database. */
export interface AccountRow {
  number: number
  id: string
}

export interface AccountStateRow {
  account: number
  /** The highest modification number assigned. */
  modseq: number
  /** Changes since a lower modseq cannot be calculated: tombstones were removed, or it is from an earlier index. */
  oldest_modseq: number
  /** The highest number assigned to a fact; numbers are never reused. */
  last_fact: number
  /** Number of the round of looks at all folders that is in progress. */
  round: number
  messages: number
  texts: number
  contacts: number
  /** The mailbox to which the folders' `compared_at` refers; null before one was stored. */
  compared_mailbox: string | null
}

export interface ContactRow {
  account: number
  /** Lower case. */
  email: string
  /** The name in the newest message that has one. */
  name: string | null
  /** Words for prefix search, each preceded by a blank. */
  words: string
  /** Number of messages from this contact; `written` counts the owner's messages to it. */
  wrote: number
  written: number
  /** Dates of the last message from and to this contact, in milliseconds. */
  last_wrote: number | null
  last_written: number | null
}

export interface FolderRow {
  account: number
  id: number
  path: string
  role: string | null
  selectable: number
  mailbox_id: string | null
  uid_validity: number
  uid_next: number
  highest_modseq: string | null
  server_total: number
  lowest_uid: number | null
  lowest_text_uid: number | null
  total: number
  unread: number
  /** Time of the last stored comparison, in milliseconds: all that the mail server reported until then is indexed. */
  compared_at: number | null
}

/** Data that a search on PostgreSQL reads first: see search-beginning.ts. */
export interface SearchBeginning {
  /** Approximate number of messages in each full-text bucket. */
  sizes: ReadonlyMap<number, number>
  /** Row ids of messages without a place, up to a limit. */
  orphans: readonly number[]
  sums: { messages: number; texts: number; textless: number | null }
}

/** Columns of a folder that answers use. */
export type NamedFolder = Pick<FolderRow, 'id' | 'path' | 'role' | 'selectable' | 'uid_validity' | 'lowest_uid'>

export interface MessageRow {
  account: number
  /** INTERNALDATE in seconds, or the next free number, so that newer messages have higher ones. */
  rowid: number
  /** 15 bytes, derived from the message's identity: see message-identity.ts. */
  id: Uint8Array
  /** Distinguishes identical messages of a folder, from 0 up; part of the id. */
  copy: number
  thread: number
  subject: string
  /** Hash of the base subject (RFC 5256); null if that is empty. */
  subject_hash: number | null
  /** 1 for a reply without In-Reply-To and References, which is threaded by its subject only. */
  is_bare_reply: number
  /** Names and addresses of senders: see `addressesOf`. */
  from_json: string
  /** INTERNALDATE in milliseconds. */
  date: number
  size: number
  has_attachments: number
  has_link: number
  /**
   * 1 once it was in the inbox, or if it existed before its folder was followed: entering the inbox is then no arrival.
   */
  is_old: number
  /** 1 if the owner of the mailbox wrote it. */
  is_own: number
  /** The `modseq` of its creation; null until the message changes, while both are equal. */
  created_modseq: number | null
  modseq: number
  /** The round in which it lost its last place; null while it has one. */
  orphaned_round: number | null
  /** Place of the rest of its envelope in a block: see envelope.ts. */
  envelope: number
  /** Place of its text in a block: see text-blocks.ts. Null until the text is indexed. */
  text: number | null
}

/** A block of texts or envelopes of several messages. */
export interface BlockRow {
  account: number
  number: number
  /** Uncompressed size. */
  bytes: number
  /** Content, compressed with Zstandard. */
  texts: Uint8Array
}

/** A place: a message in a folder. */
export interface PlaceRow {
  account: number
  folder: number
  uid: number
  /** `rowid` of the message. */
  message: number
  seen: number
  flagged: number
  answered: number
  draft: number
  deleted: number
  /** All other flags, sorted; null if there are none. */
  keywords_json: string | null
  /** 1 if the message was not `is_old` when it was added. */
  arrived: number
}

export interface ThreadRow {
  account: number
  id: number
  messages: number
}

/** Hash of a Message-ID that a message of the thread has or refers to. */
export interface ThreadLinkRow {
  account: number
  hash: number
  /** Null if the thread's id equals the hash. */
  thread: number | null
}

/** A message that was removed. */
export interface TombstoneRow {
  account: number
  modseq: number
  id: Uint8Array
  /** Its removal is reported only to callers that may have seen its creation. */
  created_modseq: number
}

export interface OutgoingRow {
  account: number
  number: number
  type: string
  /** Data of the fact as JSON. */
  data: string
}
