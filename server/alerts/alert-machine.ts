/**
 * The state of one alert, as a pure function of its state before and the next value: live and on the past alike. Pending, firing and cleared are as
 * Prometheus has them for `for` and `keep_firing_for`; hysteresis and what no value means come on top.
 */
import type { AlertRuleBody } from '../../contract/alerts.ts'

/** What of a rule the state depends on. */
export type MachineRule = Pick<
  AlertRuleBody,
  'comparison' | 'threshold' | 'clear_threshold' | 'for_seconds' | 'keep_seconds' | 'no_data'
>

/** Times in epoch seconds. Undefined in place of it: there is nothing to tell. */
export interface MachineState {
  phase: 'pending' | 'firing'
  /** When it began to be bad. */
  since: number
  raisedAt: number | undefined
  /** Of one that fires: since when it is well again. */
  goodSince: number | undefined
  /** Since when there is no value. */
  noDataSince: number | undefined
}

/** @property value Undefined where there is no data. */
export interface Sample {
  at: number
  value: number | undefined
}

export type Transition = 'pending' | 'raised' | 'dropped' | 'cleared'

export interface Step {
  state: MachineState | undefined
  /** In order: what is bad at once is pending and raised in one step. */
  transitions: readonly Transition[]
}

/** An alert without a value stays as it is for so long where the rule says `keep`. */
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

/** After the clock was set back: what began at a time to come would be waited for until then. */
function notAfter(state: MachineState, at: number): MachineState {
  const { since, goodSince, noDataSince } = state
  if (Math.max(since, goodSince ?? at, noDataSince ?? at) <= at) return state
  const earlier = (time: number | undefined) => (time === undefined ? undefined : Math.min(time, at))
  return { ...state, since: Math.min(since, at), goodSince: earlier(goodSince), noDataSince: earlier(noDataSince) }
}

/** What fires is bad until it is past the threshold at which it clears. */
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
