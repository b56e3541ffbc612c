/** Callers that guess keys are throttled; callers with the right one are not, even from the same address. */
import { expect, test } from 'vitest'
import { WrongCredentials } from './wrong-credentials.ts'

function setUp() {
  const clock = { now: 1_000_000 }
  const wrong = new WrongCredentials({ perMinute: 20, now: () => clock.now })
  /** Returns how many of `count` wrong credentials are rejected as wrong, instead of as too many. */
  const looked = (count: number, addressOf: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => wrong.note(addressOf(index))).filter(problem => !problem).length
  return { clock, wrong, looked }
}

test('twenty wrong ones a minute are told that they are wrong, further ones when to come back', () => {
  const { wrong, looked, clock } = setUp()
  expect(looked(20, () => '192.0.2.1')).toBe(20)
  expect(wrong.note('192.0.2.1')).toMatchObject({ code: 'too_many_attempts', extension: { retryAfterSeconds: 3 } })
  expect(wrong.note('192.0.2.2')).toBeUndefined()
  clock.now += 3_000
  expect(looked(5, () => '192.0.2.1')).toBe(1)
})

test('another port, or another network of the same site, is no other guesser', () => {
  const { looked } = setUp()
  expect(looked(100, index => `198.51.100.1:${1024 + index}`)).toBe(20)
  expect(looked(500, index => `2001:db8:1:${index.toString(16)}::1`)).toBe(80)
  expect(looked(1000, index => `2001:db8:${(index + 2).toString(16)}::1`)).toBe(240)
})

test('from where too many came no key is looked at, except where the right one came from before', () => {
  const { wrong, clock } = setUp()
  expect(wrong.mayTryKey('192.0.2.1')).toBe(true)
  wrong.rightKeyCame('192.0.2.1')
  for (let index = 0; index < 20; index++) {
    wrong.note('192.0.2.1')
    wrong.note('192.0.2.2')
  }
  expect([wrong.mayTryKey('192.0.2.1'), wrong.mayTryKey('192.0.2.2'), wrong.mayTryKey('192.0.2.3')]).toEqual([
    true,
    false,
    true,
  ])
  clock.now += 3_000
  expect(wrong.mayTryKey('192.0.2.2')).toBe(true)
})

test('the addresses of the right key are bounded, and the one that was not used for longest goes', () => {
  const { wrong } = setUp()
  const addressOf = (index: number) => `10.0.${index >> 8}.${index & 255}`
  for (let index = 0; index < 1_000; index++) wrong.rightKeyCame(addressOf(index))
  wrong.rightKeyCame(addressOf(0))
  wrong.rightKeyCame('192.0.2.1')
  for (const address of [addressOf(0), addressOf(1)]) for (let index = 0; index < 20; index++) wrong.note(address)
  expect([wrong.mayTryKey(addressOf(0)), wrong.mayTryKey(addressOf(1))]).toEqual([true, false])
})
