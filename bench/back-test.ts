/**
 * Back-tests of rules on 30 days of 50 accounts and 50 principals: how long each takes, and how long it blocks the main
 * thread at most.
 */
import { AlertRuleBody } from '../contract/alerts.ts'
import { backTest } from '../server/alerts/back-test.ts'
import { starterRules } from '../server/alerts/starter-rules.ts'
import { HistoryMaintenance } from '../server/history/history-maintenance.ts'
import { HistoryReader } from '../server/history/history-reader.ts'
import { HistoryStore } from '../server/history/history-store.ts'
import { SeriesNumbers } from '../server/history/series-numbers.ts'
import type { Database } from '../server/platform/database/database.ts'
import { onDatabase } from './history.ts'
import { day, fillYear, sourcesOf } from './history-year.ts'
import { median, round } from './measure.ts'

/** 11:37 on a Thursday, so that chunks of all resolutions are open. */
const now = Date.parse('2026-11-26T11:37:00Z') / 1000
const turns = 9

export async function backTests(): Promise<object> {
  return {
    what: 'each rule over 30 days of 50 accounts and 50 principals on SQLite: ms until it is answered; ms of the processor that the main thread takes for it; and its longest piece, by the clock (what counts on a quiet machine) and of the processor (which some kernels count in ticks of 4 ms)',
    target: 'at most 200 ms, in pieces of at most 10 ms',
    ...(await onDatabase(measured)),
  }
}

const common = { name: 'Tried', comparison: 'above', threshold: 200, for_seconds: 900 } as const
const others: Record<string, AlertRuleBody> = {
  'response time, p95 of 10 min': AlertRuleBody.parse({
    ...common,
    ...{ series: 'response_time', aggregation: 'p95', window_seconds: 600 },
  }),
  'response time, p99 of 24 h': AlertRuleBody.parse({
    ...common,
    ...{ series: 'response_time', aggregation: 'p99', window_seconds: day },
  }),
  'command time of each account, p95 of 1 h': AlertRuleBody.parse({
    ...common,
    ...{ series: 'imap_command_time', per: ['account_id'], aggregation: 'p95', window_seconds: 3_600 },
  }),
  'time of each operation, p95 of 1 h': AlertRuleBody.parse({
    ...common,
    ...{ series: 'operation_time', per: ['operation'], aggregation: 'p95', window_seconds: 3_600 },
  }),
}

async function measured(db: Database): Promise<object> {
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  await fillYear({ store, numbers }, sourcesOf(50, 50), now, { days: 60, quarterDays: 60, minuteDays: 2 })
  await new HistoryMaintenance({ store, numbers, writer: 0 }).maintain(now)
  const reader = new HistoryReader({ store, numbers, recent: () => [], now: () => now })
  const rules = { ...Object.fromEntries(starterRules.map(({ id, rule }) => [id, rule])), ...others }
  const figures: Record<string, object> = {}
  for (const [name, rule] of Object.entries(rules)) {
    const [times, costs, pieces, pieceCosts]: [number[], number[], number[], number[]] = [[], [], [], []]
    let instances = 0
    // The first turn warms up.
    for (let turn = 0; turn <= turns; turn++) {
      const { ms, cost, longest, longestCost, result } = await inPieces(() =>
        backTest(reader, rule, { from: now - 30 * day, to: now, now, sees: () => true }),
      )
      instances = result.instances.length + result.instances_left_out
      if (turn === 0) continue
      times.push(ms)
      costs.push(cost)
      pieces.push(longest)
      pieceCosts.push(longestCost)
    }
    figures[name] = {
      instances,
      ms: round(median(times)),
      cpu_ms: round(median(costs)),
      longest_piece_ms: round(median(pieces)),
      longest_piece_cpu_ms: round(median(pieceCosts)),
    }
  }
  return { rules: figures }
}

/**
 * Runs the work, while a second task on the event loop measures how long it waits for its turn, in wall-clock and CPU
 * time.
 */
async function inPieces<Result>(work: () => Promise<Result>) {
  let [isOver, longest, longestCost] = [false, 0, 0]
  const used = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  const first = used()
  let [before, turnedAt] = [first, performance.now()]
  const look = () => {
    const [at, now] = [used(), performance.now()]
    longest = Math.max(longest, now - turnedAt)
    longestCost = Math.max(longestCost, at - before)
    before = at
    turnedAt = now
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  const began = performance.now()
  const result = await work()
  const ms = performance.now() - began
  const last = used()
  longest = Math.max(longest, performance.now() - turnedAt)
  longestCost = Math.max(longestCost, last - before)
  isOver = true
  return { ms, cost: last - first, longest, longestCost, result }
}
