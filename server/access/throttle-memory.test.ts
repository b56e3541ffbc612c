/** Mistakes of which the throttle remembers when they were made, and for how long. */
import { expect, test } from 'vitest'
import { Problem } from '../platform/problem.ts'
import { type Attempt, SignInThrottle } from './sign-in-throttle.ts'

function throttled() {
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const throttle = new SignInThrottle({ now: () => clock.now })
  /** Makes a wrong attempt. Returns how many seconds it has to wait first, and 0 once it was made. */
  const guess = (attempt: Attempt): number => {
    try {
      throttle.check(attempt)
    } catch (error) {
      return error instanceof Problem ? error.extension.retryAfterSeconds! : expect.unreachable()
    }
    throttle.failed(attempt)
    return 0
  }
  return { clock, throttle, guess }
}

const ann = 'ann@example.com'
const owner = { user: ann, address: '198.51.100.7' }

test('the wait begins when a guess turned out wrong, however long that took', () => {
  const { guess, throttle, clock } = throttled()
  for (let tries = 0; tries < 4; tries++) guess(owner)
  clock.now += 1_000
  throttle.check(owner)
  clock.now += 10_000
  throttle.failed(owner)
  expect(guess(owner)).toBe(2)
})

test('also of hundreds of mistakes none is remembered for more than some hours', () => {
  const { guess, clock } = throttled()
  for (let made = 0; made < 60; ) {
    const wait = guess(owner)
    if (wait === 0) made++
    clock.now += wait * 1_000
  }
  clock.now += 25 * 10 * 60_000
  expect([guess(owner), guess(owner), guess(owner), guess(owner)]).toEqual([0, 0, 0, 0])
})

test('in a flood the mistakes made longest ago are forgotten, not the recent ones', () => {
  const { guess, clock } = throttled()
  const other = { user: 'bob@example.com', address: '203.0.113.9' }
  const stranger = (number: number) => ({
    user: `${number}@example.com`,
    address: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
  })
  for (const attempt of [owner, other]) for (let tries = 0; tries < 5; tries++) guess(attempt)
  for (let number = 0; number < 9_990; number++) guess(stranger(number))
  clock.now += 60_000
  expect(guess(owner)).toBe(0)
  for (let number = 9_990; number < 10_005; number++) guess(stranger(number))
  expect([guess(owner) > 0, guess(other), guess(other)]).toEqual([true, 0, 0])
})

test('mistakes elsewhere in the network of a provider of IPv6 do not send its other customers to the end of the line', () => {
  const { guess, throttle } = throttled()
  for (let number = 1; number <= 10; number++)
    guess({ user: `${number}@example.com`, address: `2001:db8:${number}::1` })
  expect(throttle.check({ user: ann, address: '2001:db8:ffff::1' })).toBe(0)
  expect(throttle.check({ user: ann, address: '2001:db8:1:2::1' })).toBe(1)
})
