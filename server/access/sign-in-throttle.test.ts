/** Guessing gets slower and slower, from one address and from many, and the owner still gets in. */
import { expect, test } from 'vitest'
import type { Problem } from '../platform/problem.ts'
import { type Attempt, codeOf, SignInThrottle } from './sign-in-throttle.ts'

function throttleAt(start = Date.parse('2026-11-22T12:00:00Z')) {
  const clock = { now: start }
  const throttle = new SignInThrottle({ now: () => clock.now })
  /** How many seconds one must wait; 0 when it was let through, and was wrong. */
  const guess = (attempt: Attempt): number => {
    try {
      throttle.check(attempt)
    } catch (error) {
      expect(error).toMatchObject({ code: 'too_many_attempts' })
      return (error as Problem).extension.retryAfterSeconds!
    }
    throttle.failed(attempt)
    return 0
  }
  /** How many guesses get through within the time, by an attacker that never waits longer than needed. */
  const guessFor = (seconds: number, next: (number: number) => Attempt): number => {
    const end = clock.now + seconds * 1000
    let made = 0
    while (clock.now < end) {
      const wait = guess(next(made))
      if (wait === 0) made++
      clock.now += wait * 1000
    }
    return made
  }
  return { clock, throttle, guess, guessFor }
}

const ann = 'ann@example.com'
const owner = { user: ann, address: '198.51.100.7' }

test('a few mistakes cost nothing, then each wait is twice the one before, and none is longer than five minutes', () => {
  const { guess, clock } = throttleAt()
  const waits: number[] = []
  for (let tries = 0; tries < 16; tries++) {
    const wait = guess(owner)
    clock.now += wait * 1000
    if (wait > 0) expect(guess(owner)).toBe(0)
    waits.push(wait)
  }
  expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
})

test('a correct attempt resets the count', () => {
  const { guess, throttle } = throttleAt()
  for (let tries = 0; tries < 3; tries++) expect(guess(owner)).toBe(0)
  throttle.check(owner)
  throttle.succeeded(owner)
  for (let tries = 0; tries < 4; tries++) expect(guess(owner)).toBe(0)
  expect(guess(owner)).toBe(1)
})

test('many at once are not more than one after the other', () => {
  const { throttle } = throttleAt()
  const outcomes = Array.from({ length: 100 }, () => {
    try {
      throttle.check(owner)
      return 'tried'
    } catch {
      return 'refused'
    }
  })
  expect(outcomes.filter(outcome => outcome === 'tried')).toHaveLength(4)
})

test('what came to nothing does not count', () => {
  const { throttle, guess } = throttleAt()
  for (let tries = 0; tries < 50; tries++) {
    throttle.check(owner)
    throttle.withdrawn(owner)
  }
  for (let tries = 0; tries < 4; tries++) expect(guess(owner)).toBe(0)
})

test('one address that tries many people is slowed down, whether or not it can sign in itself in between', () => {
  const { guessFor, throttle } = throttleAt()
  const address = '192.0.2.1'
  const mine = { user: 'mallory@example.com', address }
  const made = guessFor(3600, number => {
    try {
      throttle.check(mine)
      throttle.succeeded(mine)
    } catch {
      // Not at this moment.
    }
    return { user: `user-${number}@example.com`, address }
  })
  // One a minute, and the initial allowance.
  expect(made).toBeLessThan(80)
})

test('while a thousand addresses guess, the owner gets in from their own, also after a mistake', () => {
  const { guess, throttle, clock } = throttleAt()
  let through = 0
  for (let round = 0; round < 10; round++) {
    for (let number = 0; number < 1000; number++) {
      if (guess({ user: ann, address: `10.0.${number >> 8}.${number & 255}` }) === 0) through++
    }
  }
  // From the second on, each waits a minute.
  expect(through).toBe(1000)
  expect(guess(owner)).toBe(0)
  expect(guess(owner)).toBe(60)
  clock.now += 60_000
  expect(guess({ user: ann, address: '10.0.0.1' })).toBe(0)
  throttle.check(owner)
  throttle.succeeded(owner)
})

test('six digits are not guessed from many addresses either', () => {
  const { guessFor } = throttleAt()
  const made = guessFor(24 * 3600, number => ({
    user: codeOf('ann'),
    address: `10.0.${(number >> 8) & 255}.${number & 255}`,
    isShort: true,
  }))
  // Three of a million codes are valid at a time: the chance is below 1 in 1,000 within a day.
  expect(made).toBeLessThan(333)
})

test('a network of IPv6 is one address, and so is an IPv4 address however it is written', () => {
  const { guess } = throttleAt()
  for (let tries = 0; tries < 4; tries++) expect(guess({ user: ann, address: `2001:db8::${tries}` })).toBe(0)
  expect(guess({ user: ann, address: '2001:db8:0:0:ffff::1' })).toBe(1)
  expect(guess({ user: ann, address: '2001:db8:0:1::1' })).toBe(0)
  for (let tries = 0; tries < 4; tries++) guess({ user: 'bob@example.com', address: '::ffff:192.0.2.9' })
  expect(guess({ user: 'bob@example.com', address: '192.0.2.9' })).toBe(1)
})

const site = (index: number) => `2001:db8:77:${index.toString(16)}::1`

test('65,536 networks of IPv6 guess hardly faster at one person than one network', () => {
  const { guessFor } = throttleAt()
  const made = guessFor(3600, number => ({ user: ann, address: site(number) }))
  // One every five minutes, and the initial allowance.
  expect(made).toBeLessThan(35)
})

test('nor at many people', () => {
  const { guessFor } = throttleAt()
  const made = guessFor(3600, number => ({ user: `user-${number}@example.com`, address: site(number) }))
  // Two a minute, and what is free at first.
  expect(made).toBeLessThan(160)
})

test('a whole provider of IPv6 is slower than it would be, and holds up its other customers for two seconds at most', () => {
  const { guessFor, guess } = throttleAt()
  const made = guessFor(600, number => ({
    user: `user-${number}@example.com`,
    address: `2001:db8:${number.toString(16)}::1`,
  }))
  expect(made).toBeLessThan(360)
  expect(guess({ user: ann, address: '2001:db8:ffff::1' })).toBeLessThanOrEqual(2)
  expect(guess({ user: ann, address: '2001:db9::1' })).toBe(0)
})

test('a port, brackets or nonsense behind a proxy are no new address', () => {
  const { guess } = throttleAt()
  for (let tries = 0; tries < 4; tries++) guess({ user: ann, address: `198.51.100.9:${50_000 + tries}` })
  expect(guess({ user: ann, address: '198.51.100.9' })).toBe(1)
  for (let tries = 0; tries < 4; tries++) guess({ user: ann, address: `nonsense ${tries}` })
  expect(guess({ user: ann, address: 'other nonsense' })).toBe(1)
})

test('mistakes fade', () => {
  const { guess, clock } = throttleAt()
  for (let tries = 0; tries < 4; tries++) guess(owner)
  clock.now += 10 * 60_000
  expect(guess(owner)).toBe(0)
  clock.now += 24 * 3600_000
  for (let tries = 0; tries < 4; tries++) expect(guess(owner)).toBe(0)
})
