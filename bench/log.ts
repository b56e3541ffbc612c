/**
 * The event log: facts committed by 16 writers on PostgreSQL; event loop delay while 2,000 facts a second are pruned on
 * SQLite; the cost of polling for commits of other processes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import type { EventLog } from '../server/events/event-log.ts'
import { migrations } from '../server/migrations.ts'
import { openServerDatabase } from '../server/platform/database/database.ts'
import { databaseChanges } from '../server/platform/database/database-changes.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { died, logOnPostgres, mail, openLog, waitFor } from './log-postgres.ts'
import { median, round } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 3)
const perSecond = 2_000
const pruneMs = 20_000
const logger = createLogger('warn')

export async function log(): Promise<object> {
  return {
    what: [
      `pruning 120,000 facts beside ${perSecond} facts/s on SQLite on threads, and the same ${pruneMs} ms without pruning;`,
      'what looking for commits of others every 50 ms costs an idle process',
    ].join(' '),
    target: 'the loop is never held over 20 ms while facts are pruned',
    load_average_before: loadavg().map(load => round(load)),
    postgres: await logOnPostgres(),
    pruning: await pruning(),
    looking: await looking(),
    load_average_behind: loadavg().map(load => round(load)),
  }
}

/** Prunes a log with 120,000 facts too many, as after a minute at 2,000 a second, while publishing continues. */
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

/** Measures what polling costs an idle process. */
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
