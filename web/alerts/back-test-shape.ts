/** Turns a back-test into paths in a box of 100 × 100, y downwards, and into a summary. Pixels keep their extremes. */
import type { AlertRuleBody, BackTest } from '../../contract/alerts.ts'
import { formatCount, formatDuration } from '../platform/format.ts'
import { timeOf } from './rule-figures.ts'

type Instance = BackTest['instances'][number]

const columns = 400

type Thresholds = Pick<AlertRuleBody, 'threshold' | 'clear_threshold'>

export function backTestShape(
  { threshold, clear_threshold: clear }: Thresholds,
  { from, to }: Pick<BackTest, 'from' | 'to'>,
  instance: Instance,
) {
  const [begin, end] = [Date.parse(from) / 1000, Date.parse(to) / 1000]
  const x = (at: number) => round(((at - begin) / Math.max(1, end - begin)) * 100)
  let [low, high] = [Math.min(0, threshold, clear ?? 0), Math.max(0, threshold, clear ?? 0)]
  for (const value of instance.values) {
    if (value === null) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const y = (value: number) => round(95 - ((value - low) / (high - low || 1)) * 90)
  const spans = new Map<number, { min: number; max: number }>()
  instance.at.forEach((at, place) => {
    const value = instance.values[place] ?? null
    if (value === null) return
    const column = Math.floor(((at - begin) / Math.max(1, end - begin)) * columns)
    const span = spans.get(column)
    spans.set(column, { min: Math.min(span?.min ?? value, value), max: Math.max(span?.max ?? value, value) })
  })
  let line = ''
  let last = Number.NaN
  for (const [column, { min, max }] of spans) {
    const place = round((column / columns) * 100)
    line += `${column === last + 1 ? 'L' : 'M'}${place} ${y(min)}L${place} ${y(max)}`
    last = column
  }
  const bands = instance.firings.map(firing => {
    const left = x(Date.parse(firing.from) / 1000)
    const right = firing.to === null ? 100 : x(Date.parse(firing.to) / 1000)
    return { from: left, width: Math.max(0.3, round(right - left)) }
  })
  return { line, threshold: y(threshold), clear: clear === null ? undefined : y(clear), bands, low, high }
}

/** @param days Length of the tested range. */
export function backTestWords({ fired, flapped, firing_seconds: seconds, step_seconds: step }: BackTest, days: number) {
  const range = days === 1 ? 'in the last 24 hours' : `in the last ${days} days`
  const steps = `Tested in steps of ${timeOf(step)}.`
  if (fired === 0) return `It would not have fired ${range}. ${steps}`
  const times = fired === 1 ? 'once' : `${fired} times`
  const flaps = flapped > 0 ? `, ${formatCount(flapped, 'flap')} (again within an hour)` : ''
  return `It would have fired ${times} ${range}, ${formatDuration(seconds)} in all${flaps}. ${steps}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
