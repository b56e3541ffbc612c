/** Computes the values of a rule: its series, aggregated over its window at one moment or at each step of a range. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { AlertRuleBody } from '../../contract/alerts.ts'
import { type Points, zerosOf } from '../history/history-reader.ts'
import type { Step } from '../history/levels.ts'
import type { Labels, SeriesName } from '../history/series.ts'
import { aggregated, instanceOf, type ReadHistory, windowOf } from './rule-point.ts'
import { SlidingWindow, type WindowPoint } from './sliding-window.ts'
import { isUsualStep, UsualDays, usualFrom } from './usual-days.ts'

export interface ValueRange {
  step: Step
  /**
   * Epoch seconds, multiples of the step; there is a value for each step that ends after `from` and at or before
   * `until`.
   */
  from: number
  until: number
  /** Filters rows in addition to the rule's own filter. */
  sees(labels: Labels): boolean
  /** Usual values that are already known. */
  usual?: UsualDays | undefined
}

/**
 * Values at the end of each step, by the labels of the alert as JSON; NaN for none. Typed arrays, since there are many.
 */
export type Values = Map<string, Float64Array>

/** Milliseconds of work before it yields to the event loop. */
const pieceMs = 2
/** Steps between two checks of the time. */
const stepsAtOnce = 32
/** The labels of an alert that has none. */
export const onlyInstance = '{}'

export async function valuesOf(reader: ReadHistory, rule: AlertRuleBody, range: ValueRange): Promise<Values> {
  const { step, from, until, sees } = range
  const window = windowOf(rule, step)
  const wanted = Object.entries(rule.where) as [keyof Labels, string][]
  const query = { step, from: from - window, until }
  // The usual values are in the same rows, only earlier.
  const isShared = rule.usual !== null && !range.usual && isUsualStep(step)
  const groups = await reader.read({
    ...query,
    ...(rule.usual && isShared ? { from: usualFrom(rule.usual.days, from) - window } : {}),
    hasZeros: false,
    name: rule.series as SeriesName,
    where: labels => sees(labels) && wanted.every(([label, value]) => labels[label] === value),
    groupOf: labels => instanceOf(rule, labels),
  })
  const whole = rule.share_of && (await readAll(reader, rule.share_of.series as SeriesName, query, sees))
  if (rule.per.length === 0 && groups.size === 0) groups.set(onlyInstance, new Map())
  // If the server ran and nothing was counted, the count is zero.
  const isCount = rule.aggregation === 'sum' || rule.aggregation === 'per_minute'
  const zeros = isCount && groups.size > 0 ? zerosOf(await readAll(reader, 'up', query, () => true)) : undefined
  const usual = rule.usual
    ? await (range.usual ?? new UsualDays(reader)).of(rule, rule.usual, range, isShared ? groups : undefined)
    : undefined
  const values: Values = new Map()
  const steps = Math.max(0, Math.round((until - from) / step))
  let began = performance.now()
  for (const [instance, points] of groups) {
    const list = new Float64Array(steps).fill(Number.NaN)
    const own = new SlidingWindow(points, step, window, zeros)
    const of = whole ? new SlidingWindow(whole, step, window) : undefined
    for (let place = 0; place < steps; place++) {
      const at = from + (place + 1) * step
      const value = ruleValue(rule, own.pointAt(at), of?.pointAt(at), window, usual?.(instance, at - step))
      if (value !== undefined) list[place] = value
      if (place % stepsAtOnce > 0 || performance.now() - began < pieceMs) continue
      await yieldLoop()
      began = performance.now()
    }
    values.set(instance, list)
  }
  return values
}

async function readAll(
  reader: ReadHistory,
  name: SeriesName,
  query: { step: Step; from: number; until: number },
  where: (labels: Labels) => boolean,
): Promise<Points> {
  const groups = await reader.read({ ...query, name, where, groupOf: () => '' })
  return groups.get('') ?? new Map()
}

function ruleValue(
  rule: AlertRuleBody,
  point: WindowPoint | undefined,
  of: WindowPoint | undefined,
  window: number,
  usual: number | undefined,
): number | undefined {
  if (!point) return undefined
  if (rule.usual) {
    const value = aggregated(rule, point, window)
    return value === undefined ? undefined : value / Math.max(rule.usual.at_least, usual ?? 0)
  }
  if (!rule.share_of) return aggregated(rule, point, window)
  return of && of.sum >= rule.share_of.at_least ? (100 * point.sum) / of.sum : undefined
}
