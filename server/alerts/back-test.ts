/** What a rule would have done on the stored history: the same values and the same states as live, in the steps that are kept. */
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

const mostInstances = 20
const mostFirings = 200
/** One that fires again so soon has flapped. */
const flapSeconds = 60 * 60
/** So long it works before the event loop has its turn. */
const pieceMs = 3

export async function backTest(reader: ReadHistory, rule: AlertRuleBody, range: BackTestRange): Promise<BackTest> {
  const step = stepFor(range.from, range.to, range.now)
  const from = startOf(range.from, step)
  const until = startOf(range.to, step)
  const values = await valuesOf(reader, rule, { step, from, until, sees: range.sees })
  const tried = [...(await tryAll(rule, values, until))]
  tried.sort((one, other) => other.seconds - one.seconds)
  const sum = (of: (instance: (typeof tried)[number]) => number) => tried.reduce((all, one) => all + of(one), 0)
  return {
    from: isoOf(from),
    to: isoOf(until),
    step_seconds: step,
    window_seconds: windowOf(rule, step),
    fired: sum(({ fired }) => fired),
    flapped: sum(({ flapped }) => flapped),
    firing_seconds: sum(({ seconds }) => seconds),
    instances: tried.slice(0, mostInstances).map(({ seconds: _, flapped: __, ...instance }) => instance),
    instances_left_out: Math.max(0, tried.length - mostInstances),
  }
}

async function tryAll(rule: AlertRuleBody, values: Values, until: number) {
  const tried: (Instance & { seconds: number; flapped: number })[] = []
  let began = performance.now()
  for (const [instance, list] of values) {
    tried.push({ labels: JSON.parse(instance), ...tryOne(rule, list, until) })
    if (performance.now() - began < pieceMs) continue
    await yieldLoop()
    began = performance.now()
  }
  return tried
}

function tryOne(rule: AlertRuleBody, list: readonly { at: number; value: number | undefined }[], until: number) {
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
  for (const { at, value } of list) {
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
  return {
    firings,
    fired,
    flapped,
    seconds,
    at: list.map(({ at }) => at),
    values: list.map(({ value }) => (value === undefined ? null : rounded(value))),
  }
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
