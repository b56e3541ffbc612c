/**
 * The event log: facts committed by 16 writers on PostgreSQL, beside the same rows written by bare pg; what the event loop waits while
 * 2,000 facts a second are pruned on SQLite; what looking for commits of others costs. RUSTYMAIL_BENCH_POSTGRES
 * names a server; else one is started, without fsync.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Fact } from '../contract/event.ts'
import { EventLog } from '../server/events/event-log.ts'
import { EventStore } from '../server/events/event-store.ts'
import { migrations } from '../server/migrations.ts'
import { openServerDatabase } from '../server/platform/database/database.ts'
import { databaseChanges } from '../server/platform/database/database-changes.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { startPostgres } from '../test/support/postgres-setup.ts'
import { median, round } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 3)
const writers = 16
const roundMs = 4_000
const perSecond = 2_000
const pruneMs = 20_000
const logger = createLogger('warn')

export async function log(): Promise<object> {
  return {
    what: [
      `facts a second committed by ${writers} writers, one fact a transaction (transact) and in batches (publish): medians of`,
      `${rounds} rounds of ${roundMs} ms, in turns with bare pg, which does the counter and the row and nothing else;`,
      `pruning 120,000 facts beside ${perSecond} facts/s on SQLite on threads, and the same ${pruneMs} ms without pruning;`,
      'what looking for commits of others every 50 ms costs an idle process',
    ].join(' '),
    target: 'postgres: transact >= 3,000 facts/s; pruning: the loop is never held over 20 ms',
    load_average_before: loadavg().map(load => round(load)),
    postgres: await onPostgres(),
    pruning: await pruning(),
    looking: await looking(),
    load_average_behind: loadavg().map(load => round(load)),
  }
}

function mail(uid: number): Fact {
  const at = new Date().toISOString()
  const data = { account_id: 'f90f2de966f46b8a', folder: 'INBOX', uid, uid_validity: 1, ref: 'x'.repeat(80), at }
  return { type: 'mail_received', data }
}

const died = (error: Error) => {
  throw error
}

function openLog(url: string, keep: number) {
  const db = openServerDatabase({ url, observer: new DatabaseHealth(), died })
  const changes = databaseChanges(url, logger)
  const store = new EventStore(db)
  return { db, log: new EventLog({ store, logger, heldInMemory: 10_000, keep, keepMs: 7 * 86_400_000, changes }) }
}

async function onPostgres() {
  const given = process.env.RUSTYMAIL_BENCH_POSTGRES
  if (given !== undefined) return measurePostgres(given)
  const { url, stop } = await startPostgres()
  return measurePostgres(url).finally(stop)
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
    const rates = { bare: [] as number[], one: [] as number[], publish: [] as number[], notified: [] as number[] }
    for (let turn = 0; turn < rounds; turn++) {
      rates.bare.push(await rate(uid => insertBare(bare, uid)))
      // The log notices what was written past it.
      await waitFor(
        () => log.newest,
        async () => (await bare.query('select newest from event_counter')).rows[0].newest,
      )
      const before = notified
      rates.one.push(await rate(uid => log.transact(async (_transaction, tell) => tell(mail(uid)))))
      rates.notified.push((notified - before) / (roundMs / 1000))
      rates.publish.push(await published(log))
    }
    const [bareRate, one] = [median(rates.bare), median(rates.one)]
    return {
      bare_pg_facts_per_s: round(bareRate),
      transact_facts_per_s: round(one),
      transact_of_bare: round(one / bareRate),
      publish_facts_per_s: round(median(rates.publish)),
      notifications_per_s: round(median(rates.notified)),
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

/** The least that numbers in the order of commits cost: the counter, the row, and nothing else. */
async function insertBare(pool: pg.Pool, uid: number): Promise<void> {
  const client = await pool.connect()
  try {
    const { type, data } = mail(uid)
    await client.query('begin')
    const { rows } = await client.query('update event_counter set newest = newest + 1 where id = 1 returning newest')
    const values = [rows[0].newest, type, 'f90f2de966f46b8a', JSON.stringify(data), data.at]
    const insert = 'insert into events (number, type, account_id, data, at) values ($1, $2, $3, $4, $5)'
    await client.query({ name: 'insert', text: insert, values })
    await client.query('commit')
  } finally {
    client.release()
  }
}

async function rate(commit: (uid: number) => Promise<unknown>): Promise<number> {
  const began = performance.now()
  let count = 0
  const write = async () => {
    while (performance.now() - began < roundMs) await commit(++count)
  }
  await Promise.all(Array.from({ length: writers }, write))
  return count / ((performance.now() - began) / 1000)
}

async function published(log: EventLog): Promise<number> {
  const began = performance.now()
  const first = log.newest
  let told = 0
  while (performance.now() - began < roundMs) {
    for (let turn = 0; turn < writers && told - (log.newest - first) < 10_000; turn++) log.append(mail(++told))
    await new Promise(setImmediate)
  }
  const count = log.newest - first
  await waitFor(
    () => log.newest,
    async () => first + told,
  )
  return count / (roundMs / 1000)
}

async function waitFor(is: () => number, wanted: () => Promise<number | string>): Promise<void> {
  const number = Number(await wanted())
  while (is() < number) await wait(5)
}

/** A log that holds 120,000 facts too many, as after a minute of 2,000 a second, while they go on. */
async function pruning() {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const url = `sqlite:${join(dir, 'log.db')}`
  const { db, log } = openLog(url, 100_000)
  try {
    await migrate(db, migrations)
    await log.start(() => undefined)
    for (let uid = 0; uid < 220_000; uid += 1_000) {
      for (let one = 0; one < 1_000; one++) log.append(mail(uid + one))
      await waitFor(
        () => log.newest,
        async () => uid + 1_000,
      )
    }
    const quiet = await delays(log, async () => undefined)
    const pruned = await delays(log, () => log.prune())
    return { quiet, pruned, facts_left: log.newest + 1 - log.oldest }
  } finally {
    await log.stop()
    await db.destroy()
    rmSync(dir, { recursive: true })
  }
}

async function delays(log: EventLog, work: () => Promise<void>) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  const cpu = process.cpuUsage()
  let uid = 0
  const writing = setInterval(() => {
    for (let one = 0; one < perSecond / 100; one++) log.append(mail(++uid))
  }, 10)
  histogram.enable()
  const began = performance.now()
  await work()
  const workMs = performance.now() - began
  await wait(Math.max(0, pruneMs - workMs))
  histogram.disable()
  clearInterval(writing)
  const { user, system } = process.cpuUsage(cpu)
  return {
    work_ms: round(workMs),
    loop_max_ms: round(histogram.max / 1e6),
    loop_p99_9_ms: round(histogram.percentile(99.9) / 1e6),
    cpu_ms: round((user + system) / 1000),
    facts: uid,
  }
}

/** What an idle process pays. */
async function looking() {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const url = `sqlite:${join(dir, 'log.db')}`
  const db = openServerDatabase({ url, observer: new DatabaseHealth(), died })
  try {
    await migrate(db, migrations)
    const idle = async (isLooking: boolean) => {
      const changes = databaseChanges(url, logger)
      if (isLooking) await changes.start(() => undefined)
      const before = process.cpuUsage()
      await wait(10_000)
      const { user, system } = process.cpuUsage(before)
      await changes.stop()
      return (user + system) / 10_000
    }
    const rows: number[] = []
    for (let turn = 0; turn < rounds; turn++) rows.push((await idle(true)) - (await idle(false)))
    return { cpu_ms_per_s: round(median(rows)) }
  } finally {
    await db.destroy()
    rmSync(dir, { recursive: true })
  }
}
