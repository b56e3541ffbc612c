/** Which time the page shows: a length up to now, or from one moment to another; and in which steps it is asked for. */
import type { HistoryStep } from '../../contract/history.ts'

const hour = 3_600
const day = 24 * hour

export const rangeSeconds = {
  '15m': 900,
  '1h': hour,
  '24h': day,
  '7d': 7 * day,
  '30d': 30 * day,
  '1y': 365 * day,
} as const
export type RangeName = keyof typeof rangeSeconds
export const rangeNames = Object.keys(rangeSeconds) as RangeName[]

export const viewDefaults = {
  range: '24h',
  /** ISO dates; while both are there, they count instead of the range. */
  from: '',
  to: '',
  /** `off` hides the time before. */
  compare: '',
  /** The chart that somebody came for. */
  chart: '',
  /** `all` charts, or those that most people want. */
  charts: '',
}
export type AnalyticsView = typeof viewDefaults

/** Epoch seconds. */
export interface TimeWindow {
  from: number
  to: number
  /** Up to now, which goes on. */
  isLive: boolean
}

/** What the server keeps: see docs/history.md. */
const levels = [
  { step: '5s', seconds: 5, kept: hour },
  { step: '1m', seconds: 60, kept: 2 * day },
  { step: '15m', seconds: 900, kept: 60 * day },
  { step: '1d', seconds: day, kept: 3 * 365 * day },
] as const satisfies readonly { step: HistoryStep; seconds: number; kept: number }[]

const longest = 3 * 365 * day
const shortest = 60
const mostPoints = 3_000
/** Clocks differ, and a range up to now moves on between the click and the answer. */
const tolerance = 120

export function windowOf({ range, from, to }: Pick<AnalyticsView, 'range' | 'from' | 'to'>, now: number): TimeWindow {
  const [first, last] = [Date.parse(from) / 1000, Date.parse(to) / 1000]
  if (first < last) return bounded({ from: first, to: last }, now)
  const length = rangeSeconds[range as RangeName] ?? rangeSeconds['24h']
  return { from: now - length, to: now, isLive: true }
}

/** The shortest range that shows all there is, where that is the last sixth of a live window; undefined where it is more. */
export function shorterRange(first: number, { from, to, isLive }: TimeWindow): RangeName | undefined {
  const length = to - first
  if (!isLive || length > (to - from) / 6) return undefined
  return rangeNames.find(name => rangeSeconds[name] >= length && rangeSeconds[name] < to - from)
}

/** Within what can be kept, and long enough to be seen. */
export function bounded({ from, to }: { from: number; to: number }, now: number): TimeWindow {
  const last = Math.min(Math.floor(now), Math.ceil(to))
  const first = Math.max(Math.floor(from), Math.floor(now) - longest)
  return { from: Math.min(first, last - shortest), to: last, isLive: false }
}

export function stepFor({ from, to }: Pick<TimeWindow, 'from' | 'to'>, now: number): (typeof levels)[number] {
  const fits = levels.find(({ seconds, kept }) => from >= now - kept - tolerance && (to - from) / seconds <= mostPoints)
  return fits ?? levels[levels.length - 1]!
}

/** For sums over the whole time: fewer points do. */
export function coarseStepFor(window: Pick<TimeWindow, 'from' | 'to'>, now: number): (typeof levels)[number] {
  const length = window.to - window.from
  const finest = stepFor(window, now)
  const wanted = levels.findLast(({ seconds }) => length / seconds >= 14) ?? levels[0]
  return wanted.seconds > finest.seconds ? wanted : finest
}

/** The same length right before. */
export function timeBefore({ from, to }: TimeWindow): TimeWindow {
  return { from: from - (to - from), to: from, isLive: false }
}

/** @param factor Above 1 shows more time, below 1 less, around the middle or the given moment. */
export function zoomed({ from, to }: TimeWindow, factor: number, now: number, around = (from + to) / 2): TimeWindow {
  const length = Math.max(shortest, (to - from) * factor)
  const share = (around - from) / (to - from)
  const first = around - length * share
  // What would lie ahead is shown behind.
  const last = Math.min(now, first + length)
  return bounded({ from: last - length, to: last }, now)
}

/** @param share Of its length: -0.5 is half a window earlier. */
export function moved({ from, to }: TimeWindow, share: number, now: number): TimeWindow {
  const last = Math.min(now, to + (to - from) * share)
  return bounded({ from: last - (to - from), to: last }, now)
}

export function isoOf(seconds: number): string {
  return new Date(Math.round(seconds) * 1000).toISOString()
}

/** What the address says of a window that stands still. */
export function addressOfWindow({ from, to }: Pick<TimeWindow, 'from' | 'to'>): Pick<AnalyticsView, 'from' | 'to'> {
  return { from: isoOf(from), to: isoOf(to) }
}

/** How often the newest step is asked for again. */
export function tickMs(stepSeconds: number): number {
  return stepSeconds <= 5 ? 5_000 : stepSeconds <= 60 ? 15_000 : 60_000
}
