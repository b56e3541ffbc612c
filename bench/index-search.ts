/**
 * An account's index filled and searched through its own store, on SQLite and PostgreSQL: its size on disk beside the
 * text, the CPU time per message, and the time of searches for common words, prefixes and rare words.
 * RUSTYMAIL_BENCH_MESSAGES for fewer, RUSTYMAIL_BENCH_DATABASE for one of the two.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { BlockCache } from '../server/index/block-cache.ts'
import type { FullText } from '../server/index/full-text.ts'
import { PostgresFullText } from '../server/index/fulltext-postgres.ts'
import { SqliteFullText } from '../server/index/fulltext-sqlite.ts'
import { createIndexTables, isSqlite } from '../server/index/index-schema.ts'
import { IndexStore } from '../server/index/index-store.ts'
import type { IndexDatabase, IndexTables } from '../server/index/index-tables.ts'
import type { MessageRecord, TextRecord } from '../server/index/index-types.ts'
import { TightIndexes } from '../server/index/postgres-indexes.ts'
import { parseSearch } from '../server/index/search-language.ts'
import { SearchStore } from '../server/index/search-store.ts'
import { textOfParts } from '../server/index/text-of-parts.ts'
import { postgresDialect } from '../server/platform/database/postgres-dialect.ts'
import { sqliteDialect } from '../server/platform/database/sqlite-dialect.ts'
import { startPostgres } from '../test/support/postgres-setup.ts'
import { type CorpusMessage, corpus } from './index-corpus.ts'
import { round } from './measure.ts'

const messages = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100_000)
const [batch, repeats, schema] = [messages > 200_000 ? 200 : 25, 5, 'mail_index']
/** The commonest words and prefixes, phrases, rare words, absent ones, and all operators beside words. */
const queries =
  'the|and of|t*|th*|co*|comp*|"of the"|subject:the|from:a*|会議|请查收附件|the -and|the OR order|zebrafish|qqq*|example|"best regards"|' +
  'the has:attachment|the is:flagged|the in:Archive|after:2015-01-01 before:2015-02-01 the|"regards an"*'

export async function indexSearch(): Promise<Record<string, unknown> & { variant: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const server = await startPostgres()
  try {
    const file = new Kysely<IndexTables>({ dialect: sqliteDialect(join(dir, 'index.db')) })
    const shared = new Kysely<IndexTables>({ dialect: postgresDialect(server.url, { schema, max: 2 }) })
    await sql`create schema ${sql.id(schema)}`.execute(shared)
    // A million messages take long: then one database, with short mail.
    const isLarge = messages > 200_000
    const isWanted = (name: string) => (process.env.RUSTYMAIL_BENCH_DATABASE ?? name) === name
    return {
      variant: String(messages),
      what:
        `${messages} messages at the store, in the thread that asks; ms of ${repeats - 1} rounds of all searches, and of the fastest round of ` +
        'each search, to which other work on the machine adds least; then ms of processor of the thread that asks, of PostgreSQL none',
      load_before: load(),
      mail: isLarge ? 'short' : 'usual',
      ...(isWanted('sqlite') && { sqlite: await measure(file, new SqliteFullText(), sqliteBytes) }),
      ...(!isLarge &&
        isWanted('postgres') && { postgres: await measure(shared, new PostgresFullText(), postgresBytes) }),
      load_after: load(),
    }
  } finally {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const load = () => loadavg().map(each => round(each))

type Bytes = (db: IndexDatabase) => Promise<{ fullText: number; all: number }>

async function measure(db: IndexDatabase, fullText: FullText, bytes: Bytes): Promise<object> {
  await db.transaction().execute(async transaction => {
    await createIndexTables(transaction, fullText)
  })
  await db.insertInto('accounts').values({ number: 1, id: 'bench' }).execute()
  const none = { modseq: 0, oldest_modseq: 0, last_fact: 0, round: 0, messages: 0, texts: 0, contacts: 0 }
  await db
    .insertInto('account_state')
    .values({ account: 1, ...none })
    .execute()
  const indexes = new TightIndexes()
  const index = new IndexStore({
    db,
    account: 1,
    accountId: 'bench',
    fullText,
    readText: textOfParts,
    bytes: async () => 0,
    ...(!isSqlite(db) && { tighten: () => indexes.tighten(db) }),
  })
  const folder = (path: string) => ({ path, role: null, isSelectable: true, mailboxId: null })
  await index.applyFolders([folder('INBOX'), folder('Archive')], 1)
  const began = performance.now()
  const filled = await fill(index)
  while (await index.tidy());
  const seconds = (performance.now() - began) / 1000
  const size = await bytes(db)
  // With a block cache, as the searching thread has one.
  const blocks = { accountId: 'bench', cache: new BlockCache() }
  const store = new SearchStore({ db, account: 1, blocks }, fullText)
  const searches = await search(store)
  const lists = await list(index)
  await db.destroy()
  return {
    seconds: round(seconds),
    processor_us_a_message: round(filled.cpuUs),
    longest_batch_ms: round(filled.longest),
    text_bytes_a_message: round(filled.text / messages),
    full_text_of_text: round(size.fullText / filled.text),
    all_of_text: round(size.all / filled.text),
    ...searches,
    lists,
  }
}

function spread(bySearch: ReadonlyMap<string, number>): object {
  const sorted = [...bySearch].sort(([, one], [, other]) => other - one)
  const all = sorted.map(([, figure]) => figure)
  const highest = Object.fromEntries(sorted.slice(0, 4).map(([query, figure]) => [query, round(figure)]))
  return { p50: percentile(all, 0.5), p95: percentile(all, 0.95), highest }
}

/** Lists pages of 50: the newest, and some from the middle. */
async function list(index: IndexStore): Promise<object> {
  const middle = Math.floor(messages / 2)
  const pages: Record<string, () => Promise<unknown>> = {
    newest: () => index.listMessages({ path: 'INBOX', limit: 50 }),
    middle: () => index.listMessages({ path: 'INBOX', limit: 50, beforeUid: middle }),
    threads_of_folder: () => index.listThreads({ path: 'INBOX', limit: 50 }),
    threads_of_account: () => index.listThreads({ limit: 50 }),
  }
  const figures: Record<string, object> = {}
  for (const [name, page] of Object.entries(pages)) {
    const took: number[] = []
    for (let turn = 0; turn < 100; turn++) {
      const began = performance.now()
      await page()
      took.push(performance.now() - began)
    }
    figures[name] = { p50: percentile(took, 0.5), p95: percentile(took, 0.95) }
  }
  return figures
}

function percentile(all: number[], share: number): number {
  return round(all.sort((one, other) => one - other)[Math.floor(all.length * share)]!)
}

async function fill(index: IndexStore) {
  let [text, cpu, longest] = [0, 0, 0]
  let added: MessageRecord[] = []
  let texts: TextRecord[] = []
  let number = 0
  const apply = async () => {
    const before = process.cpuUsage()
    const began = performance.now()
    const path = Math.floor(number / batch) % 20 === 0 ? 'Archive' : 'INBOX'
    await index.applyBatch({ path, uidValidity: 1, added, texts, announces: false }, 1)
    longest = Math.max(longest, performance.now() - began)
    const { user, system } = process.cpuUsage(before)
    cpu += user + system
    ;[added, texts] = [[], []]
  }
  // Newest first, as a first sync reads them: the order changes how the trees are filled.
  const mirror = Date.UTC(2010, 0, 1) + Date.UTC(2026, 10, 28)
  for (const message of corpus(messages, messages > 200_000 ? 'short' : 'usual')) {
    number++
    const uid = messages - number + 1
    const record = recordOf(uid, { ...message, date: mirror - message.date })
    const searched = [message.subject, record.from, record.to].map(each => JSON.stringify(each)).join('')
    const bytes = Buffer.from(message.body)
    text += bytes.length + searched.length
    added.push(record)
    texts.push({ uid, parts: [{ type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes }] })
    if (added.length === batch) await apply()
  }
  if (added.length > 0) await apply()
  return { text, cpuUs: cpu / messages, longest }
}

function recordOf(uid: number, message: CorpusMessage): MessageRecord {
  return {
    uid,
    emailId: null,
    messageId: `<${uid}@bench.example>`,
    inReplyTo: null,
    references: [],
    subject: message.subject,
    from: [message.from],
    to: message.to,
    cc: [],
    bcc: [],
    fromCount: 1,
    toCount: message.to.length,
    date: new Date(message.date).toISOString(),
    flags: uid % 3 === 0 ? ['\\Seen'] : uid % 50 === 1 ? ['\\Flagged'] : [],
    sizeBytes: message.sizeBytes,
    hasAttachments: message.names.length > 0,
    attachmentNames: message.names,
    faults: [],
  }
}

async function search(store: SearchStore): Promise<object> {
  const times: Record<string, number[]> = {}
  const fastest: Record<string, Map<string, number>> = {}
  const cheapest: Record<string, Map<string, number>> = {}
  const keepLowest = (all: typeof fastest, name: string, query: string, figure: number) => {
    all[name] ??= new Map()
    all[name].set(query, Math.min(figure, all[name].get(query) ?? Number.POSITIVE_INFINITY))
  }
  const orders = {
    newest: { order: 'date', counts: false },
    counted: { order: 'date', counts: true },
    ranked: { order: 'rank', counts: false },
  } as const
  for (let turn = 0; turn < repeats; turn++) {
    for (const query of queries.split('|')) {
      const tree = parseSearch(query, { inBody: true })
      for (const [name, order] of Object.entries(orders)) {
        const [began, before] = [performance.now(), process.threadCpuUsage()]
        await store.search({ tree, ...order, limit: 50, inBody: true, now: Date.UTC(2026, 10, 28) })
        const took = performance.now() - began
        // The first round fills caches.
        if (turn === 0) continue
        times[name] = [...(times[name] ?? []), took]
        const { user, system } = process.threadCpuUsage(before)
        keepLowest(fastest, name, query, took)
        keepLowest(cheapest, name, query, (user + system) / 1000)
      }
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => {
      const figures = { p50: percentile(all, 0.5), p95: percentile(all, 0.95) }
      return [
        name,
        { ...figures, fastest_of_each: spread(fastest[name]!), processor_of_thread: spread(cheapest[name]!) },
      ]
    }),
  )
}

async function sqliteBytes(db: IndexDatabase) {
  const { rows } = await sql<{ name: string; bytes: number }>`
    select name, sum(pgsize) as bytes from dbstat group by name`.execute(db)
  const sum = (all: typeof rows) => all.reduce((total, { bytes }) => total + bytes, 0)
  return { fullText: sum(rows.filter(({ name }) => name.startsWith('texts_'))), all: sum(rows) }
}

async function postgresBytes(db: IndexDatabase) {
  await sql`vacuum analyze`.execute(db)
  const { rows } = await sql<{ name: string; bytes: number }>`
    select relname as name, pg_total_relation_size(c.oid) as bytes from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema} and relkind = 'r'`.execute(db)
  const sum = (all: typeof rows) => all.reduce((total, { bytes }) => total + bytes, 0)
  return { fullText: sum(rows.filter(({ name }) => name === 'word_pages')), all: sum(rows) }
}
