/** How often one may call. */
import { expect, test } from 'vitest'
import { anonymous, everyScope, type Principal } from './principal.ts'
import { HttpLimits, type LimitRates, TokenBuckets } from './rate-limits.ts'

const rates: LimitRates = {
  address: 50,
  principal: 10,
  search: 2,
  index_search: 2,
  assistant: 2,
  connect: 2,
  sign_in: 3,
  access: 5,
}
const ann: Principal = { id: 'ann', name: 'Ann', kind: 'token', userId: 'u', scopes: everyScope, accounts: 'all' }

function limits(changes: Partial<LimitRates> = {}) {
  const clock = { now: 1_000_000 }
  return { clock, limits: new HttpLimits({ rates: { ...rates, ...changes }, now: () => clock.now }) }
}

/** Counts a call, unless that is refused, which a look before must have foretold at no cost. */
function isCounted(held: HttpLimits, ...[principal, address, limit]: Parameters<HttpLimits['mayCall']>): boolean {
  const isForetold = [1, 2, 3].map(() => held.mayCall(principal, address, limit))
  let isDone = true
  try {
    held.checkAddress(address)
    held.checkPrincipal(principal, address, limit)
  } catch {
    isDone = false
  }
  expect(isForetold).toEqual([isDone, isDone, isDone])
  return isDone
}

test('a burst is let through, then one call for each share of the minute, and the headers say how many are left', () => {
  const { clock, limits: held } = limits()
  const left = Array.from({ length: 10 }, () => held.checkPrincipal(ann, '10.0.0.1', undefined).ratelimit)
  expect(left[0]).toBe('"principal";r=9;t=6')
  expect(left[9]).toBe('"principal";r=0;t=60')
  expect(() => held.checkPrincipal(ann, '10.0.0.1', undefined)).toThrow(
    expect.objectContaining({ code: 'too_many_requests', extension: { retryAfterSeconds: 6 } }),
  )
  clock.now += 6_000
  expect(held.checkPrincipal(ann, '10.0.0.1', undefined)).toEqual({
    'ratelimit-policy': '"principal";q=10;w=60',
    ratelimit: '"principal";r=0;t=60',
  })
})

test('what costs much has a limit of its own, and one principal does not use up that of another', () => {
  const { limits: held } = limits()
  held.checkPrincipal(ann, '10.0.0.1', 'search')
  expect(held.checkPrincipal(ann, '10.0.0.1', 'search').ratelimit).toMatch('"search";r=0')
  expect(() => held.checkPrincipal(ann, '10.0.0.1', 'search')).toThrow('At most 2')
  expect(() => held.checkPrincipal(ann, '10.0.0.1', undefined)).not.toThrow()
  expect(() => held.checkPrincipal({ ...ann, id: 'bob', userId: 'bob' }, '10.0.0.1', 'search')).not.toThrow()
})

test('sessions and tokens of one person use up the same limit; keys without a person have their own', () => {
  const { limits: held } = limits()
  held.checkPrincipal(ann, '10.0.0.1', 'search')
  held.checkPrincipal({ ...ann, id: 'session', kind: 'session' }, '10.0.0.2', 'search')
  expect(() => held.checkPrincipal({ ...ann, id: 'another token' }, '10.0.0.3', 'search')).toThrow('At most 2')
  const key: Principal = { ...ann, id: 'u', kind: 'api_key', userId: null }
  expect(() => held.checkPrincipal(key, '10.0.0.1', 'search')).not.toThrow()
})

test('anonymous callers are limited by address, and a network of IPv6 is one address', () => {
  const { limits: held } = limits()
  for (const last of ['1', '2', '3']) held.checkPrincipal(anonymous, `2001:db8:1:2::${last}`, 'sign_in')
  expect(() => held.checkPrincipal(anonymous, '2001:db8:1:2:ffff::9', 'sign_in')).toThrow('At most 3')
  expect(() => held.checkPrincipal(anonymous, '2001:db8:1:3::9', 'sign_in')).not.toThrow()
})

test('a caller that rotates networks inside a wider one gets four and sixteen times the rate, and no more', () => {
  const { limits: held } = limits()
  const admitted = (addressOf: (index: number) => string) => {
    const tried = Array.from({ length: 500 }, (_, index) => isCounted(held, anonymous, addressOf(index), 'sign_in'))
    return tried.filter(Boolean).length
  }
  expect(admitted(index => `2001:db8:1:${index.toString(16)}::1`)).toBe(3 * 4)
  expect(admitted(index => `2001:db8:${index.toString(16)}::1`)).toBe(3 * 16 - 3 * 4)
  expect(admitted(index => `198.51.100.7:${1_024 + index}`)).toBe(3)
  expect(admitted(index => `nonsense ${index}`)).toBe(3)
})

test('an address that is over its limit is refused before anything else is done', () => {
  const { limits: held } = limits({ address: 2 })
  held.checkAddress('192.0.2.1')
  held.checkAddress('192.0.2.1')
  expect(() => held.checkAddress('192.0.2.1')).toThrow('from this address')
  expect(isCounted(held, ann, '192.0.2.1', undefined)).toBe(false)
  expect(isCounted(held, ann, '192.0.2.2', undefined)).toBe(true)
})

test('a look counts the strictest limit as well, and takes nothing', () => {
  const { limits: held } = limits()
  expect([1, 2, 3].map(() => isCounted(held, ann, '10.0.0.1', 'search'))).toEqual([true, true, false])
  expect(held.checkPrincipal(ann, '10.0.0.1', undefined).ratelimit).toMatch('r=7;')
})

test('a million callers do not fill the memory', () => {
  const buckets = new TokenBuckets({ perMinute: 10, now: () => 0 })
  for (let caller = 0; caller < 100_000; caller++) buckets.take(`caller-${caller}`)
  expect(buckets.size).toBe(20_000)
})
