/** Progress on the stream: not more than once a second, never without its end, and only for those who may see the account. */
import { expect, test } from 'vitest'
import type { State } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { hubOnHttp } from '../../test/support/hub-on-http.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { SyncProgress } from './sync-progress.ts'

test('it is told once a second, the end in any case, and an end alone never', () => {
  const told: [string, State][] = []
  const clock = { now: 0 }
  const hub = {
    publishState: (state: State) => void told.push(['state', state]),
    publishLastState: (state: State) => void told.push(['last', state]),
  }
  const progress = new SyncProgress('a', { hub, now: () => clock.now })
  progress.end('stopped')
  progress.at('headers', 'INBOX', 200, 900)
  progress.at('headers', 'INBOX', 400, 900)
  clock.now = 999
  progress.at('headers', 'Sent', 600, 900)
  clock.now = 1_000
  progress.at('texts', 'Sent', 50, 900)
  progress.at('texts', 'Sent', 100, 900)
  progress.end('done')
  progress.end('stopped')
  expect(told).toMatchObject([
    ['state', { data: { account_id: 'a', phase: 'headers', folder: 'INBOX', done: 200, total: 900 } }],
    ['state', { data: { phase: 'texts', folder: 'Sent', done: 50 } }],
    ['last', { type: 'sync_progress', data: { phase: 'done', folder: null, done: 900, total: 900 } }],
  ])
  expect(told).toHaveLength(3)
})

const token = (accounts: Principal['accounts'], scopes: Scope[] = ['mail:meta'], id = 't'): Principal => ({
  id,
  name: 'Bot',
  kind: 'token',
  userId: 'u1',
  scopes: scopeSet(scopes),
  accounts,
})

test('each account has its own; callers get those of accounts that they may see, also after the welcome', async () => {
  const { hub, open, as, publish } = await hubOnHttp()
  const at = '2026-11-28T12:00:00.000Z'
  const state = (account_id: string, done: number): State => ({
    type: 'sync_progress',
    data: { account_id, phase: 'headers', folder: 'INBOX', done, total: 9, at },
  })
  const seen = (stream: Awaited<ReturnType<typeof open>>) =>
    stream.events
      .filter(({ event }) => event === 'sync_progress')
      .map(({ data }) => {
        const { account_id, done } = data as { account_id: string; done: number }
        return [account_id, done]
      })
  hub.publishState(state('a', 1))
  hub.publishState(state('b', 2))
  as(token('all'))
  const all = await open()
  as(token(new Set(['a']), undefined, 't2'))
  const one = await open()
  as(token('all', undefined, 't3'))
  const filtered = await open('?account_id=b')
  as(token('all', ['dashboard:read'], 't4'))
  const other = await open()
  await Promise.all([all, one, filtered, other].map(stream => stream.next('welcome')))
  hub.publishState(state('b', 3))
  hub.publishState(state('a', 4))
  hub.publishLastState(state('a', 5))
  await publish({ type: 'server_started', data: { version: '1', at } })
  await other.next('server_started')
  // The fact went out with the turn that served the states, or after it.
  await expect
    .poll(() => seen(all))
    .toEqual([
      ['a', 1],
      ['b', 2],
      ['b', 3],
      ['a', 5],
    ])
  await expect
    .poll(() => seen(one))
    .toEqual([
      ['a', 1],
      ['a', 5],
    ])
  await expect
    .poll(() => seen(filtered))
    .toEqual([
      ['b', 2],
      ['b', 3],
    ])
  expect(seen(other)).toEqual([])
  // Completed progress is not sent to later subscribers.
  as(token('all', undefined, 't5'))
  const late = await open()
  await expect.poll(() => seen(late)).toEqual([['b', 3]])
  hub.changePrincipal(token(new Set(['a']), undefined, 't5'))
  hub.publishState(state('b', 6))
  hub.publishState(state('a', 7))
  await expect
    .poll(() => seen(late))
    .toEqual([
      ['b', 3],
      ['a', 7],
    ])
})
