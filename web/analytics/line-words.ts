/** The text of a chart: values under the crosshair, totals, and nearby events. */
import type { HistoryMark } from '../../contract/history.ts'
import { formatCount, formatDateTime, formatNumber } from '../platform/format.ts'
import type { ChartInfo } from './chart-list.ts'
import type { ChartShape, Line } from './chart-shape.ts'
import type { TimeWindow } from './time-range.ts'

const nothing = 'no reading'

/** Formats the values of a line: `12 (3–40, before 9)`. */
export function lineWords({ format, kind }: ChartInfo, { values, low, high, before }: Line, place: number): string {
  const value = values[place] ?? null
  if (value === null) return nothing
  const [least, most, past] = [low?.[place] ?? null, high?.[place] ?? null, before?.[place] ?? null]
  const isSpread = least !== null && most !== null && (least !== most || kind === 'latency')
  const more = [isSpread && `${format(least)} to ${format(most)}`, past !== null && `before ${format(past)}`]
  const said = more.filter(Boolean).join(', ')
  return said ? `${format(value)} (${said})` : format(value)
}

/** Summarises a line without a crosshair: the total, or the newest value. */
export function wholeWords({ format, kind }: ChartInfo, { values, total }: Line): string {
  if (kind === 'count') return `${formatNumber(Math.round(total ?? 0))} in all`
  const last = values.findLast(value => value !== null)
  return last === undefined || last === null ? nothing : format(last)
}

export function momentWords(
  chart: ChartInfo,
  shape: ChartShape,
  place: number,
  unit: string,
  near: readonly HistoryMark[],
): string {
  const at = shape.at[place]
  if (at === undefined) return nothing
  const lines = shape.lines.map(line => `${line.label} ${lineWords(chart, line, place)}${unit && ` ${unit}`}`)
  return [formatDateTime(at * 1000), ...lines, ...(near.length > 0 ? [nearWords(near)] : [])].join('; ')
}

/** Describes nearby marks; several start with their number, because the line fits few. */
export function nearWords(near: readonly HistoryMark[]): string {
  const words = near.map(each => each.words).join(' ')
  return near.length > 1 ? `${formatCount(near.length, 'mark')}: ${words}` : words
}

/** Returns the marks under the crosshair, within a hundredth of the chart. */
export function marksNear(
  marks: readonly HistoryMark[],
  moment: number,
  stepSeconds: number,
  { from, to }: TimeWindow,
): HistoryMark[] {
  const reach = Math.max(stepSeconds, (to - from) / 100)
  return marks.filter(({ at }) => at >= moment - reach && at < moment + reach)
}
