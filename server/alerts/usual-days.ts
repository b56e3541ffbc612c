/**
 * The usual value of a series: the median of the daily maxima of some days. Today and yesterday are excluded, so that
 * an anomaly does not become usual while it lasts. It depends only on the history and the day, so live evaluation and
 * back-test agree.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { AlertRuleBody } from '../../contract/alerts.ts'
import type { Points } from '../history/history-reader.ts'
import { type Step, startOf } from '../history/levels.ts'
import type { Labels, SeriesName } from '../history/series.ts'
import { aggregated, instanceOf, type ReadHistory, windowOf } from './rule-point.ts'
import { SlidingWindow } from './sliding-window.ts'

const day = 86_400
/** Steps of the history from which usual values are computed, in seconds, unless the rule reads longer ones. */
const usualStep = 900
/** Cached results, one for each rule and day; the oldest is evicted. */
const mostKept = 200
const pieceMs = 2
/** Steps between two checks of the time. */
const stepsAtOnce = 32

interface LookRange {
  step: Step
  /** Epoch seconds. */
  from: number
  until: number
  sees(labels: Labels): boolean
}

/** Daily maxima by the labels of the alert, and by day. */
type Highest = Map<string, Map<number, number>>
/** Returns the usual value for a time within the day; undefined if the days before had none. */
export type UsualValue = (instance: string, at: number) => number | undefined

type Groups = ReadonlyMap<string, Points>

/** Returns the start of the days that count for a moment. */
export function usualFrom(days: number, at: number): number {
  return startOf(at, day) - (days + 1) * day
}

/** Returns true if usual values can be computed from history read in this step. */
export function isUsualStep(step: number): boolean {
  return step >= usualStep
}

export class UsualDays {
  readonly #reader: ReadHistory
  readonly #known = new Map<string, Promise<Highest>>()

  constructor(reader: ReadHistory) {
    this.#reader = reader
  }

  /** @param read The rule's history, if it was read from the first of the days on in a step that is long enough. */
  async of(
    rule: AlertRuleBody,
    { days }: NonNullable<AlertRuleBody['usual']>,
    range: LookRange,
    read?: Groups,
  ): Promise<UsualValue> {
    const { step, from, until, sees } = range
    const end = startOf(Math.max(from, until - step), day) - day
    const seen = { step: Math.max(usualStep, step) as Step, from: usualFrom(days, from), until: end, sees }
    const highest = await (read ? highestOf(rule, read, seen) : this.#read(rule, seen))
    // Consecutive steps mostly belong to the same day.
    let known: { instance: string; last: number; median: number | undefined } | undefined
    return (instance, at) => {
      if (known?.instance !== instance || at < known.last + day || at >= known.last + 2 * day) {
        const last = startOf(at, day) - day
        const values = [...(highest.get(instance) ?? [])].filter(([of]) => of >= last - days * day && of < last)
        known = { instance, last, median: medianOf(values.map(([, value]) => value)) }
      }
      return known.median
    }
  }

  /** Reads once for each rule and day. */
  #read(rule: AlertRuleBody, range: LookRange): Promise<Highest> {
    const { series, where, per, aggregation, window_seconds: window } = rule
    const key = JSON.stringify([series, where, per, aggregation, window, range.step, range.from, range.until])
    const known = this.#known.get(key)
    if (known) return known
    const reading = this.#highest(rule, range)
    this.#known.set(key, reading)
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostKept) this.#known.delete(oldest!)
    // A failed read is retried with the next one.
    reading.catch(() => this.#known.delete(key))
    return reading
  }

  async #highest(rule: AlertRuleBody, range: LookRange): Promise<Highest> {
    const { step, from, until, sees } = range
    const window = windowOf(rule, step)
    const wanted = Object.entries(rule.where) as [keyof Labels, string][]
    const groups = await this.#reader.read({
      ...{ name: rule.series as SeriesName, step, from: from - window, until, hasZeros: false },
      where: labels => sees(labels) && wanted.every(([label, value]) => labels[label] === value),
      groupOf: labels => instanceOf(rule, labels),
    })
    return highestOf(rule, groups, range)
  }
}

async function highestOf(
  rule: AlertRuleBody,
  groups: Groups,
  { step, from, until }: Pick<LookRange, 'step' | 'from' | 'until'>,
): Promise<Highest> {
  const window = windowOf(rule, step)
  const highest: Highest = new Map()
  let began = performance.now()
  let steps = 0
  for (const [instance, points] of groups) {
    const days = new Map<number, number>()
    const sliding = new SlidingWindow(points, step, window)
    // A window of one step equals its point, so missing points are skipped.
    const places = window === step ? points.keys() : placesOf(from, until, step)
    for (const place of places) {
      if (place < from || place >= until) continue
      const point = sliding.pointAt(place + step)
      const value = point && aggregated(rule, point, window)
      // A day without activity says nothing about how much is usual when there is some.
      if (value !== undefined && value > 0) {
        const of = startOf(place, day)
        days.set(of, Math.max(days.get(of) ?? 0, value))
      }
      if (++steps % stepsAtOnce > 0 || performance.now() - began < pieceMs) continue
      await yieldLoop()
      began = performance.now()
    }
    highest.set(instance, days)
  }
  return highest
}

function* placesOf(from: number, until: number, step: number): Generator<number> {
  for (let place = from; place < until; place += step) yield place
}

function medianOf(values: number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}
