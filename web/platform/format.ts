/** Formats figures and times for people. */

const locale = 'en'
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const span = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
const minute = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

/** Formats small numbers with one decimal and large ones without. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 99.95 ? whole.format(value) : tenths.format(value)
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`
}

/** Formats a size: `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${power === 0 ? whole.format(bytes) : formatNumber(bytes / 1000 ** power)} ${units[power]}`
}

/** Formats a duration in its two largest units: `3 d 4 h`, `12 min 5 s`. */
export function formatDuration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.floor(seconds) % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2).filter(([value]) => value > 0)
  return shown.map(([value, unit]) => `${value} ${unit}`).join(' ')
}

/**
 * Formats a distance in one unit: `12 s ago`, `in 3 min`. Future distances are rounded up: a new 30-day session has 30
 * days.
 */
export function formatRelative(atMs: number, nowMs: number): string {
  const seconds = Math.round((atMs - nowMs) / 1000)
  const distance = Math.abs(seconds)
  if (distance < 2) return 'now'
  return seconds < 0 ? `${oneUnit(distance, Math.floor)} ago` : `in ${oneUnit(distance, Math.ceil)}`
}

/** Formats a time: `14:03:07`. */
export function formatClock(atMs: number): string {
  return clock.format(atMs)
}

/** Formats a date with minutes: `22 Nov, 14:03`. */
export function formatMinute(atMs: number): string {
  return minute.format(atMs)
}

/** Formats a date with year and seconds: `22 Nov 2026, 14:03:07`. */
export function formatDateTime(atMs: number): string {
  return full.format(atMs)
}

/** Formats a time span, without repeating what both ends share: `22 Nov 2026, 14:03–15:00`. */
export function formatSpan(fromMs: number, toMs: number): string {
  return span.formatRange(fromMs, Math.max(fromMs, toMs))
}

function oneUnit(seconds: number, round: (value: number) => number): string {
  if (seconds < 60) return `${seconds} s`
  if (round(seconds / 60) < 60) return `${round(seconds / 60)} min`
  if (round(seconds / 3600) < 24) return `${round(seconds / 3600)} h`
  return `${round(seconds / 86_400)} d`
}
