/** Sorting and filtering of the table, and the summary of an account's past. */
import { expect, test } from 'vitest'
import type { Account, AccountState, AccountStretch, AccountStretches } from '../../contract/accounts.ts'
import { arranged, columnOf, viewDefaults } from './account-order.ts'
import { isLookedAfter } from './account-words.ts'
import { connectionLimit } from './connection-limit.ts'
import { stripOf, wordsOfStates } from './state-parts.ts'

const account = (name: string, state: AccountState, open = 0, host = 'mail.example.org') =>
  ({
    name,
    email: `${name}@test.local`,
    state,
    imap: { host, port: 993, user: name },
    connections: { open },
  }) as Account
const all = [account('b', 'ready', 3), account('a', 'ready', 1), account('c', 'unreachable', 0, 'other.example')]
const names = (view: Partial<typeof viewDefaults>) =>
  arranged(all, { ...viewDefaults, ...view }).map(({ name }) => name)

test('the worst come first unless another order is asked for, and equal ones keep to their names', () => {
  expect(names({})).toEqual(['c', 'a', 'b'])
  expect(names({ sort: 'connections', order: 'desc' })).toEqual(['b', 'a', 'c'])
  expect(names({ sort: 'state', order: 'desc' })).toEqual(['a', 'b', 'c'])
  // The address may contain any text.
  expect(names({ sort: '__proto__', order: 'sideways' })).toEqual(['c', 'a', 'b'])
  expect(columnOf('toString')).toBe('state')
})

test('names with numbers stand as people count', () => {
  const rows = ['Team 10', 'Team 2', 'team 1'].map(name => account(name, 'ready'))
  const order = (view: Partial<typeof viewDefaults>) =>
    arranged(rows, { ...viewDefaults, ...view }).map(({ name }) => name)
  expect(order({})).toEqual(['team 1', 'Team 2', 'Team 10'])
  expect(order({ sort: 'name', order: 'desc' })).toEqual(['Team 10', 'Team 2', 'team 1'])
})

test('a server that is away is looked at all the time; one that refused has a time of its own', () => {
  const last_error = { cause: 'refused', detail: 'No.', server_response: null, at: '2026-11-28T10:00:00.100Z' } as const
  expect(isLookedAfter({ last_error, next_retry_at: '2026-11-28T10:00:00.100Z' })).toBe(true)
  expect(isLookedAfter({ last_error, next_retry_at: '2026-11-28T10:00:04.000Z' })).toBe(false)
  expect(isLookedAfter({ last_error, next_retry_at: null })).toBe(false)
})

test('the filter looks at name, address, server and user', () => {
  expect(names({ q: 'OTHER.example:993' })).toEqual(['c'])
  expect(names({ q: 'b@test' })).toEqual(['b'])
  expect(names({ state: 'ready' })).toEqual(['a', 'b'])
  expect(names({ q: 'nobody' })).toEqual([])
})

test('the limit of an account is what its server allows, else the pool and the watching connection', () => {
  const connections = { watching: 1, open: 2, busy: 0, idle: 1, connecting: 0, waiting: 0, max: 4, server_limit: null }
  expect(connectionLimit(connections)).toBe(5)
  expect(connectionLimit({ ...connections, max: 0 })).toBe(0)
  expect(connectionLimit({ ...connections, max: 0, server_limit: 1 })).toBe(1)
})

const error = { cause: 'timeout', detail: 'No answer.', server_response: null, at: '' } as const
const day = (...items: [hour: number, state: AccountStretch['state'], hasError?: true][]): AccountStretches => ({
  since: '2026-11-27T00:00:00.000Z',
  until: '2026-11-28T00:00:00.000Z',
  items: items.map(([hour, state, hasError]) => ({
    from: new Date(Date.parse('2026-11-27T00:00:00.000Z') + hour * 3_600_000).toISOString(),
    state,
    error: hasError ? error : null,
  })),
})

test('a strip is as wide as the day, and a failure of a second is seen', () => {
  const parts = stripOf(day([0, 'unknown'], [6, 'ready'], [12, 'unreachable', true], [12 + 1 / 3600, 'ready']))
  expect(parts.map(({ x }) => Math.round(x))).toEqual([0, 250, 500, 500])
  expect(parts.map(({ width }) => Math.round(width))).toEqual([250, 250, 3, 500])
  const late = stripOf(day([0, 'ready'], [24 - 1 / 3600, 'unreachable', true]))
  expect(late[1]!.x + late[1]!.width).toBe(1000)
  expect(parts.map(({ seconds }) => Math.round(seconds))).toEqual([21_600, 21_600, 1, 43_199])
})

test('the day in words says how long it was in each state, the longest first', () => {
  expect(wordsOfStates(day([0, 'unknown'], [6, 'ready'], [22, 'unreachable', true], [23, 'ready']))).toBe(
    'ready 17 h, not known 6 h, unreachable 1 h',
  )
})
