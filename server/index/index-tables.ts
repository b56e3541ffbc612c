/** The tables of an account's index, as Kysely sees them. With SQLite each account has a file of its own, and `account` is 1 in all its rows. */
import type { Kysely } from 'kysely'

/** In the thread that asks; on PostgreSQL in the schema `mail_index`. */
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

/** Which account has which number. */
export interface AccountRow {
  number: number
  id: string
}

export interface AccountStateRow {
  account: number
  /** The highest modification number that was given. */
  modseq: number
  /** Changes since a lower one cannot be told: their tombstones are gone, or are those of an index before this one. */
  oldest_modseq: number
  /** The highest number that a fact was given; none is given twice. */
  last_fact: number
  /** The look at all folders that is under way. */
  round: number
  messages: number
  texts: number
  contacts: number
  /** Of which `compared_at` is said. Null before it was noted. */
  compared_mailbox: string | null
}

export interface ContactRow {
  account: number
  /** In small letters. */
  email: string
  /** As the newest message that named one has it. */
  name: string | null
  /** What is completed, each word behind a blank. */
  words: string
  /** Messages that it wrote, and messages of the owner that went to it. */
  wrote: number
  written: number
  /** In milliseconds. */
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
  /** In milliseconds: what the mail server reported until then is in the index. As of the last time that it was noted. */
  compared_at: number | null
}

/** What searches of PostgreSQL read first: see search-beginning.ts. */
export interface SearchBeginning {
  /** Of messages in each bucket of full text, at least about. */
  sizes: ReadonlyMap<number, number>
  /** Row ids of messages without a place, as far as they are few. */
  orphans: readonly number[]
  sums: { messages: number; texts: number; textless: number | null }
}

/** What answers name of a folder. */
export type NamedFolder = Pick<FolderRow, 'id' | 'path' | 'role' | 'selectable' | 'uid_validity' | 'lowest_uid'>

export interface MessageRow {
  account: number
  /** INTERNALDATE in seconds, or the next free number: newer messages have higher ones. */
  rowid: number
  /** 15 bytes, derived: see message-identity.ts. */
  id: Uint8Array
  /** Which of several equal messages of a folder it is, from 0 on; part of the id. */
  copy: number
  thread: number
  subject: string
  /** Hash of the base subject (RFC 5256); null where that is empty. */
  subject_hash: number | null
  /** 1 for an answer that names no other message: the subject alone says what it belongs to. */
  is_bare_reply: number
  /** Names and addresses of senders: see `addressesOf`. */
  from_json: string
  /** INTERNALDATE in milliseconds. */
  date: number
  size: number
  has_attachments: number
  has_link: number
  /** 1 once it was in the inbox, and for what was there before it was followed: in the inbox it is no arrival. */
  is_old: number
  /** The owner of the mailbox wrote it. */
  is_own: number
  /** Null until it is changed: the same as `modseq`. */
  created_modseq: number | null
  modseq: number
  /** The round in which it lost its last place; null while it has one. */
  orphaned_round: number | null
  /** Where the rest of its envelope is: see envelope.ts. */
  envelope: number
  /** Where its text is: see text-blocks.ts. Null until it is indexed. */
  text: number | null
}

/** Texts or envelopes of several messages. */
export interface BlockRow {
  account: number
  number: number
  /** Of what is in it. */
  bytes: number
  /** Compressed by Zstandard. */
  texts: Uint8Array
}

/** A message in a folder. */
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
  /** All other flags, sorted; null where there are none. */
  keywords_json: string | null
  /** 1 where the message was not old when it came. */
  arrived: number
}

export interface ThreadRow {
  account: number
  id: number
  messages: number
}

/** A Message-ID that a message of the thread has or names, as a hash. */
export interface ThreadLinkRow {
  account: number
  hash: number
  /** Null where it has the same number as the thread. */
  thread: number | null
}

/** A message that is gone. */
export interface TombstoneRow {
  account: number
  modseq: number
  id: Uint8Array
  /** Whether it is told depends on whether the caller knew it. */
  created_modseq: number
}

export interface OutgoingRow {
  account: number
  number: number
  type: string
  /** JSON. */
  data: string
}
