/** The address of the log page, its lines in words, and merging new lines with the shown ones. */
import { type LogFilter, type LogLevelName, type LogLine, logBounds, logLevels } from '../../contract/logs.ts'
import { addressOf } from '../platform/api-client.ts'
import type { Tone } from '../ui/tone.ts'

export const viewDefaults = { level: '', account: '', request: '', q: '' }
export type LogView = typeof viewDefaults

/** Not in the endpoint table, because the response is a file. */
const exportPath = '/api/dashboard/logs/export'

/** Labels of the levels; each filter includes the more severe levels. */
export const levelWords: Record<LogLevelName, { tone: Tone; text: string }> = {
  trace: { tone: 'unknown', text: 'Trace' },
  debug: { tone: 'unknown', text: 'Debug' },
  info: { tone: 'info', text: 'Info' },
  warn: { tone: 'warn', text: 'Warning' },
  error: { tone: 'bad', text: 'Error' },
  fatal: { tone: 'bad', text: 'Fatal' },
}

/** Builds the filter; the server validates the values, so unknown ones produce its error. */
export function filterOf({ level, account, request, q }: LogView): LogFilter {
  return {
    level: level === '' ? undefined : (level as LogLevelName),
    account_id: account || undefined,
    request_id: request || undefined,
    q: q || undefined,
  }
}

export function hasFilter(view: LogView): boolean {
  return Object.values(filterOf(view)).some(value => value !== undefined)
}

export function exportAddress(view: LogView): string {
  return addressOf(exportPath, {}, { ...filterOf(view) })
}

/** Returns the address of the lines of one request or account. */
export function logsAddress(view: Partial<LogView>): string {
  return `/logs?${new URLSearchParams(view)}`
}

/** Returns the levels that can occur, given the server's configured level. */
export function levelsFrom(written: LogLevelName | 'silent' | undefined): LogLevelName[] {
  const least = written === undefined || written === 'silent' ? logLevels.indexOf('info') : logLevels.indexOf(written)
  return logLevels.filter((level, index) => index >= least && level !== 'fatal')
}

export interface ShownLines {
  items: LogLine[]
  newest: string
  next_cursor: string | null
}

/** Prepends new lines, and drops the oldest past the server's own bound. */
export function joined<Fresh extends ShownLines & { is_complete: boolean }>(known: ShownLines, fresh: Fresh): Fresh {
  if (!fresh.is_complete) return fresh
  const items = fresh.items.length === 0 ? known.items : [...fresh.items, ...known.items].slice(0, logBounds.lines)
  return { ...fresh, items, next_cursor: known.next_cursor }
}

/** Formats the fields after the message on one line. */
export function fieldWords({ fields, account_id, request_id, error }: LogLine): string {
  const more = [
    ...(account_id === null ? [] : [['account', account_id]]),
    ...(request_id === null ? [] : [['request', request_id]]),
    ...Object.entries(fields),
  ].map(([name, value]) => `${name}=${value}`)
  return [...(error ? [`${error.type}: ${error.message}`] : []), ...more].join('  ')
}
