/** Concurrent bodies share bounded memory, and no caller takes all of it. */
import { expect, test } from 'vitest'
import { anonymous, everyScope, type Principal } from '../principal.ts'
import { BodyBudget } from './body-bounds.ts'

const ann: Principal = { id: 'session', name: 'A', kind: 'session', userId: 'a', scopes: everyScope, accounts: 'all' }
const budget = () => new BodyBudget({ ofAll: 1_000, ofStrangers: 500, ofOne: 300, free: 10 })

test('one caller has a share: a person by all sessions and tokens, a stranger by all addresses of a site', () => {
  const room = budget()
  expect(room.open(ann, '192.0.2.1').holds(310)).toBe(true)
  expect(room.open({ ...ann, id: 'token', kind: 'token' }, '192.0.2.2').holds(11)).toBe(false)
  expect(room.open({ ...ann, id: 'x', userId: 'b' }, '192.0.2.1').holds(310)).toBe(true)
  expect(room.open(anonymous, '2001:db8:1:2::3').holds(210)).toBe(true)
  expect(room.open(anonymous, '2001:db8:1:3::4').holds(210)).toBe(false)
  expect(room.open(anonymous, '2001:db8:2::1').holds(210)).toBe(true)
})

test('strangers together leave room for known callers, and what is free is never refused', () => {
  const room = budget()
  for (const at of [1, 2]) expect(room.open(anonymous, `192.0.2.${at}`).holds(260)).toBe(true)
  expect(room.open(anonymous, '192.0.2.3').holds(11)).toBe(false)
  expect(room.open(anonymous, '192.0.2.3').holds(10)).toBe(true)
  expect(room.open(ann, '192.0.2.3').holds(310)).toBe(true)
  expect(room.open({ ...ann, id: 'x', userId: 'b' }, '192.0.2.3').holds(300)).toBe(false)
})

test('what is refused takes nothing, what grows takes the difference, and what ends gives back all, once', () => {
  const room = budget()
  const lease = room.open(ann, '192.0.2.1')
  expect([lease.holds(110), lease.holds(210), lease.holds(400)]).toEqual([true, true, false])
  expect(room.size).toBe(200)
  lease.release()
  lease.release()
  expect(room.size).toBe(0)
  expect(room.open(ann, '192.0.2.1').holds(310)).toBe(true)
})
