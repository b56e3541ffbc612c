/** Agents that do more than usual: each is measured by its own days, live and in a back-test alike. */
import { expect, test } from 'vitest'
import type { Points } from '../history/history-reader.ts'
import { pointOf } from '../history/point.ts'
import { backTest } from './back-test.ts'
import type { ReadHistory } from './rule-point.ts'
import { valuesOf } from './rule-values.ts'
import { starterRules } from './starter-rules.ts'
import { UsualDays } from './usual-days.ts'

const day = 86_400
const midnight = Date.parse('2026-03-02T00:00:00Z') / 1000
const { rule } = starterRules.find(({ id }) => id === 'starter-agent-calls')!
const sees = () => true

/** @param perMinute What each does; by days since the beginning. */
function historyOf(perMinute: Record<string, (days: number) => number>, looks: unknown[] = []): ReadHistory {
  return {
    read: async ({ name, step, from, until, where, groupOf }) => {
      looks.push([name, step])
      const groups = new Map<string, Points>()
      for (const [principal, rate] of Object.entries(perMinute)) {
        if (!where({ principal, caller: 'program' })) continue
        const points: Points = new Map()
        for (let at = Math.max(midnight, from); at < until; at += step) {
          points.set(at, pointOf((rate((at - midnight) / day) * step) / 60))
        }
        groups.set(groupOf({ principal }), points)
      }
      return groups
    },
  }
}

const tryFor = (reader: ReadHistory, days: number) =>
  backTest(reader, rule, { from: midnight, to: midnight + days * day, now: midnight + days * day, sees })
const daysOf = (iso: string | null) => iso && Math.round(((Date.parse(iso) / 1000 - midnight) / day) * 10) / 10

/** From ten to twelve each day. */
const atWork = (rate: number) => (days: number) => (days % 1 >= 10 / 24 && days % 1 < 12 / 24 ? rate : 0)

test('what an agent does every day is usual, however much; three times that is told, and does not become usual while it lasts', async () => {
  const heavy = atWork(300)
  const reader = historyOf({
    steady: heavy,
    light: atWork(100),
    // Far more for a day and a half.
    wild: days => (days >= 14.5 && days < 16 ? 1_000 : heavy(days)),
  })
  const { instances } = await tryFor(reader, 20)
  const firings = Object.fromEntries(
    instances.map(({ labels: { principal }, firings: all }) => [
      principal,
      all.map(({ from, to }) => [daysOf(from), daysOf(to)]),
    ]),
  )
  // New series are reported until their first two days are known, the first of which ended a day before.
  const first = [0.4, 0.5]
  expect(firings.light).toEqual([])
  expect(firings.steady).toEqual([first, [1.4, 1.5]])
  expect(firings.wild).toEqual([first, [1.4, 1.5], [14.5, 16]])
})

test('one day that was different changes nothing of what is usual', async () => {
  const reader = historyOf({ agent: days => (Math.floor(days) === 9 ? atWork(900)(days) : atWork(100)(days)) })
  const { instances } = await tryFor(reader, 16)
  expect(instances[0]!.firings.map(({ from }) => daysOf(from))).toEqual([9.4])
})

test('live comes to the values of the back-test, and looks at the days before once a day', async () => {
  const looks: unknown[] = []
  const reader = historyOf({ agent: days => 50 + 40 * Math.sin(days * 9), other: atWork(200) }, looks)
  const range = { step: 900 as const, from: midnight + 11.75 * day, until: midnight + 13 * day, sees }
  const whole = await valuesOf(reader, rule, range)
  const usual = new UsualDays(reader)
  looks.length = 0
  let steps = 0
  for (let until = range.from + 900; until <= range.until; until += 900) {
    const one = await valuesOf(reader, rule, { ...range, from: until - 900, until, usual })
    for (const [instance, list] of one) expect([...list]).toEqual([whole.get(instance)![steps]])
    steps++
  }
  expect(steps).toBe(whole.get('{"principal":"agent"}')!.length)
  // Two queries for the values of each step (and whether the server ran), and one for each of the two days.
  expect(looks.length).toBe(2 * steps + 2)
})

test('where no data are, there is no value', async () => {
  const values = await valuesOf(historyOf({}), rule, { step: 900, from: midnight, until: midnight + day, sees })
  expect(values.size).toBe(0)
})
