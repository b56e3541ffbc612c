/** Sign-ins under way have a bound, in all and for each address, and an end. */
import { expect, test } from 'vitest'
import { OidcLoginTable } from './oidc-login-table.ts'

const isThere = (logins: OidcLoginTable, { key, login }: ReturnType<OidcLoginTable['begin']>) =>
  typeof logins.take(key, login.state) === 'object'

test('a flood from one address evicts only its own sign-ins', () => {
  const logins = new OidcLoginTable({ now: () => 0 })
  const mine = logins.begin('/', '192.0.2.1')
  const flood = Array.from({ length: 5_000 }, () => logins.begin('/', '192.0.2.66'))
  expect(isThere(logins, mine)).toBe(true)
  expect(flood.filter(one => isThere(logins, one))).toHaveLength(100)
})

test('all addresses of one IPv6 site are one', () => {
  const logins = new OidcLoginTable({ now: () => 0 })
  const mine = logins.begin('/', '192.0.2.1')
  for (let index = 0; index < 5_000; index++) logins.begin('/', `2001:db8:0:${index.toString(16)}::1`)
  expect(isThere(logins, mine)).toBe(true)
})

test('there are never more than a thousand; the oldest is evicted first', () => {
  const logins = new OidcLoginTable({ now: () => 0 })
  const flood = Array.from({ length: 1_500 }, (_, index) => logins.begin('/', `192.0.${index >> 8}.${index & 255}`))
  const left = flood.map(one => isThere(logins, one))
  expect(left.filter(Boolean)).toHaveLength(1_000)
  expect(left.lastIndexOf(false)).toBe(499)
})

test('what was not finished in ten minutes makes room', () => {
  const clock = { now: 0 }
  const logins = new OidcLoginTable({ now: () => clock.now })
  const old = logins.begin('/', 'a')
  clock.now = 10 * 60_000
  expect(isThere(logins, old)).toBe(false)
  expect(isThere(logins, logins.begin('/', 'a'))).toBe(true)
})
