/** The states of alerts: what holds for every rule and every series of values, and that Prometheus comes to the same. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { available, getTool } from '../../test/support/require.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import {
  advance,
  keepWithoutDataSeconds,
  type MachineRule,
  type MachineState,
  type Transition,
} from './alert-machine.ts'

const interval = 60
const rule = (change: Partial<MachineRule> = {}): MachineRule => ({
  comparison: 'above',
  threshold: 50,
  clear_threshold: null,
  for_seconds: 0,
  keep_seconds: 0,
  no_data: 'ok',
  ...change,
})

/** Returns the state after each value, and all notifications. */
function run(of: MachineRule, values: readonly (number | undefined)[], step = interval) {
  let state: MachineState | undefined
  const states: (MachineState | undefined)[] = []
  const told: Transition[][] = []
  values.forEach((value, place) => {
    const next = advance(of, state, { at: place * step, value })
    state = next.state
    states.push(state)
    told.push([...next.transitions])
  })
  return { states, told }
}

const value = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined, freq: 8 })
const anyRule = fc
  .record({
    comparison: fc.constantFrom('above' as const, 'below' as const),
    threshold: fc.integer({ min: 20, max: 80 }),
    gap: fc.option(fc.integer({ min: 0, max: 15 })),
    for_seconds: fc.integer({ min: 0, max: 5 }).map(steps => steps * interval),
    keep_seconds: fc.integer({ min: 0, max: 5 }).map(steps => steps * interval),
    no_data: fc.constantFrom('ok' as const, 'keep' as const, 'alert' as const),
  })
  .map(({ gap, ...rest }) => {
    const away = rest.comparison === 'above' ? -1 : 1
    return { ...rest, clear_threshold: gap === null ? null : rest.threshold + away * gap }
  })

test('whatever comes: nothing fires before its time, nothing clears before it was well for long enough, and what is told is in order', () => {
  fc.assert(
    fc.property(anyRule, fc.array(value, { maxLength: 60 }), (of, values) => {
      const { states, told } = run(of, values)
      const isBad = (found: number | undefined, border: number) =>
        found === undefined ? of.no_data === 'alert' : of.comparison === 'above' ? found > border : found < border
      let phase: 'none' | 'pending' | 'firing' = 'none'
      told.forEach((transitions, place) => {
        for (const transition of transitions) {
          const before = { pending: 'none', raised: 'pending', dropped: 'pending', cleared: 'firing' }[transition]
          expect(phase).toBe(before)
          phase = transition === 'pending' ? 'pending' : transition === 'raised' ? 'firing' : 'none'
          if (transition === 'raised' && of.no_data !== 'keep') {
            const first = place - of.for_seconds / interval
            for (let at = first; at <= place; at++) expect(isBad(values[at], of.threshold)).toBe(true)
          }
          if (transition === 'cleared' && of.no_data !== 'keep') {
            const border = of.clear_threshold ?? of.threshold
            const first = place - of.keep_seconds / interval
            for (let at = first; at <= place; at++) expect(isBad(values[at], border)).toBe(false)
          }
        }
        expect(states[place]?.phase ?? 'none').toBe(phase)
      })
    }),
  )
})

test('the same input gives the same state, however often it stops and goes on from what was stored', () => {
  fc.assert(
    fc.property(anyRule, fc.array(value, { maxLength: 40 }), (of, values) => {
      let state: MachineState | undefined
      const resumed = values.map((found, place) => {
        const stored = state && (structuredClone(state) as MachineState)
        state = advance(of, stored, { at: place * interval, value: found }).state
        return state
      })
      expect(resumed).toEqual(run(of, values).states)
    }),
  )
})

test('a value between both thresholds keeps what is: no flapping around one of them', () => {
  const { told } = run(rule({ clear_threshold: 40 }), [51, 49, 51, 45, 41, 40, 49, 51])
  expect(told).toEqual([['pending', 'raised'], [], [], [], [], ['cleared'], [], ['pending', 'raised']])
})

test('without data it is well, stays for ten minutes, or is bad, as the rule says', () => {
  const gone = Array.from({ length: 12 }, () => undefined)
  const told = (noData: MachineRule['no_data']) => run(rule({ no_data: noData }), [60, ...gone]).told.flat()
  expect(told('ok')).toEqual(['pending', 'raised', 'cleared'])
  expect(told('alert')).toEqual(['pending', 'raised'])
  const { told: kept } = run(rule({ no_data: 'keep' }), [60, ...gone])
  expect(kept.findIndex(transitions => transitions.includes('cleared'))).toBe(1 + keepWithoutDataSeconds / interval)
  expect(run(rule({ no_data: 'alert', for_seconds: 60 }), gone).told.flat()).toEqual(['pending', 'raised'])
})

const hasPromtool = available('promtool')
const execute = promisify(execFile)

describe.skipIf(!hasPromtool)('with promtool', () => {
  test('on 1,000 random series the states are those of Prometheus', async () => {
    const dir = tempDir('promtool')
    onTestFinished(() => dir.remove())
    const cases = fc.sample(fc.tuple(anyRule, fc.array(value, { minLength: 12, maxLength: 30 })), {
      numRuns: 1_000,
      seed: 16,
    })
    // Number of cases per run of promtool, which creates a database for each group of tests.
    const atOnce = 100
    const files: string[] = []
    let firing = 0
    for (let first = 0; first < cases.length; first += atOnce) {
      const lines = { rules: [] as string[], series: [] as string[], expected: [] as string[] }
      for (const [place, [random, values]] of cases.slice(first, first + atOnce).entries()) {
        const of: MachineRule = { ...random, no_data: 'ok' }
        const name = `a${first + place}`
        const sign = of.comparison === 'above' ? '>' : '<'
        const fires = `ALERTS{alertname="${name}",alertstate="firing"}`
        // A firing alert stays beyond the threshold at which it clears.
        const stays =
          of.clear_threshold === null ? '' : ` or (v_${name} ${sign} ${of.clear_threshold} and on() ${fires})`
        const keep = of.keep_seconds > 0 ? `, keep_firing_for: ${of.keep_seconds}s` : ''
        const wait = of.for_seconds > 0 ? `, for: ${of.for_seconds}s` : ''
        lines.rules.push(
          `      - { alert: ${name}, expr: '(v_${name} ${sign} ${of.threshold})${stays}'${wait}${keep} }`,
        )
        const list = values.map(found => (found === undefined ? 'stale' : found)).join(' ')
        lines.series.push(`      - { series: v_${name}, values: '${list}' }`)
        for (const [step, state] of run(of, values).states.entries()) {
          const isFiring = state?.phase === 'firing'
          if (isFiring) firing++
          const alerts = isFiring ? '{}' : ''
          lines.expected.push(`      - { eval_time: ${step * interval}s, alertname: ${name}, exp_alerts: [${alerts}] }`)
        }
      }
      const head = [`rule_files: [rules-${first}.yml]`, `evaluation_interval: ${interval}s`, 'tests:']
      const test = [
        `  - interval: ${interval}s`,
        '    input_series:',
        ...lines.series,
        '    alert_rule_test:',
        ...lines.expected,
      ]
      writeFileSync(
        `${dir.path}/rules-${first}.yml`,
        ['groups:', '  - name: all', '    rules:', ...lines.rules, ''].join('\n'),
      )
      writeFileSync(`${dir.path}/test-${first}.yml`, [...head, ...test, ''].join('\n'))
      files.push(`test-${first}.yml`)
    }
    expect(firing).toBeGreaterThan(1_000)
    const { stdout } = await execute(getTool('promtool'), ['test', 'rules', ...files], {
      cwd: dir.path,
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: { stdout: string }) => error)
    expect(
      stdout
        .split('\n')
        .filter(text => /FAILED|exp:|got:/.test(text))
        .slice(0, 20),
    ).toEqual([])
    expect(stdout.match(/SUCCESS/g)).toHaveLength(files.length)
  })
})

test('a clock that is set back delays no alert, and no end of one, by more than the rule waits', () => {
  const of = rule({ for_seconds: interval, keep_seconds: interval })
  const hour = 3_600
  const begun = advance(of, undefined, { at: 2 * hour, value: 90 }).state
  const again = advance(of, begun, { at: hour, value: 90 })
  expect(again.state).toMatchObject({ phase: 'pending', since: hour })
  const raised = advance(of, again.state, { at: hour + interval, value: 90 })
  expect(raised.transitions).toEqual(['raised'])
  const well = advance(of, raised.state, { at: hour + 2 * interval, value: 10 }).state
  const back = advance(of, well, { at: interval, value: 10 })
  expect(back.transitions).toEqual([])
  expect(advance(of, back.state, { at: 2 * interval, value: 10 }).transitions).toEqual(['cleared'])
})
