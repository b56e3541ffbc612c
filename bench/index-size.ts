/**
 * The size on disk of an account's index beside the searchable text, table by table, on SQLite and PostgreSQL, for
 * usual and short mail.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { IndexDatabases, type IndexHome } from '../server/index/index-databases.ts'
import { indexParts } from '../server/index/index-parts.ts'
import type { IndexDatabase } from '../server/index/index-tables.ts'
import { startPostgres } from '../test/support/postgres-setup.ts'
import { type CorpusMessage, corpus, type MailKind } from './index-corpus.ts'
import { fillIndex, searchedBytes } from './index-fill.ts'
import { round } from './measure.ts'

const schema = 'mail_index'
const kinds: readonly MailKind[] = ['usual', 'short', 'made_up']

export async function indexSize(): Promise<object> {
  const count = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100_000)
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const results: Record<string, object> = {}
  try {
    for (const kind of kinds) {
      const messages = [...corpus(count, kind)]
      const sqlite = await measure({ dir: join(dir, kind) }, messages, sqliteSizes)
      const server = await startPostgres()
      try {
        results[kind] = { sqlite, postgres: await measure({ postgresUrl: server.url }, messages, postgresSizes) }
      } finally {
        await server.stop()
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const what = `${count} messages, headers first, then texts; bytes a message of each table and index`
  return { what, load: loadavg().map(each => round(each)), ...results }
}

type Sizes = (db: IndexDatabase) => Promise<Record<string, number>>

async function measure(home: IndexHome, messages: readonly CorpusMessage[], sizes: Sizes): Promise<object> {
  const databases = new IndexDatabases(home, indexParts, { isReader: false })
  try {
    return await databases.use('bench', async (index, { db }) => {
      await index.applyFolders([{ path: 'INBOX', role: 'inbox', isSelectable: true, mailboxId: null }], 1)
      const before = process.cpuUsage()
      for (const what of ['headers', 'texts'] as const) await fillIndex(index, messages, what)
      const { user, system } = process.cpuUsage(before)
      while (await index.tidy());
      const bytes = await sizes(db)
      const text = messages.reduce((sum, message) => sum + searchedBytes(message), 0)
      const sum = (isMeant: (name: string) => boolean) =>
        Object.entries(bytes).reduce((total, [name, size]) => total + (isMeant(name) ? size : 0), 0)
      return {
        processor_us_a_message: round((user + system) / messages.length),
        text_bytes_a_message: Math.round(text / messages.length),
        full_text_of_text: round(sum(name => /^(texts|word_)/.test(name)) / text),
        all_of_text: round(sum(() => true) / text),
        bytes_a_message: Object.fromEntries(
          Object.entries(bytes)
            .map(([name, size]) => [name, round(size / messages.length)] as const)
            .filter(([, size]) => size >= 1)
            .sort(([, one], [, other]) => other - one),
        ),
      }
    })
  } finally {
    await databases.close()
  }
}

async function sqliteSizes(db: IndexDatabase): Promise<Record<string, number>> {
  const { rows } = await sql<{ name: string; bytes: number }>`
    select name, sum(pgsize) as bytes from dbstat group by name`.execute(db)
  const sizes: Record<string, number> = {}
  for (const { name, bytes } of rows) {
    // Sums the tables of all buckets into one figure.
    const table = name.replace(/^(texts)_\d+/, '$1')
    sizes[table] = (sizes[table] ?? 0) + bytes
  }
  return sizes
}

async function postgresSizes(db: IndexDatabase): Promise<Record<string, number>> {
  await sql`vacuum analyze`.execute(db)
  const { rows } = await sql<{ name: string; bytes: number }>`
    select relname as name, pg_relation_size(c.oid)
      + case when reltoastrelid <> 0 then pg_total_relation_size(reltoastrelid) else 0 end as bytes from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema} and relkind in ('r', 'i')`.execute(db)
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes]))
}
