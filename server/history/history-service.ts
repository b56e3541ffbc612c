/** Returns series: chooses the step, filters by what the caller sees, and adds marks of events. */
import {
  type History,
  type HistoryLabel,
  type HistoryMark,
  type HistoryPoints,
  type HistorySeries,
  type HistoryStep,
  historyBounds,
  historySteps,
} from '../../contract/history.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { type Sight, seesAll, visibleAccounts } from '../platform/visible-figures.ts'
import type { HistoryReader, Points } from './history-reader.ts'
import type { HistoryStore } from './history-store.ts'
import type { MarkRow } from './history-tables.ts'
import { levels, type Step, startOf } from './levels.ts'
import { mergeTimes, type Point, quantile } from './point.ts'
import { type Labels, type SeriesInfo, type SeriesName, series, seriesNames } from './series.ts'

export interface HistoryQuery {
  series: string
  /** ISO dates. */
  from: string
  to?: string | undefined
  step?: HistoryStep | undefined
  group_by?: (typeof HistoryLabel)['options'][number] | undefined
  account_id?: string | undefined
  /** Groups with points; of further ones only the total is returned. */
  lines?: number
}

export interface HistoryServiceOptions {
  reader: Pick<HistoryReader, 'read'>
  store: Pick<HistoryStore, 'listMarks'>
  /** Marks that are not stored yet. */
  waitingMarks(): readonly MarkRow[]
  /** Epoch milliseconds. */
  now(): number
}

type MarkSight = Pick<Principal, 'accounts' | 'scopes'>

/** Upper bound of points when the step is chosen automatically. */
const usualPoints = 3_000

export class HistoryService {
  readonly #options: HistoryServiceOptions

  constructor(options: HistoryServiceOptions) {
    this.#options = options
  }

  listSeries(sight: Sight): HistorySeries[] {
    return seriesNames
      .filter(name => isVisible(sight, name))
      .map(name => {
        const { kind, unit, labels, words } = series[name]
        return { name, kind, unit, labels: [...labels], description: words }
      })
  }

  /** @throws Problem bad_request for an invalid query, forbidden for a series of the whole server. */
  async get(sight: MarkSight, query: HistoryQuery): Promise<History> {
    const name = nameOf(query.series)
    const info: SeriesInfo = series[name]
    if (!isVisible(sight, name)) {
      throw new Problem('forbidden', 'This series counts all accounts: it requires access to each of them.')
    }
    const { group_by: groupBy, account_id: accountId, lines = historyBounds.groups } = query
    if (groupBy !== undefined && !info.labels.includes(groupBy))
      throw bad('group_by', `${name} has no label ${groupBy}`)
    if (accountId !== undefined && !info.labels.includes('account_id')) {
      throw bad('account_id', `${name} is not a series of single accounts`)
    }
    const now = Math.floor(this.#options.now() / 1000)
    const from = Math.floor(Date.parse(query.from) / 1000)
    const to = query.to === undefined ? now : Math.ceil(Date.parse(query.to) / 1000)
    if (from >= to) throw bad('from', 'must be before to')
    const step = query.step === undefined ? stepFor(from, to, now) : historySteps[query.step]
    const begin = startOf(from, step)
    if ((to - begin) / step > historyBounds.points) {
      throw bad('step', `would be more than ${historyBounds.points} points; take a longer one`)
    }
    const accounts = visibleAccounts(sight)
    const where = ({ account_id: of }: Labels) =>
      of === undefined ||
      ((accountId === undefined || of === accountId) && (accounts === undefined || accounts.has(of)))
    const groupOf = (labels: Labels) => (groupBy === undefined ? '' : (labels[groupBy] ?? ''))
    const groups = await this.#options.reader.read({ name, step, from: begin, until: to, where, groupOf })
    const all = [...groups].map(([label, points]) => ({
      label: groupBy === undefined ? null : label,
      points,
      whole: wholeOf(points),
    }))
    const shown = all.toSorted((one, other) => other.whole.sum - one.whole.sum).slice(0, historyBounds.groups)
    return {
      series: name,
      kind: info.kind,
      unit: info.unit,
      step_seconds: step,
      from: isoOf(begin),
      to: isoOf(to),
      kept_since: isoOf(now - keptOf(step)),
      groups: shown.map(({ label, points, whole }, place) => ({
        label,
        total: columnsOf(new Map([[begin, whole]]), info),
        points: columnsOf(place < lines ? points : new Map(), info),
      })),
      groups_left_out: all.length - shown.length,
      marks: await this.#marks(sight, begin, to, accountId),
    }
  }

  async #marks(sight: MarkSight, from: number, to: number, accountId: string | undefined): Promise<HistoryMark[]> {
    const accounts = visibleAccounts(sight)
    const waiting = this.#options.waitingMarks().filter(({ at }) => at >= from && at < to)
    const stored = await this.#options.store.listMarks(from, to, historyBounds.marks)
    const known = new Set(stored.map(({ id }) => id))
    const rows = [...waiting.filter(({ id }) => !known.has(id)), ...stored].sort((one, other) => other.at - one.at)
    const isSeen = ({ account_id: of, kind }: MarkRow) =>
      of === null
        ? isMarkSeen(sight, kind)
        : (accounts === undefined || accounts.has(of)) && (accountId === undefined || of === accountId)
    return rows
      .filter(isSeen)
      .reverse()
      .map(({ at, kind, account_id, words }) => ({ at, kind: kind as HistoryMark['kind'], account_id, words }))
  }
}

/**
 * Filters marks like their facts: those about tokens are for callers that may list tokens, those about webhooks for
 * callers that see everyone's.
 */
function isMarkSeen({ scopes, accounts }: MarkSight, kind: string): boolean {
  if (kind === 'webhook') return scopes.has('dashboard:admin') && seesAll({ accounts })
  return kind !== 'token' || scopes.has('dashboard:admin')
}

function isVisible(sight: Sight, name: SeriesName): boolean {
  return series[name].audience !== 'whole' || seesAll(sight)
}

function nameOf(text: string): SeriesName {
  const name = seriesNames.find(known => known === text)
  if (name) return name
  throw bad('series', `must be one of ${seriesNames.join(', ')}`)
}

function bad(field: string, message: string): Problem {
  return badInput(`query.${field}`, message)
}

/** Returns the finest step that is kept that far back, and with no more points than a chart can show. */
export function stepFor(from: number, to: number, now: number): Step {
  const fits = levels.find(({ step, kept }) => from >= now - kept && (to - from) / step <= usualPoints)
  return (fits ?? levels[levels.length - 1]!).step
}

function keptOf(step: Step): number {
  return levels.find(level => level.step === step)!.kept
}

function wholeOf(points: Points): Point {
  let whole: Point | undefined
  for (const point of points.values()) whole = mergeTimes(whole, point)
  return whole ?? { count: 0, sum: 0, min: 0, max: 0 }
}

function columnsOf(points: Points, { kind, scale }: SeriesInfo): HistoryPoints {
  const all = [...points.values()]
  const round = (value: number) => Math.round(value * scale * 1000) / (scale * 1000)
  const of = (read: (point: Point) => number) => all.map(point => round(read(point)))
  const share = (part: number) => of(point => quantile(point.buckets ?? [], part, point) ?? 0)
  return {
    at: [...points.keys()],
    count: all.map(({ count }) => count),
    sum: of(({ sum }) => sum),
    min: of(({ min }) => min),
    max: of(({ max }) => max),
    ...(kind === 'latency' ? { p50: share(0.5), p95: share(0.95), p99: share(0.99) } : {}),
  }
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
