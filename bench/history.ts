/**
 * The history's disk use for a year of 50 accounts and 50 principals, the cost of reading it, and of recording at 200
 * accounts.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { HistoryMaintenance } from '../server/history/history-maintenance.ts'
import { HistoryReader } from '../server/history/history-reader.ts'
import { HistoryRecorder } from '../server/history/history-recorder.ts'
import { HistoryStore } from '../server/history/history-store.ts'
import type { SeriesName } from '../server/history/series.ts'
import { SeriesNumbers } from '../server/history/series-numbers.ts'
import { migrations } from '../server/migrations.ts'
import { type Database, openServerDatabase } from '../server/platform/database/database.ts'
import { DatabaseHealth } from '../server/platform/database/database-health.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { day, fillYear, gaugesOf, happenIn, randomOf, sourcesOf } from './history-year.ts'
import { died } from './log-postgres.ts'
import { median, round } from './measure.ts'

/** 11:37 on a Thursday, so that chunks of all resolutions are open. */
const now = Date.parse('2026-11-26T11:37:00Z') / 1000
const looks = 15

export async function history(): Promise<object> {
  return {
    what: 'the history of 50 accounts and 50 principals behind a year, on SQLite; and an hour of recording 200 accounts and 200 principals',
    target: 'at most 30 MB; 30 days of one series in 20 ms; at most 1 % of a core',
    year: await onDatabase(year),
    recording: await onDatabase(recording),
  }
}

export async function onDatabase(work: (db: Database, file: string) => Promise<object>): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const file = join(dir, 'history.db')
  const db = openServerDatabase({ url: `sqlite:${file}`, observer: new DatabaseHealth(), died })
  try {
    await migrate(db, migrations)
    return await work(db, file)
  } finally {
    await db.destroy()
    rmSync(dir, { recursive: true })
  }
}

async function year(db: Database, file: string): Promise<object> {
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  const sources = sourcesOf(50, 50)
  await sql`vacuum`.execute(db)
  const before = statSync(file).size
  await fillYear({ store, numbers }, sources, now)
  await new HistoryMaintenance({ store, numbers, writer: 0 }).maintain(now)
  const tables = Object.fromEntries(
    await Promise.all(
      ([5, 60, 900, day] as const).map(async step => [`step_${step}_s_bytes`, await bytesOf(db, step)] as const),
    ),
  )
  await sql`vacuum`.execute(db)
  const reader = new HistoryReader({ store, numbers, recent: () => [], now: () => now })
  const look = async (
    name: SeriesName,
    days: number,
    step: 60 | 900 | typeof day,
    group?: 'principal' | 'operation',
  ) => {
    const times: number[] = []
    for (let turn = 0; turn < looks; turn++) {
      const began = performance.now()
      await reader.read({
        ...{ name, step, from: now - days * day, until: now, where: () => true },
        groupOf: labels => (group ? labels[group]! : ''),
      })
      times.push(performance.now() - began)
    }
    return round(median(times))
  }
  return {
    series: sources.length,
    on_disk_bytes: statSync(file).size - before,
    ...tables,
    read_ms: {
      response_time_30_days: await look('response_time', 30, 900),
      system_cpu_30_days: await look('system_cpu', 30, 900),
      requests_30_days: await look('requests', 30, 900),
      requests_24_hours: await look('requests', 1, 60),
      response_time_1_year: await look('response_time', 365, day),
      calls_by_principal_30_days: await look('calls', 30, 900, 'principal'),
      times_by_operation_30_days: await look('operation_time', 30, 900, 'operation'),
    },
  }
}

async function bytesOf(db: Database, step: number): Promise<number> {
  const of = async (table: 'history_frames' | 'history_blocks') => {
    const { bytes } = await db
      .selectFrom(table)
      .select(sql<number | null>`sum(length(bytes))`.as('bytes'))
      .where('step', '=', step)
      .executeTakeFirstOrThrow()
    return Number(bytes ?? 0)
  }
  return (await of('history_frames')) + (await of('history_blocks'))
}

/**
 * Records hours at full speed; the cost is the CPU time of all threads per hour. Generating the events is not counted.
 */
async function recording(db: Database): Promise<object> {
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  const maintenance = new HistoryMaintenance({ store, numbers, writer: 0 })
  const random = randomOf(200)
  const sources = sourcesOf(200, 200)
  let at = Math.floor(now / day) * day
  const readGauges = gaugesOf(sources, random)
  const recorder = new HistoryRecorder({ readGauges, maintenance, logger: createLogger('warn'), now: () => at * 1000 })
  const hours = 3
  const usedMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  const began = usedMs()
  for (let sample = 0; sample < hours * 720; sample++) {
    happenIn(recorder, sources, random)
    recorder.sample()
    at += 5
    while (recorder.recent.length > 1) await new Promise(resolve => setImmediate(resolve))
  }
  await recorder.stop()
  const all = usedMs() - began
  // The same events without recording.
  const idle = new HistoryRecorder({
    readGauges: set => readGauges(() => void set),
    maintenance: { keepMinute: async () => undefined, maintain: async () => undefined },
    logger: createLogger('warn'),
  })
  const deaf = Object.assign(Object.create(idle), { count: () => undefined, observe: () => undefined })
  const beside = usedMs()
  for (let sample = 0; sample < hours * 720; sample++) {
    happenIn(deaf, sources, random)
    readGauges(() => undefined)
  }
  const making = usedMs() - beside
  return {
    series: sources.length,
    hours,
    cpu_ms_of_an_hour: round((all - making) / hours),
    percent_of_a_core: round((all - making) / hours / 36_000),
  }
}
