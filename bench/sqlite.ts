/** The cost of a row with SQLite in threads and in the calling thread, and how long the latter is blocked. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { sql } from 'kysely'
import { migrations } from '../server/migrations.ts'
import { type Database, openDatabase, openServerDatabase } from '../server/platform/database/database.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { median, round } from './measure.ts'

const rounds = 7
const rows = 400_000
const statements = 4_000

export async function sqlite(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const failed = (error: Error) => {
    throw error
  }
  const beside = {
    in_thread: openDatabase(`sqlite:${dir}/one.db`, new DatabaseHealth()),
    in_threads: openServerDatabase({ url: `sqlite:${dir}/two.db`, observer: new DatabaseHealth(), died: failed }),
  }
  try {
    for (const db of Object.values(beside)) await fill(db)
    const figures: Record<string, Record<string, number>> = {}
    for (const [name, measure] of Object.entries(measures)) figures[name] = await compare(beside, measure)
    return {
      what:
        `µs and ms of wall clock, and µs of the processor of all threads, for one statement through Kysely on a file of ${rows} rows; ` +
        `medians of ${rounds} rounds, one after the other in turn`,
      ...figures,
    }
  } finally {
    for (const db of Object.values(beside)) await db.destroy()
    rmSync(dir, { recursive: true, force: true })
  }
}

type Measure = (db: Database) => Promise<Record<string, number>>

const measures: Record<string, Measure> = {
  a_row_read_alone: db => timed(1, () => readRow(db)),
  a_row_read_with_100_under_way: db => timed(100, () => readRow(db)),
  a_row_written_alone: db => timed(1, () => writeRow(db)),
  a_row_written_with_100_under_way: db => timed(100, () => writeRow(db)),
  a_transaction_of_two_writes: db =>
    timed(1, () =>
      db.transaction().execute(async transaction => {
        await writeRow(transaction)
        await writeRow(transaction)
      }),
    ),
  a_page_of_500_rows_read: db => timed(1, () => db.selectFrom('events').selectAll().limit(500).execute(), 200),
  loop_while_all_is_searched: db =>
    standstill(() => sql`select count(*) from events where data like ${'%nowhere%'}`.execute(db)),
  loop_while_half_is_rewritten: db =>
    standstill(() => sql`update events set type = type where number <= ${rows / 2}`.execute(db)),
}

async function compare(beside: Record<string, Database>, measure: Measure): Promise<Record<string, number>> {
  const all: Record<string, number[]> = {}
  for (let number = 0; number < rounds; number++) {
    for (const [name, db] of Object.entries(beside)) {
      for (const [unit, value] of Object.entries(await measure(db))) {
        const key = `${name}_${unit}`
        all[key] = [...(all[key] ?? []), value]
      }
    }
  }
  return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, round(median(values))]))
}

/** Runs several concurrent callers, each with one statement after the other. */
async function timed(
  callers: number,
  work: () => Promise<unknown>,
  count = statements,
): Promise<Record<string, number>> {
  const began = performance.now()
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let number = 0; number < count / callers; number++) await work()
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return { us: ((performance.now() - began) * 1000) / count, cpu_us: (user + system) / count }
}

/** Returns the longest block of the loop, and the statement's duration. */
async function standstill(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const began = performance.now()
  let isDone = false
  const done = work().then(() => {
    isDone = true
    return performance.now() - began
  })
  let longest = 0
  for (let last = began; !isDone; ) {
    await turn()
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  return { took_ms: await done, loop_max_ms: longest }
}

const readRow = (db: Database) => db.selectFrom('events').selectAll().where('number', '=', 77_777).executeTakeFirst()
const writeRow = (db: Database) =>
  db
    .updateTable('events')
    .set({ at: 'now' })
    .where('number', '=', 1 + Math.floor(Math.random() * rows))
    .execute()

async function fill(db: Database): Promise<void> {
  await migrate(db, migrations)
  await sql`insert into events (number, type, account_id, data, at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${sql.lit(rows)})
    select i, 'mail_received', 'account-' || (i % 10), '{"subject":"Message number ' || i || ' of a mailbox","from":"someone@example.com"}',
    '2026-11-28T12:00:00.000Z' from n`.execute(db)
}
