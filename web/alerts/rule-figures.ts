/** Parses and formats the figures of rules: durations, and values in the unit of their series. */
import type { HistorySeries } from '../../contract/history.ts'
import { formatMs } from '../analytics/chart-list.ts'
import { formatBytes, formatNumber } from '../platform/format.ts'

export type Unit = HistorySeries['unit'] | 'times'

const times = { s: 1, min: 60, h: 3_600, d: 86_400 } as const
const sizes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }

/**
 * Parses `90 s`, `10 min`, `1.5 h` or `1 d` into seconds, which are the default unit. Undefined if it is none of them.
 */
export function secondsOf(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d{1,9}(?:\.\d+)?)\s*(s|min|h|d)?$/.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  const seconds = Number(number) * times[unit as keyof typeof times]
  return Number.isInteger(seconds) ? seconds : undefined
}

export function timeOf(seconds: number): string {
  const unit = (['d', 'h', 'min'] as const).find(each => seconds >= times[each] && seconds % times[each] === 0) ?? 's'
  return `${seconds / times[unit]} ${unit}`
}

/** Parses a number; sizes may have a unit. Undefined if it is not one. */
export function figureOf(text: string, unit: Unit): number | undefined {
  const [, number, size] = /^(-?\d{1,15}(?:\.\d+)?)\s*([A-Za-z]+|%)?$/.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  if (size === undefined) return Number(number)
  if (unit === 'bytes' && Object.hasOwn(sizes, size)) return Number(number) * sizes[size as keyof typeof sizes]
  return size === suffixes[unit] ? Number(number) : undefined
}

/** Formats a value for editing, exactly. */
export function typedFigure(value: number, unit: Unit): string {
  if (unit !== 'bytes') return String(value)
  const fits = (['TiB', 'GiB', 'MiB'] as const).find(
    size => value >= sizes[size] && Number.isInteger((value / sizes[size]) * 4),
  )
  return fits ? `${value / sizes[fits]} ${fits}` : String(value)
}

const suffixes: Record<Unit, string> = {
  ...{ percent: '%', ms: 'ms', bytes: 'B', count: '', tokens: 'tokens', days: 'd', times: 'times' },
}

/** Returns the unit to show after the field. */
export function unitWords(unit: Unit, isPerMinute: boolean): string {
  if (unit === 'times') return 'times the usual'
  if (unit === 'bytes') return 'such as 500 MB or 1 GiB'
  const words = { percent: 'percent', ms: 'milliseconds', count: '', tokens: 'tokens', days: 'days' }[unit]
  return `${words}${isPerMinute ? ' per minute' : ''}`.trim()
}

export function formatFigure(value: number, unit: Unit): string {
  if (unit === 'percent') return `${formatNumber(value)} %`
  if (unit === 'ms') return formatMs(value)
  if (unit === 'bytes') return formatBytes(value)
  if (unit === 'times') return `${formatNumber(value)} ×`
  return unit === 'days' ? `${formatNumber(value)} d` : formatNumber(value)
}
