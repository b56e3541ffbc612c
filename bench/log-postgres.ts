/**
 * Facts that 16 callers commit on PostgreSQL, one by one and in batches, in turn with bare pg that writes the same
 * rows. RUSTYMAIL_BENCH_POSTGRES names a server; otherwise one is started, without fsync.
 */
import { randomBytes } from 'node:crypto'
import { loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Fact } from '../contract/event.ts'
import { EventLog } from '../server/events/event-log.ts'
import { EventStore } from '../server/events/event-store.ts'
import { migrations } from '../server/migrations.ts'
import { type Database, openServerDatabase } from '../server/platform/database/database.ts'
import { databaseChanges } from '../server/platform/database/database-changes.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { startPostgres } from '../test/support/postgres-setup.ts'
import { median, round } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 3)
const writers = 16
const roundMs = 4_000
const logger = createLogger('warn')

export async function logOnPostgres(): Promise<object> {
  const given = process.env.RUSTYMAIL_BENCH_POSTGRES
  const server = given === undefined ? await startPostgres() : { url: given, stop: async () => undefined }
  const before = loadavg().map(load => round(load))
  return {
    what: [
      `facts a second committed by ${writers} callers at once, one fact a call (transact), the same with a row of its own in`,
      `another table (transact_with_row), and in batches (publish): medians of ${rounds} rounds of ${roundMs} ms, in turns with`,
      `bare pg, where each of ${writers} callers has a transaction with the counter and the same rows; and the processor time of this`,
      'process for each',
    ].join(' '),
    target: 'transact >= 3,000 facts/s',
    load_average_before: before,
    ...(await measurePostgres(server.url).finally(server.stop)),
    load_average_behind: loadavg().map(load => round(load)),
  }
}

export function mail(uid: number): Fact {
  const at = new Date().toISOString()
  const data = { account_id: 'f90f2de966f46b8a', folder: 'INBOX', uid, uid_validity: 1, ref: 'x'.repeat(80), at }
  return { type: 'mail_received', data }
}

export const died = (error: Error) => {
  throw error
}

export function openLog(url: string, keep: number) {
  const db = openServerDatabase({ url, observer: new DatabaseHealth(), died })
  const changes = databaseChanges(url, logger)
  const store = new EventStore(db)
  return { db, log: new EventLog({ store, logger, heldInMemory: 10_000, keep, keepMs: 7 * 86_400_000, changes }) }
}

async function measurePostgres(server: string) {
  const name = `bench_${randomBytes(4).toString('hex')}`
  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
  await onServer(`create database ${name}`)
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString()
  const { db, log } = openLog(url, 1_000_000)
  const bare = new pg.Pool({ connectionString: url, max: 10 })
  const listener = new pg.Client({ connectionString: url })
  try {
    await migrate(db, migrations)
    await log.start(() => undefined)
    let notified = 0
    await listener.connect()
    listener.on('notification', () => notified++)
    await listener.query('listen rustymail_log')
    const rates = { bare: [], one: [], bareWithRow: [], oneWithRow: [], publish: [] } as Record<string, Rate[]>
    const notifications: number[] = []
    // Waits until the log has noticed the rows written around it.
    const caughtUp = () =>
      waitFor(
        () => log.newest,
        async () => (await bare.query('select newest from event_counter')).rows[0].newest,
      )
    for (let turn = 0; turn < rounds; turn++) {
      rates.bare!.push(await rate(uid => insertBare(bare, uid)))
      await caughtUp()
      const before = notified
      rates.one!.push(await rate(uid => log.transact(async (_transaction, publish) => publish(mail(uid)))))
      notifications.push((notified - before) / (roundMs / 1000))
      rates.bareWithRow!.push(await rate((uid, writer) => insertBare(bare, uid, writer)))
      await caughtUp()
      rates.oneWithRow!.push(
        await rate((uid, writer) =>
          log.transact(async (transaction, publish) => {
            await writeRow(transaction, writer, uid)
            publish(mail(uid))
          }),
        ),
      )
      rates.publish!.push(await published(log))
    }
    const of = (name: string) => median(rates[name]!.map(({ perSecond }) => perSecond))
    return {
      bare_pg_facts_per_s: round(of('bare')),
      transact_facts_per_s: round(of('one')),
      transact_of_bare: round(of('one') / of('bare')),
      bare_pg_with_row_facts_per_s: round(of('bareWithRow')),
      transact_with_row_facts_per_s: round(of('oneWithRow')),
      publish_facts_per_s: round(of('publish')),
      notifications_per_s: round(median(notifications)),
      rates,
    }
  } finally {
    await log.stop()
    await listener.end()
    await bare.end()
    await db.destroy()
    await onServer(`drop database ${name} with (force)`)
  }
}

const own = (writer: number) => `bench.${writer}`

async function writeRow(transaction: Database, writer: number, uid: number): Promise<void> {
  const row = { name: own(writer), value: String(uid), updated_at: 'now' }
  await transaction
    .insertInto('settings')
    .values(row)
    .onConflict(conflict => conflict.column('name').doUpdateSet(row))
    .execute()
}

/** The minimum for numbers in commit order: the counter and the row. */
async function insertBare(pool: pg.Pool, uid: number, writer?: number): Promise<void> {
  const client = await pool.connect()
  try {
    const { type, data } = mail(uid)
    await client.query('begin')
    const { rows } = await client.query('update event_counter set newest = newest + 1 where id = 1 returning newest')
    if (writer !== undefined) {
      const upsert =
        'insert into settings (name, value, updated_at) values ($1, $2, $3) on conflict (name) do update set value = $2'
      await client.query({ name: 'row', text: upsert, values: [own(writer), String(uid), 'now'] })
    }
    const values = [rows[0].newest, type, 'f90f2de966f46b8a', JSON.stringify(data), data.at]
    const insert = 'insert into events (number, type, account_id, data, at) values ($1, $2, $3, $4, $5)'
    await client.query({ name: 'insert', text: insert, values })
    await client.query('commit')
  } finally {
    client.release()
  }
}

interface Rate {
  perSecond: number
  /** This process's CPU microseconds per fact. */
  cpuUs: number
}

async function rate(commit: (uid: number, writer: number) => Promise<unknown>): Promise<Rate> {
  let count = 0
  return measured(async isOver => {
    const write = async (writer: number) => {
      while (!isOver()) await commit(++count, writer)
    }
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    return count
  })
}

async function published(log: EventLog): Promise<Rate> {
  const first = log.newest
  let told = 0
  return measured(async isOver => {
    while (!isOver()) {
      for (let turn = 0; turn < writers && told - (log.newest - first) < 10_000; turn++) log.append(mail(++told))
      await new Promise(setImmediate)
    }
    await waitFor(
      () => log.newest,
      async () => first + told,
    )
    return told
  })
}

/** @param work Runs until it is over, and returns the number of committed facts. */
async function measured(work: (isOver: () => boolean) => Promise<number>): Promise<Rate> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const count = await work(() => performance.now() - began >= roundMs)
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: round(count / ((performance.now() - began) / 1000)), cpuUs: round((user + system) / count) }
}

export async function waitFor(is: () => number, wanted: () => Promise<number | string>): Promise<void> {
  const number = Number(await wanted())
  while (is() < number) await wait(5)
}
