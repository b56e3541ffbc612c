/** ProviderBreaker under any order of what can happen to it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '../platform/problem.ts'
import { breakerBounds, ProviderBreaker } from './provider-breaker.ts'
import { placed } from './provider-faults.ts'

const down = () => new Problem('provider_failed', 'down')
const limited = () => new Problem('provider_limited', 'slow down', { retryAfterSeconds: 7 })
const bad = () => placed(new Problem('provider_failed', 'empty'), 'answer')
const picky = () => placed(new Problem('provider_failed', '400'), 'question')

type Step =
  | { does: 'wait'; ms: number }
  | { does: 'ask' | 'begin' | 'answer' | 'leave' | 'down' | 'limited' | 'bad' | 'picky' }

const steps = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 700_000 }) }),
    fc
      .constantFrom(...(['ask', 'begin', 'answer', 'leave', 'down', 'limited', 'bad', 'picky'] as const))
      .map(does => ({ does })),
  ),
  { maxLength: 60 },
)

function play(list: readonly Step[], check: (breaker: ProviderBreaker, now: number, step: Step) => void) {
  let now = 1_000
  const breaker = new ProviderBreaker(() => now)
  for (const step of list) {
    if (step.does === 'wait') now += step.ms
    if (step.does === 'ask') breaker.asked()
    if (step.does === 'begin') breaker.began()
    if (step.does === 'answer') breaker.answered()
    if (step.does === 'leave') breaker.left()
    if (step.does === 'down') breaker.failed(down())
    if (step.does === 'limited') breaker.failed(limited())
    if (step.does === 'bad') breaker.failed(bad())
    if (step.does === 'picky') breaker.failed(picky())
    check(breaker, now, step)
  }
}

test('no rest is longer than its bound, and after it the provider is tried', () => {
  fc.assert(
    fc.property(steps, list => {
      let now = 0
      let last: ProviderBreaker | undefined
      play(list, (breaker, at) => {
        now = at
        last = breaker
        expect(breaker.restsUntil - at).toBeLessThanOrEqual(breakerBounds.maxRestMs)
      })
      if (!last) return
      last.left()
      const { restsUntil } = last
      if (restsUntil <= now) expect(last.state).toBe('ready')
    }),
  )
})

test('after a failure of its own it rests, after a word it is ready, and nothing else opens or closes it', () => {
  fc.assert(
    fc.property(steps, list => {
      let before = 'ready'
      play(list, (breaker, _now, { does }) => {
        const { state } = breaker
        if (does === 'down') expect(state).toBe('resting')
        if (does === 'limited') expect(state).toBe('limited')
        if (does === 'begin' || does === 'answer') expect(state).toBe('ready')
        if (does === 'ask' && before === 'ready') expect(['ready', 'probing']).toContain(state)
        if (does === 'picky' && before === 'resting') expect(state).toBe('resting')
        if (does === 'picky' && before === 'ready') expect(state).toBe('ready')
        expect(breaker.lastFault === undefined).toBe(state === 'ready' && breaker.lastFault === undefined)
        before = state
      })
    }),
  )
})

test('each rest is twice as long as the one before, up to its bound, and a word begins again', () => {
  let now = 0
  const breaker = new ProviderBreaker(() => now)
  const rest = () => {
    breaker.failed(down())
    const ms = breaker.restsUntil - now
    now = breaker.restsUntil
    return ms
  }
  expect([rest(), rest(), rest(), rest(), rest(), rest(), rest()]).toEqual([
    30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000,
  ])
  breaker.began()
  expect(rest()).toBe(30_000)
})

test('one question tries it while others leave it out, and a reader who leaves makes room for the next', () => {
  let now = 0
  const breaker = new ProviderBreaker(() => now)
  breaker.failed(down())
  now = breaker.restsUntil
  expect(breaker.state).toBe('ready')
  breaker.asked()
  expect(breaker.state).toBe('probing')
  breaker.left()
  expect(breaker.state).toBe('ready')
})
