/** Creates the tables of the index. They are never migrated: an index of another version is removed and rebuilt. */
import { SqliteAdapter, sql } from 'kysely'
import type { FullTextWriter } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'

/** Version of the index. Increment it with any change to these tables, ids, the conversion of texts, or tokens. */
export const indexVersion = 7

export function isSqlite(db: IndexDatabase): boolean {
  return db.getExecutor().adapter instanceof SqliteAdapter
}

/** Creates all tables, inside a transaction, in a database that has none of them. */
export async function createIndexTables(db: IndexDatabase, fullText: FullTextWriter): Promise<void> {
  const statements = isSqlite(db) ? sqliteTables : postgresTables
  for (const statement of [...statements, ...indexes]) await sql.raw(statement).execute(db)
  await fullText.create(db)
  if (isSqlite(db)) await typicalStatistics(db)
}

/**
 * Stores statistics of a typical mailbox for SQLite's query planner: rows of each index, and rows that share its first
 * column, first two columns, … Without them SQLite takes `account` for selective, though it is equal in all rows, and
 * scans whole indexes: a list of threads took 12 ms instead of 0.14 with 10,000 messages. PostgreSQL collects
 * statistics automatically.
 */
async function typicalStatistics(db: IndexDatabase): Promise<void> {
  await sql`analyze`.execute(db)
  const rows = typical.map(([table, index, counts]) => sql`(${table}, ${index}, ${counts})`)
  await sql`insert into sqlite_stat1 (tbl, idx, stat) values ${sql.join(rows)}`.execute(db)
  // Makes this connection reload the statistics; others read them when they open.
  await sql`analyze sqlite_schema`.execute(db)
}

const typical = [
  ['messages', 'messages', '100000 100000 1'],
  ['messages', 'messages_by_id', '100000 100000 1'],
  ['messages', 'messages_by_modseq', '100000 100000 1'],
  ['messages', 'messages_by_thread', '100000 100000 3'],
  ['messages', 'messages_by_subject', '100000 100000 3 1'],
  ['messages', 'bare_replies', '10000 10000 2 1'],
  ['messages', 'orphans', '10 10 5'],
  ['messages', 'textless', '10000 10000 1'],
  ['places', 'places', '100000 100000 20000 1'],
  ['places', 'places_by_date', '100000 100000 20000 1'],
  ['places', 'places_by_message', '100000 100000 1 1'],
  ['places', 'places_marked', '10000 10000 1'],
  ['places', 'places_unread', '10000 10000 1'],
  ['threads', 'threads', '40000 40000 1'],
  ['thread_links', 'thread_links', '100000 100000 1'],
  ['thread_links', 'links_by_thread', '100000 100000 3'],
  ['contacts', 'contacts', '20000 20000 1'],
  ['tombstones', 'tombstones', '10000 10000 1'],
  ['tombstones', 'tombstones_by_id', '10000 10000 1'],
]

/**
 * Inserts the initial state of an account. Modification numbers start at the current time, above those of any earlier
 * index, so that a caller that asks for changes since one of those has to read the list again.
 */
export async function beginAccount(db: IndexDatabase, account: number, now: number): Promise<void> {
  const counts = { last_fact: 0, round: 1, messages: 0, texts: 0, contacts: 0 }
  await db
    .insertInto('account_state')
    .values({ account, modseq: now, oldest_modseq: now, ...counts })
    .execute()
}

interface Types {
  int: string
  /** Ids of an account's folders, which are few. */
  folder: string
  /** A boolean. */
  flag: string
  blob: string
  /** Suffix that makes a table a single B-tree ordered by its primary key. */
  clustered: string
  /** A generated number that is never reused: a thread may still know that of a removed account. */
  numbered: string
  messageKey: string
  placeKey: string
  blockKey: [number: string, table: string]
}

const tables = ({ int, folder, flag, blob, clustered, numbered, messageKey, placeKey, blockKey }: Types) => [
  `create table accounts (number ${numbered}, id text not null unique)`,
  `create table account_state (account integer primary key, modseq ${int} not null, oldest_modseq ${int} not null,
    last_fact ${int} not null, round ${int} not null, messages ${int} not null, texts ${int} not null,
    contacts ${int} not null, compared_mailbox text)`,
  `create table folders (account integer not null, id ${folder} not null, path text not null, role text,
    selectable ${flag} not null, mailbox_id text, uid_validity ${int} not null, uid_next ${int} not null,
    highest_modseq text, server_total ${int} not null, lowest_uid ${int}, lowest_text_uid ${int},
    total ${int} not null, unread ${int} not null, compared_at ${int}, primary key (account, id), unique (account, path))`,
  `create table messages (rowid ${int} not null, account integer not null, id ${blob} not null, copy integer not null,
    thread ${int} not null, subject text not null, subject_hash ${int}, is_bare_reply ${flag} not null,
    from_json text not null, date ${int} not null, size ${int} not null, has_attachments ${flag} not null,
    has_link ${flag} not null default 0, is_old ${flag} not null, is_own ${flag} not null default 0,
    created_modseq ${int}, modseq ${int} not null, orphaned_round ${int}, envelope ${int} not null,
    text ${int}${messageKey}) ${clustered}`,
  ...['text_blocks', 'envelope_blocks'].map(
    name => `create table ${name} (account integer not null, number ${blockKey[0]}, bytes integer not null,
    texts ${blob} not null${blockKey[1]})`,
  ),
  `create table places (account integer not null, folder ${folder} not null, uid ${int} not null, message ${int} not null,
    seen ${flag} not null, flagged ${flag} not null, answered ${flag} not null, draft ${flag} not null,
    deleted ${flag} not null, keywords_json text, arrived ${flag} not null${placeKey}) ${clustered}`,
  `create table threads (account integer not null, id ${int} not null, messages ${int} not null,
    primary key (account, id)) ${clustered}`,
  `create table thread_links (account integer not null, hash ${int} not null, thread ${int},
    primary key (account, hash)) ${clustered}`,
  `create table tombstones (account integer not null, modseq ${int} not null, id ${blob} not null,
    created_modseq ${int} not null, primary key (account, modseq)) ${clustered}`,
  `create table contacts (account integer not null, email text not null, name text, words text not null,
    wrote ${int} not null, written ${int} not null, last_wrote ${int}, last_written ${int},
    primary key (account, email)) ${clustered}`,
  `create table outgoing (account integer not null, number ${int} not null, type text not null, data text not null,
    primary key (account, number)) ${clustered}`,
]

/**
 * Indexes by date or UID are descending: mail is indexed newest first, and a B-tree that grows at its lower end splits
 * pages and leaves them half empty, while pages at its upper end are filled.
 */
const indexes = [
  // Indexes a prefix only: candidates are compared anyway, and all 15 bytes would be stored twice.
  'create index messages_by_id on messages (account, substr(id, 1, 4))',
  'create unique index messages_by_modseq on messages (account, modseq)',
  'create index messages_by_subject on messages (account, subject_hash, date) where subject_hash is not null',
  'create index bare_replies on messages (account, subject_hash, date) where is_bare_reply = 1',
  'create index orphans on messages (account, orphaned_round) where orphaned_round is not null',
  'create index textless on messages (account, rowid desc) where text is null and orphaned_round is null',
  // By the message's rowid, which orders by date.
  'create index places_by_date on places (account, folder, message desc)',
  'create index places_by_message on places (account, message desc, folder)',
  // Partial indexes on uncommon flags, for searches: see search-marks.ts.
  `create index places_marked on places (account, message desc)
    where flagged = 1 or answered = 1 or draft = 1 or keywords_json is not null`,
  'create index places_unread on places (account, message desc) where seen = 0',
  'create index links_by_thread on thread_links (account, thread) where thread is not null',
  'create unique index tombstones_by_id on tombstones (account, id)',
]

const sqliteTables = [
  ...tables({
    int: 'integer',
    folder: 'integer',
    flag: 'integer',
    blob: 'blob',
    clustered: 'without rowid',
    numbered: 'integer primary key',
    messageKey: ', primary key (account, rowid desc)',
    placeKey: ', primary key (account, folder, uid desc)',
    blockKey: ['integer primary key', ''],
  }),
  // SQLite appends the row id to each index.
  'create index messages_by_thread on messages (account, thread)',
]

const postgresTables = [
  ...tables({
    int: 'bigint',
    folder: 'integer',
    flag: 'smallint',
    blob: 'bytea',
    clustered: '',
    numbered: 'integer generated by default as identity primary key',
    messageKey: '',
    placeKey: '',
    blockKey: ['bigint not null', ', primary key (account, number)'],
  }),
  'create unique index messages_key on messages (account, rowid desc)',
  'create unique index places_key on places (account, folder, uid desc)',
  'create index messages_by_thread on messages (account, thread, rowid)',
  // Their content is compressed already.
  'alter table text_blocks alter column texts set storage external',
  'alter table envelope_blocks alter column texts set storage external',
  // The newest blocks are rewritten with each new message.
  ...['text_blocks', 'envelope_blocks'].map(
    table => `alter table ${table} set (toast.autovacuum_vacuum_scale_factor = 0.05)`,
  ),
]
