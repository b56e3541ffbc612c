/** Generates a year of figures of 50 accounts and 50 principals, with days, nights and weekends, as then stored. */
import { encodeFrame, type Frame } from '../server/history/frame-codec.ts'
import type { HistoryRecorder, ReadGauges } from '../server/history/history-recorder.ts'
import type { HistoryStore } from '../server/history/history-store.ts'
import { mergeTimes, observe, type Point, pointOf } from '../server/history/point.ts'
import type { Placed } from '../server/history/points-codec.ts'
import { keyOf, type Labels, type SeriesName, series } from '../server/history/series.ts'
import type { SeriesNumbers } from '../server/history/series-numbers.ts'

export const day = 86_400
const sampleSeconds = 5

/** Returns a seeded generator: the same numbers in each run. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Source {
  name: SeriesName
  labels: Labels
  /** Returns what happens in `seconds`, or what a sample shows. */
  point(random: () => number, seconds: number, busy: number): Point | undefined
}

/** Returns a random count with this mean. */
function happen(random: () => number, mean: number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * (random() + random() + random() - 1.5) * 2))
  let [count, product] = [0, random()]
  for (const floor = Math.exp(-mean); product > floor; product *= random()) count++
  return count
}

function counted(random: () => number, perHour: number, seconds: number, busy: number): Point | undefined {
  const sum = happen(random, (perHour * busy * seconds) / 3600)
  if (sum === 0) return undefined
  const count = Math.min(sum, seconds / sampleSeconds)
  return { count, sum, min: 1, max: Math.max(1, Math.ceil(sum / count)) }
}

/** Returns durations distributed as those of real servers: most near the middle, few far above. */
function took(
  random: () => number,
  perHour: number,
  middleMs: number,
  seconds: number,
  busy: number,
): Point | undefined {
  let point: Point | undefined
  for (let left = happen(random, (perHour * busy * seconds) / 3600); left > 0; left--) {
    const normal = random() + random() + random() + random() - 2
    const ms = middleMs * Math.exp(normal * 1.1) * (random() < 0.01 ? 20 : 1)
    point = observe(point, Math.round(ms * 1000) / 1000)
  }
  return point
}

/** Returns a state that moves between two bounds. */
function moving(low: number, high: number, whole: boolean) {
  return (random: () => number, seconds: number, busy: number): Point => {
    const samples = seconds / sampleSeconds
    const middle = low + (high - low) * (0.2 + 0.5 * busy * random())
    const value = (by: number) => {
      const raw = Math.max(low, Math.min(high, middle + by))
      return whole ? Math.round(raw) : Math.round(raw * 100) / 100
    }
    const spread = ((high - low) / 6) * Math.min(1, samples / 60)
    const [min, mean, max] = [value(-spread * random()), value(0), value(spread * random())]
    return { count: samples, sum: whole ? Math.round(mean * samples) : mean * samples, min, max }
  }
}

const steady = (value: number) => (_random: unknown, seconds: number) => ({
  ...pointOf(value),
  count: seconds / sampleSeconds,
  sum: (value * seconds) / sampleSeconds,
})

/**
 * 24,000 requests on a working day: each user and program works for some hours, most with few operations; half of the
 * principals are agents with six tools each. 50 mailboxes get 60 mails a working day.
 */
export function sourcesOf(accounts: number, principals: number): Source[] {
  const sources: Source[] = []
  const add = (name: SeriesName, labels: Labels, point: Source['point']) => sources.push({ name, labels, point })
  add('up', {}, steady(1))
  add('requests', {}, (random, seconds, busy) => counted(random, 2_500, seconds, busy))
  add('response_time', {}, (random, seconds, busy) => took(random, 2_500, 12, seconds, busy))
  for (const name of ['system_cpu', 'system_memory', 'process_cpu'] as const) add(name, {}, moving(2, 70, false))
  for (const name of ['process_memory', 'database_size', 'storage_free'] as const) add(name, {}, moving(2e8, 4e8, true))
  add('event_loop_delay', {}, moving(10, 40, false))
  add('streams', {}, moving(0, 30, true))
  add('events', {}, (random, seconds, busy) => counted(random, 900, seconds, busy))
  for (let operation = 0; operation < 60; operation++) {
    // A few operations are called all the time, most rarely.
    add('operation_time', { operation: `feature.operation${operation}` }, (random, seconds, busy) =>
      took(random, 900 / (1 + operation), 4 + operation, seconds, busy),
    )
  }
  for (let code = 0; code < 10; code++)
    add('errors', { code: `code_${code}` }, (random, seconds, busy) => counted(random, 8 / (1 + code), seconds, busy))
  for (const queue of ['outbox', 'approvals', 'webhooks']) add('queue', { queue }, moving(0, 6, true))
  for (let number = 0; number < principals; number++) {
    const principal = `token-${number.toString(36).padStart(12, 'k')}`
    const isAgent = number % 2 === 0
    for (let tool = 0; tool < (isAgent ? 6 : 1); tool++) {
      const labels = { principal, tool: isAgent && tool > 0 ? `tool_${tool}` : '', caller: 'program' }
      const perHour = 24 / (1 + tool)
      const atWork = (random: () => number, seconds: number, busy: number) =>
        // Happens in some hours of the day, in runs.
        random() < (seconds >= day ? 1 : 0.3) ? busy * (seconds >= day ? 1 : 3) : 0
      add('calls', { ...labels, outcome: 'ok' }, (random, seconds, busy) =>
        counted(random, perHour, seconds, atWork(random, seconds, busy)),
      )
      add('calls', { ...labels, outcome: 'refused' }, (random, seconds, busy) =>
        counted(random, perHour / 50, seconds, busy),
      )
      add('tokens', labels, (random, seconds, busy) => {
        const point = counted(random, perHour, seconds, atWork(random, seconds, busy))
        return point && { ...point, sum: point.sum * 700, min: 80, max: point.max * 2_100 }
      })
    }
  }
  for (let number = 0; number < accounts; number++) {
    const account_id = `acc_${number.toString(36).padStart(12, 'q')}`
    const states = { watching: steady(1), idle: moving(0, 2, true), busy: moving(0, 2, true), connecting: steady(0) }
    for (const [state, point] of Object.entries(states)) add('imap_connections', { account_id, state }, point)
    add('account_ready', { account_id }, steady(1))
    add('imap_command_time', { account_id }, (random, seconds, busy) => took(random, 40, 30, seconds, busy))
    add('mail_received', { account_id }, (random, seconds, busy) => counted(random, 6, seconds, busy))
    add('mail_sent', { account_id }, (random, seconds, busy) => counted(random, 1, seconds, busy))
    add('mail_failed', { account_id }, (random, seconds, busy) => counted(random, 0.02, seconds, busy))
    add('imap_failures', { account_id, cause: 'timeout' }, (random, seconds) => counted(random, 0.02, seconds, 1))
  }
  return sources
}

/** Returns how busy it is: 1 in working hours, little at night and on weekends; the mean over a whole day. */
export function busyAt(at: number, seconds: number): number {
  const isWeekend = [0, 6].includes(new Date(at * 1000).getUTCDay())
  if (seconds >= day) return isWeekend ? 0.08 : 0.42
  const hour = (at % day) / 3600
  const isWork = hour >= 8 && hour < 18
  return isWeekend ? 0.08 : isWork ? 0.9 : 0.08
}

/** Stores frames as the server would have by `now`. The maintenance compacts them. */
export async function fillYear(
  { store, numbers }: { store: HistoryStore; numbers: SeriesNumbers },
  sources: readonly Source[],
  now: number,
  { days = 365, quarterDays = 60, minuteDays = 2 } = {},
): Promise<void> {
  const random = randomOf(16)
  const keys = sources.map(({ name, labels }) => keyOf(name, labels))
  const ids = await numbers.idsOf(keys)
  const frameOf = (at: number, step: number): Frame => {
    const frame: Frame = new Map()
    sources.forEach(({ point }, place) => {
      const made = step >= day ? longDay(point, random, at) : point(random, step, busyAt(at, step))
      if (made) frame.set(ids.get(keys[place]!)!, [[0, made]])
    })
    return frame
  }
  const kept = [
    { step: day, since: now - days * day },
    { step: 900, since: now - quarterDays * day },
    { step: 60, since: now - minuteDays * day },
  ]
  for (const { step, since } of kept) {
    for (let start = Math.floor(since / step) * step; start + step <= now; ) {
      const until = Math.min(now, start + 200 * step)
      const rows: { step: number; start: number; writer: number; bytes: Uint8Array }[] = []
      for (; start + step <= until; start += step) {
        rows.push({ step, start, writer: 0, bytes: encodeFrame(frameOf(start, step), numbers.scaleOf) })
      }
      await store.transaction(async transaction => {
        for (const row of rows) await store.putFrame(transaction, row)
      })
      if (rows.length === 0) break
    }
  }
  for (let start = now - 3600; start < now; start += 60) {
    const frame = new Map<number, Placed[]>()
    sources.forEach(({ point }, place) => {
      const placed = Array.from(
        { length: 12 },
        (_, slot) => [slot, point(random, sampleSeconds, busyAt(start, 5))] as const,
      )
      const there = placed.flatMap(([slot, made]): Placed[] => (made ? [[slot, made]] : []))
      if (there.length > 0) frame.set(ids.get(keys[place]!)!, there)
    })
    const bytes = encodeFrame(frame, numbers.scaleOf)
    await store.transaction(transaction => store.putFrame(transaction, { step: 5, start, writer: 0, bytes }))
  }
}

/** Draws every eighth quarter of an hour of a busy day, whose durations are too many, and merges as the server does. */
function longDay(point: Source['point'], random: () => number, at: number): Point | undefined {
  let merged: Point | undefined
  for (let quarter = 0; quarter < 96; quarter += 8) {
    const made = point(random, 900, busyAt(at + quarter * 900, 900))
    if (made) merged = mergeTimes(merged, made)
  }
  return merged
}

/** Reads the gauges of a sample of these accounts; counts and durations arrive in between. */
export function gaugesOf(sources: readonly Source[], random: () => number): ReadGauges {
  const gauges = sources.filter(({ name }) => series[name].kind === 'gauge' && name !== 'up')
  return set => {
    for (const { name, labels, point } of gauges) {
      const made = point(random, sampleSeconds, 0.9)
      if (made) set(name as Parameters<typeof set>[0], made.sum, labels)
    }
  }
}

export function happenIn(recorder: HistoryRecorder, sources: readonly Source[], random: () => number): void {
  for (const { name, labels, point } of sources) {
    const { kind } = series[name]
    if (kind === 'gauge') continue
    const made = point(random, sampleSeconds, 0.9)
    if (!made) continue
    if (kind === 'count') recorder.count(name as Parameters<HistoryRecorder['count']>[0], labels, made.sum)
    else
      for (let left = made.count; left > 0; left--)
        recorder.observe(name as Parameters<HistoryRecorder['observe']>[0], made.sum / made.count, labels)
  }
}
