/** Renders series over time as a few words each, for a model. */
import type { History, HistoryPoints } from '../../contract/history.ts'
import { round } from './dashboard-tools.ts'

/** Points of one line: a model needs trends, not charts. */
const mostPoints = 16
const mostMarks = 10

export function groupLines(
  history: History,
  label: string | null,
  total: HistoryPoints,
  points: HistoryPoints,
): string[] {
  const name = label === null ? 'all' : label === '' ? '(none)' : label
  return [`${name}: ${totalWords(history, total)}`, `  ${pointWords(history, points)}`]
}

function totalWords({ kind }: History, total: HistoryPoints): string {
  const [count = 0, sum = 0, min = 0, max = 0] = [total.count[0], total.sum[0], total.min[0], total.max[0]]
  if (kind === 'count') return `${round(sum)} in all`
  if (kind === 'latency') {
    return `${count} times, p50 ${round(total.p50?.[0] ?? 0)}, p95 ${round(total.p95?.[0] ?? 0)}, max ${round(max)}`
  }
  return `mean ${round(count === 0 ? 0 : sum / count)}, min ${round(min)}, max ${round(max)}`
}

export function latencyWords({ groups }: History): string {
  const total = groups[0]?.total
  const count = total?.count[0] ?? 0
  if (!total || count === 0) return 'none'
  return `${count} times, p50 ${round(total.p50?.[0] ?? 0)} ms, p95 ${round(total.p95?.[0] ?? 0)} ms, max ${round(total.max[0] ?? 0)} ms`
}

export function sumOf(total: HistoryPoints): string {
  return round(total.sum[0] ?? 0)
}

/** Renders `12:00 3, 12:15 8`: over several steps the sum, the mean or the worst p95. */
export function pointWords({ kind, step_seconds: step }: History, points: HistoryPoints): string {
  const { length } = points.at
  const size = Math.max(1, Math.ceil(length / mostPoints))
  const words: string[] = []
  for (let at = 0; at < length; at += size) {
    const places = Array.from({ length: Math.min(size, length - at) }, (_each, offset) => at + offset)
    const sum = places.reduce((all, place) => all + points.sum[place]!, 0)
    const count = places.reduce((all, place) => all + points.count[place]!, 0)
    const worst = Math.max(...places.map(place => points.p95?.[place] ?? 0))
    const value = kind === 'count' ? sum : kind === 'latency' ? worst : count === 0 ? 0 : sum / count
    const moment = new Date(points.at[at]! * 1000).toISOString()
    const isLong = step * size >= 86_400 || at === 0
    words.push(`${isLong ? moment.slice(0, 16) : moment.slice(11, 16)} ${round(value)}`)
  }
  return words.length === 0 ? 'no points' : words.join(', ')
}

export function markLines({ marks }: History): string[] {
  return marks.slice(-mostMarks).map(({ at, kind, words }) => `${new Date(at * 1000).toISOString()} ${kind}: ${words}`)
}
