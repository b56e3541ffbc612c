/** The time range of the page, live or fixed, and the step to request it in. */
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
  /** ISO dates; if both are set, they override the range. */
  from: '',
  to: '',
  /** `off` hides the previous period. */
  compare: '',
  /** The chart that a link leads to. */
  chart: '',
  /** `all` shows every chart instead of the common ones. */
  charts: '',
}
export type AnalyticsView = typeof viewDefaults

/** A range in epoch seconds. */
export interface TimeWindow {
  from: number
  to: number
  /** Whether it ends now and advances. */
  isLive: boolean
}

/** Resolutions that the server stores; see docs/history.md. */
const levels = [
  { step: '5s', seconds: 5, kept: hour },
  { step: '1m', seconds: 60, kept: 2 * day },
  { step: '15m', seconds: 900, kept: 60 * day },
  { step: '1d', seconds: day, kept: 3 * 365 * day },
] as const satisfies readonly { step: HistoryStep; seconds: number; kept: number }[]

const longest = 3 * 365 * day
const shortest = 60
const mostPoints = 3_000
/** Seconds of slack for clock differences, and for a live range that advances before the response. */
const tolerance = 120

export function windowOf({ range, from, to }: Pick<AnalyticsView, 'range' | 'from' | 'to'>, now: number): TimeWindow {
  const [first, last] = [Date.parse(from) / 1000, Date.parse(to) / 1000]
  if (first < last) return bounded({ from: first, to: last }, now)
  const length = rangeSeconds[range as RangeName] ?? rangeSeconds['24h']
  return { from: now - length, to: now, isLive: true }
}

/**
 * Returns the shortest live range that shows all data, if that covers only the last sixth of the window; else
 * undefined.
 */
export function shorterRange(first: number, { from, to, isLive }: TimeWindow): RangeName | undefined {
  const length = to - first
  if (!isLive || length > (to - from) / 6) return undefined
  return rangeNames.find(name => rangeSeconds[name] >= length && rangeSeconds[name] < to - from)
}

/** Clamps a range to what is stored, and to a minimum length. */
export function bounded({ from, to }: { from: number; to: number }, now: number): TimeWindow {
  const last = Math.min(Math.floor(now), Math.ceil(to))
  const first = Math.max(Math.floor(from), Math.floor(now) - longest)
  return { from: Math.min(first, last - shortest), to: last, isLive: false }
}

export function stepFor({ from, to }: Pick<TimeWindow, 'from' | 'to'>, now: number): (typeof levels)[number] {
  const fits = levels.find(({ seconds, kept }) => from >= now - kept - tolerance && (to - from) / seconds <= mostPoints)
  return fits ?? levels[levels.length - 1]!
}

/** Returns a coarse step for sums over the whole range, which need fewer points. */
export function coarseStepFor(window: Pick<TimeWindow, 'from' | 'to'>, now: number): (typeof levels)[number] {
  const length = window.to - window.from
  const finest = stepFor(window, now)
  const wanted = levels.findLast(({ seconds }) => length / seconds >= 14) ?? levels[0]
  return wanted.seconds > finest.seconds ? wanted : finest
}

/** Returns the period of the same length right before. */
export function timeBefore({ from, to }: TimeWindow): TimeWindow {
  return { from: from - (to - from), to: from, isLive: false }
}

/** Zooms around the middle or a given time. @param factor Above 1 zooms out, below 1 zooms in. */
export function zoomed({ from, to }: TimeWindow, factor: number, now: number, around = (from + to) / 2): TimeWindow {
  const length = Math.max(shortest, (to - from) * factor)
  const share = (around - from) / (to - from)
  const first = around - length * share
  // A range that would reach into the future is moved back.
  const last = Math.min(now, first + length)
  return bounded({ from: last - length, to: last }, now)
}

/** Moves a range. @param share Fraction of its length: -0.5 is half a window earlier. */
export function moved({ from, to }: TimeWindow, share: number, now: number): TimeWindow {
  const last = Math.min(now, to + (to - from) * share)
  return bounded({ from: last - (to - from), to: last }, now)
}

export function isoOf(seconds: number): string {
  return new Date(Math.round(seconds) * 1000).toISOString()
}

/** Returns the address parameters of a fixed range. */
export function addressOfWindow({ from, to }: Pick<TimeWindow, 'from' | 'to'>): Pick<AnalyticsView, 'from' | 'to'> {
  return { from: isoOf(from), to: isoOf(to) }
}

/** Returns the interval at which the newest step is refetched, in milliseconds. */
export function tickMs(stepSeconds: number): number {
  return stepSeconds <= 5 ? 5_000 : stepSeconds <= 60 ? 15_000 : 60_000
}
