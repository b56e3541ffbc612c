/** A day of an account: what was seen, what was not, and never more than is known. */
import { expect, test } from 'vitest'
import type { AccountState } from '../../contract/accounts.ts'
import type { StateSign } from '../events/account-states.ts'
import { stateHistory } from './state-history.ts'

const now = Date.parse('2026-11-28T12:00:00.000Z')
/** Returns the time this many hours before now. */
const ago = (hours: number) => new Date(now - hours * 3_600_000).toISOString()
const error = { cause: 'timeout', detail: 'No answer.', server_response: null, at: ago(3) } as const

function changed(hours: number, state: AccountState): StateSign {
  const last_error = state === 'unreachable' ? error : null
  const names = { account_id: 'a', name: 'Ann', previous: 'connecting', next_retry_at: null } as const
  return { kind: 'changed', data: { ...names, state, last_error, at: ago(hours) } }
}
const started = (hours: number, seenAt?: number): StateSign => {
  return { kind: 'started', at: ago(hours), seenAt: seenAt === undefined ? undefined : ago(seenAt) }
}
const is = (state: AccountState, hours: number, createdHours = 1000) => {
  return { state, state_since: ago(hours), last_error: null, created_at: ago(createdHours) }
}
const told = (...given: Parameters<typeof stateHistory>) =>
  stateHistory(...given).items.map(({ from, state }) => [Math.round((now - Date.parse(from)) / 3_600) / 1000, state])

test('each change begins a stretch, the first one at the window, with its error', () => {
  const signs = [changed(30, 'ready'), changed(5, 'unreachable'), changed(4, 'ready')]
  const { since, until, items } = stateHistory(signs, is('ready', 4), now)
  expect([since, until]).toEqual([ago(24), ago(0)])
  expect(items).toEqual([
    { from: ago(24), state: 'ready', error: null },
    { from: ago(5), state: 'unreachable', error },
    { from: ago(4), state: 'ready', error: null },
  ])
})

test('between the last sign of a run and the next start nothing is known', () => {
  const signs = [changed(20, 'ready'), started(10, 12), changed(9, 'ready')]
  expect(told(signs, is('ready', 9), now)).toEqual([
    [24, 'unknown'],
    [20, 'ready'],
    [12, 'unknown'],
    [10, 'connecting'],
    [9, 'ready'],
  ])
})

test('a disabled account is disabled after a start too', () => {
  const signs = [changed(20, 'disabled'), started(10, 11)]
  expect(told(signs, is('disabled', 0), now)).toEqual([
    [24, 'unknown'],
    [20, 'disabled'],
    [11, 'unknown'],
    [10, 'disabled'],
  ])
})

test('where the facts are forgotten, what the registry knows still counts, and nothing before it', () => {
  expect(told([], is('ready', 7), now)).toEqual([
    [24, 'unknown'],
    [7, 'ready'],
  ])
  expect(told([], is('ready', 30), now)).toEqual([[24, 'ready']])
})

test('before it was made an account had no state, whatever the server did', () => {
  expect(told([started(10), changed(2, 'ready')], is('ready', 2, 3), now)).toEqual([
    [24, 'unknown'],
    [2, 'ready'],
  ])
})

test('of an account that comes and goes all day the newest 500 stretches are told', () => {
  const signs = Array.from({ length: 2_000 }, (_, index) =>
    changed(20 - index / 100, index % 2 === 0 ? 'unreachable' : 'ready'),
  )
  const { items } = stateHistory(signs, is('ready', 0.01), now)
  expect(items).toHaveLength(500)
  expect(items[0]).toMatchObject({ from: ago(24), state: 'unknown' })
  expect(items.at(-1)).toMatchObject({ from: ago(20 - 19.99), state: 'ready' })
})
