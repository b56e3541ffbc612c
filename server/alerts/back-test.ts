/** Replays a rule on the stored history, with the same values and states as live, in the steps that are stored. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { AlertRuleBody, BackTest } from '../../contract/alerts.ts'
import { stepFor } from '../history/history-service.ts'
import { startOf } from '../history/levels.ts'
import type { Labels } from '../history/series.ts'
import { advance, type MachineState } from './alert-machine.ts'
import { type ReadHistory, windowOf } from './rule-point.ts'
import { type Values, valuesOf } from './rule-values.ts'

export interface BackTestRange {
  /** Epoch seconds. */
  from: number
  to: number
  now: number
  sees(labels: Labels): boolean
}

type Instance = BackTest['instances'][number]

interface Tried {
  /** The labels of the alert, as JSON. */
  instance: string
  list: Float64Array
  firings: Instance['firings']
  fired: number
  flapped: number
  seconds: number
}

const mostInstances = 20
const mostFirings = 200
/** An alert that fires again within this many seconds has flapped. */
const flapSeconds = 60 * 60
/** Milliseconds of work before it yields to the event loop. */
const pieceMs = 2

export async function backTest(reader: ReadHistory, rule: AlertRuleBody, range: BackTestRange): Promise<BackTest> {
  const step = stepFor(range.from, range.to, range.now)
  const from = startOf(range.from, step)
  const until = startOf(range.to, step)
  const values = await valuesOf(reader, rule, { step, from, until, sees: range.sees })
  const tried = await tryAll(rule, values, { from, step, until })
  tried.sort((one, other) => other.seconds - one.seconds)
  const sum = (of: (instance: Tried) => number) => tried.reduce((all, one) => all + of(one), 0)
  return {
    from: isoOf(from),
    to: isoOf(until),
    step_seconds: step,
    window_seconds: windowOf(rule, step),
    fired: sum(({ fired }) => fired),
    flapped: sum(({ flapped }) => flapped),
    firing_seconds: sum(({ seconds }) => seconds),
    instances: tried.slice(0, mostInstances).map(({ instance, list, firings, fired }) => {
      const shown: Instance = { labels: JSON.parse(instance), firings, fired, at: [], values: [] }
      for (let place = 0; place < list.length; place++) {
        shown.at.push(from + (place + 1) * step)
        shown.values.push(Number.isNaN(list[place]) ? null : rounded(list[place]!))
      }
      return shown
    }),
    instances_left_out: Math.max(0, tried.length - mostInstances),
  }
}

interface Steps {
  from: number
  step: number
  until: number
}

async function tryAll(rule: AlertRuleBody, values: Values, steps: Steps): Promise<Tried[]> {
  const tried: Tried[] = []
  let began = performance.now()
  for (const [instance, list] of values) {
    tried.push({ instance, list, ...tryOne(rule, list, steps) })
    if (performance.now() - began < pieceMs) continue
    await yieldLoop()
    began = performance.now()
  }
  return tried
}

function tryOne(rule: AlertRuleBody, list: Float64Array, { from, step, until }: Steps) {
  const firings: Instance['firings'] = []
  let state: MachineState | undefined
  let [fired, flapped, seconds] = [0, 0, 0]
  let open: { from: number; worst: number | null } | undefined
  let clearedAt = Number.NEGATIVE_INFINITY
  const end = (to: number | undefined) => {
    if (!open) return
    seconds += (to ?? until) - open.from
    if (firings.length < mostFirings) {
      firings.push({ from: isoOf(open.from), to: to === undefined ? null : isoOf(to), worst: open.worst })
    }
    open = undefined
  }
  for (let place = 0; place < list.length; place++) {
    const at = from + (place + 1) * step
    const value = Number.isNaN(list[place]) ? undefined : list[place]
    const next = advance(rule, state, { at, value })
    state = next.state
    if (next.transitions.includes('raised')) {
      fired++
      if (at - clearedAt < flapSeconds) flapped++
      open = { from: at, worst: null }
    }
    if (open && value !== undefined) open.worst = worseOf(rule, open.worst, value)
    if (!next.transitions.includes('cleared')) continue
    clearedAt = at
    end(at)
  }
  end(undefined)
  return { firings, fired, flapped, seconds }
}

function worseOf({ comparison }: AlertRuleBody, known: number | null, value: number): number {
  if (known === null) return rounded(value)
  return rounded(comparison === 'above' ? Math.max(known, value) : Math.min(known, value))
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
