/**
 * The state of one alert, as a pure function of its previous state and the next value, both live and in back-tests.
 * Pending, firing and cleared follow Prometheus for `for` and `keep_firing_for`, with hysteresis and handling of
 * missing values added.
 */
import type { AlertRuleBody } from '../../contract/alerts.ts'

/** The fields of a rule that the state depends on. */
export type MachineRule = Pick<
  AlertRuleBody,
  'comparison' | 'threshold' | 'clear_threshold' | 'for_seconds' | 'keep_seconds' | 'no_data'
>

/** The state of an open alert, with times in epoch seconds; undefined while there is none. */
export interface MachineState {
  phase: 'pending' | 'firing'
  /** When the value became bad. */
  since: number
  raisedAt: number | undefined
  /** When the value of a firing alert became good again. */
  goodSince: number | undefined
  /** When values began to be missing. */
  noDataSince: number | undefined
}

/**
 * A value at a time.
 * @property value Undefined if there is no data.
 */
export interface Sample {
  at: number
  value: number | undefined
}

export type Transition = 'pending' | 'raised' | 'dropped' | 'cleared'

export interface Step {
  state: MachineState | undefined
  /** The transitions in order: a value that fires immediately is pending and raised in one step. */
  transitions: readonly Transition[]
}

/** Seconds for which an alert without a value keeps its state, if the rule says `keep`. */
export const keepWithoutDataSeconds = 600

export function advance(rule: MachineRule, before: MachineState | undefined, { at, value }: Sample): Step {
  const state = before && notAfter(before, at)
  if (value !== undefined) return judged(rule, state, at, isBad(rule, state?.phase === 'firing', value), undefined)
  if (rule.no_data === 'alert') return judged(rule, state, at, true, at)
  if (rule.no_data === 'ok' || !state) return judged(rule, state, at, false, undefined)
  const noDataSince = state.noDataSince ?? at
  if (at - noDataSince >= keepWithoutDataSeconds) return judged(rule, state, at, false, noDataSince)
  return { state: { ...state, noDataSince }, transitions: [] }
}

/** Moves future times back to now: after the clock was set back, they would delay the alert until then. */
function notAfter(state: MachineState, at: number): MachineState {
  const { since, goodSince, noDataSince } = state
  if (Math.max(since, goodSince ?? at, noDataSince ?? at) <= at) return state
  const earlier = (time: number | undefined) => (time === undefined ? undefined : Math.min(time, at))
  return { ...state, since: Math.min(since, at), goodSince: earlier(goodSince), noDataSince: earlier(noDataSince) }
}

/** A firing alert stays bad until the value passes the threshold at which it clears. */
function isBad({ comparison, threshold, clear_threshold: clear }: MachineRule, isFiring: boolean, value: number) {
  const border = isFiring ? (clear ?? threshold) : threshold
  return comparison === 'above' ? value > border : value < border
}

function judged(
  rule: MachineRule,
  state: MachineState | undefined,
  at: number,
  isBadNow: boolean,
  noDataSince: number | undefined,
): Step {
  if (isBadNow) return bad(rule, state, at, noDataSince)
  if (!state) return { state: undefined, transitions: [] }
  if (state.phase === 'pending') return { state: undefined, transitions: ['dropped'] }
  const goodSince = state.goodSince ?? at
  if (at - goodSince < rule.keep_seconds) return { state: { ...state, goodSince, noDataSince }, transitions: [] }
  return { state: undefined, transitions: ['cleared'] }
}

function bad(
  { for_seconds: wait }: MachineRule,
  state: MachineState | undefined,
  at: number,
  noDataSince: number | undefined,
): Step {
  if (state?.phase === 'firing') {
    return { state: { ...state, goodSince: undefined, noDataSince }, transitions: [] }
  }
  const transitions: Transition[] = state ? [] : ['pending']
  const since = state?.since ?? at
  if (at - since < wait) {
    return { state: { phase: 'pending', since, raisedAt: undefined, goodSince: undefined, noDataSince }, transitions }
  }
  transitions.push('raised')
  return { state: { phase: 'firing', since, raisedAt: at, goodSince: undefined, noDataSince }, transitions }
}
