/** Turns the server's points into chart columns: regular steps with gaps, bands of extremes, the previous period. */
import type { History, HistoryPoints } from '../../contract/history.ts'
import type { ChartInfo } from './chart-list.ts'
import type { TimeWindow } from './time-range.ts'

export type Column = (number | null)[]

export interface Line {
  label: string
  values: Column
  /** Lower edge of the band; `high` is the upper one. */
  low?: Column
  high?: Column
  /** The previous period, aligned to this one. */
  before?: Column
  /** Sum of a count. */
  total?: number
}

export interface ChartShape {
  /** Start of each step, in epoch seconds. */
  at: number[]
  stepSeconds: number
  lines: Line[]
  /** Number of groups that are not drawn. */
  leftOut: number
}

/** Maximum lines in one chart that can be told apart. */
export const mostLines = 6

interface Grid {
  begin: number
  step: number
  size: number
  /** Where the newest figures end. */
  now: number
}

type Read = (points: HistoryPoints, place: number, seconds: number) => number

/**
 * @param histories One per part; undefined while loading.
 * @param before The previous period of the same length, for the first part.
 * @param pixels Maximum steps; more are merged, keeping their extremes.
 */
export function shapeOf(
  chart: ChartInfo,
  histories: readonly (History | undefined)[],
  before: History | undefined,
  window: TimeWindow,
  pixels: number,
): ChartShape | undefined {
  const first = histories[0]
  if (!first || histories.some(history => !history)) return undefined
  const step = first.step_seconds
  const isBand = chart.kind !== 'latency' && chart.groupBy === undefined && chart.parts.length === 1
  const steps = Math.max(1, Math.ceil((window.to - window.from) / step))
  const wide = step * (isBand ? Math.max(1, Math.ceil(steps / pixels)) : 1)
  // Aligned to the clock rather than the window, so that columns are stable as it advances, and across charts.
  const begin = Math.floor(window.from / wide) * wide
  const grid: Grid = { begin, step: wide, size: Math.max(1, Math.ceil((window.to - begin) / wide)), now: window.to }
  const at = Array.from({ length: grid.size }, (_, place) => begin + place * grid.step)
  const shape = { at, stepSeconds: grid.step, leftOut: 0 }
  if (chart.kind === 'latency') return { ...shape, lines: latencyLines(first, before, grid, window) }
  if (chart.groupBy !== undefined) {
    const groups = first.groups.filter(({ label }) => label !== chart.leaveOut)
    const lines = groups.slice(0, mostLines).map(({ label, points }) => ({
      label: chart.groupWords?.[label ?? ''] ?? (label || 'other'),
      ...valuesOf(points, chart.kind, grid, step, false),
    }))
    return { ...shape, lines, leftOut: groups.length - lines.length + first.groups_left_out }
  }
  const lines = histories.map((history, place): Line => {
    const points = history!.groups[0]?.points ?? noPoints
    const line = { label: chart.parts[place]!.label, ...valuesOf(points, chart.kind, grid, step, isBand) }
    const past = place === 0 ? beforeOf(before, grid, window, chart.kind === 'count' ? rate : mean) : undefined
    return past ? { ...line, before: past } : line
  })
  return { ...shape, lines }
}

const noPoints: HistoryPoints = { at: [], count: [], sum: [], min: [], max: [] }

/** Returns the period that counts are normalised to, in seconds: a minute, an hour, or a day. */
export function rateSeconds(stepSeconds: number): number {
  return stepSeconds < 900 ? 60 : stepSeconds < 86_400 ? 3_600 : 86_400
}

export function rateWords(stepSeconds: number): string {
  return ({ 60: 'per min', 3600: 'per hour', 86400: 'per day' } as Record<number, string>)[rateSeconds(stepSeconds)]!
}

const mean: Read = ({ sum, count }, place) => sum[place]! / Math.max(1, count[place]!)
const rate: Read = ({ sum }, place, seconds) => (sum[place]! / seconds) * rateSeconds(seconds)

function valuesOf(
  points: HistoryPoints,
  kind: 'gauge' | 'count' | 'latency',
  grid: Grid,
  step: number,
  hasBand: boolean,
): Pick<Line, 'values' | 'low' | 'high' | 'total'> {
  const isCount = kind === 'count'
  const per = rateSeconds(step)
  const [values, low, high] = [empty(grid), empty(grid), empty(grid)]
  const weights = new Float64Array(grid.size)
  const sums = new Float64Array(grid.size)
  let total = 0
  for (const [index, at] of points.at.entries()) {
    const place = placeOf(at, grid)
    if (place === undefined) continue
    const [count, sum] = [points.count[index]!, points.sum[index]!]
    total += sum
    // The newest step is incomplete, so its rate uses the elapsed time.
    const seconds = Math.min(step, Math.max(5, grid.now - at))
    const weight = isCount ? seconds / per : Math.max(1, count)
    weights[place]! += weight
    sums[place]! += sum
    values[place] = sums[place]! / weights[place]!
    const [least, most] = isCount ? [sum / weight, sum / weight] : [points.min[index]!, points.max[index]!]
    low[place] = Math.min(low[place] ?? least, least)
    high[place] = Math.max(high[place] ?? most, most)
  }
  return { values, ...(hasBand ? { low, high } : {}), ...(isCount ? { total } : {}) }
}

/** Smallest value on a logarithmic scale, in milliseconds. */
const leastMs = 0.1

function latencyLines(history: History, before: History | undefined, grid: Grid, window: TimeWindow): Line[] {
  const points = history.groups[0]?.points ?? noPoints
  const column = (read: (index: number) => number | undefined): Column => {
    const values = empty(grid)
    for (const [index, at] of points.at.entries()) {
      const place = placeOf(at, grid)
      if (place !== undefined && points.count[index]! > 0) values[place] = Math.max(leastMs, read(index) ?? 0)
    }
    return values
  }
  const past = beforeOf(before, grid, window, (of, place) => Math.max(leastMs, of.p95?.[place] ?? 0))
  return [
    {
      label: 'p50',
      values: column(index => points.p50?.[index]),
      // The band belongs to the first line, so that it is drawn below all of them.
      low: column(index => points.min[index]),
      high: column(index => points.max[index]),
    },
    { label: 'p95', values: column(index => points.p95?.[index]), ...(past ? { before: past } : {}) },
    { label: 'p99', values: column(index => points.p99?.[index]) },
  ]
}

/** Aligns the previous period: each column shows the step it falls into, which may be a longer one. */
function beforeOf(history: History | undefined, grid: Grid, { from, to }: TimeWindow, read: Read): Column | undefined {
  const points = history?.groups[0]?.points
  if (!history || !points || points.at.length === 0) return undefined
  const values = empty(grid)
  const length = to - from
  let index = 0
  for (let place = 0; place < grid.size; place++) {
    const at = grid.begin + (place + 0.5) * grid.step - length
    while (index + 1 < points.at.length && points.at[index + 1]! <= at) index++
    const begin = points.at[index]!
    if (at < begin || at >= begin + Math.max(history.step_seconds, grid.step)) continue
    const value = read(points, index, history.step_seconds)
    // Older data may have longer steps, whose rate has another period.
    const ratio = read === rate ? rateSeconds(grid.step) / rateSeconds(history.step_seconds) : 1
    values[place] = value * ratio
  }
  return values
}

function empty({ size }: Grid): Column {
  return new Array<number | null>(size).fill(null)
}

function placeOf(at: number, { begin, step, size }: Grid): number | undefined {
  const place = Math.floor((at - begin) / step)
  return place >= 0 && place < size ? place : undefined
}

/** Appends newer steps: incomplete ones are replaced, and those before `from` are dropped. */
export function appendHistory(held: History, newer: History, from: number): History {
  const since = Date.parse(newer.from) / 1000
  const labels = new Set([...held.groups, ...newer.groups].map(({ label }) => label))
  const groups = [...labels].map(label => {
    const old = held.groups.find(group => group.label === label)
    const fresh = newer.groups.find(group => group.label === label)
    const points = joined(old?.points, fresh?.points, since, Math.floor(from / held.step_seconds) * held.step_seconds)
    return { label, total: (old ?? fresh)!.total, points }
  })
  const marks = [
    ...held.marks.filter(({ at }) => at >= from && at < since),
    ...newer.marks.filter(({ at }) => at >= since),
  ]
  return { ...newer, from: new Date(from * 1000).toISOString(), groups, marks }
}

const columns = ['at', 'count', 'sum', 'min', 'max', 'p50', 'p95', 'p99'] as const

function joined(
  old: HistoryPoints = noPoints,
  fresh: HistoryPoints = noPoints,
  since: number,
  from: number,
): HistoryPoints {
  const begin = old.at.findIndex(at => at >= from)
  const end = old.at.findIndex(at => at >= since)
  const keeps = (begin < 0 ? [] : [begin, end < 0 ? old.at.length : end]) as [number, number] | []
  const whole: Partial<Record<(typeof columns)[number], number[]>> = {}
  for (const column of columns) {
    if (!old[column] && !fresh[column]) continue
    whole[column] = [...(keeps.length > 0 ? (old[column] ?? []).slice(...keeps) : []), ...(fresh[column] ?? [])]
  }
  return whole as unknown as HistoryPoints
}
