/** Which resources a fact affects, and which callers are notified. */
import { expect, test } from 'vitest'
import type { EventOf, FactType } from '../../contract/event.ts'
import type { Stops } from '../platform/guard.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { type ResourceUpdate, resourceUpdates } from './resource-updates.ts'

function setUp(check: Stops['check'] = () => undefined) {
  const listeners = new Map<string, (data: never) => void>()
  const told: ResourceUpdate[] = []
  const listen = <T extends FactType>(type: T, listener: (data: EventOf<T>['data']) => void) => {
    listeners.set(type, listener as (data: never) => void)
    return () => listeners.delete(type)
  }
  const stop = resourceUpdates({ listen }, { check }, update => told.push(update))
  const tell = (type: FactType, data: object) => {
    told.length = 0
    listeners.get(type)?.({ account_id: 'a', at: '', ...data } as never)
    return told.map(({ changes }) => changes.map(change => ('uri' in change ? change.uri : change.of)))
  }
  return { tell, told, stop, listeners }
}

const token = (scope: 'mail:meta' | 'mail:read' | 'dashboard:read', account: string): Principal => ({
  ...{ id: 'p', name: 'P', kind: 'token', userId: null },
  ...{ scopes: scopeSet([scope]), accounts: new Set([account]) },
})

test('a fact tells of the resources that are other than before', () => {
  const { tell, stop, listeners } = setUp()
  const folder = ['mail://a', 'mail://a/folders/INBOX']
  expect(tell('folder_changed', { folder: 'INBOX' })).toEqual([folder])
  expect(tell('folder_changed', { folder: 'New', old_path: 'Old' })).toEqual([
    ['mail://a', 'mail://a/folders/New', 'mail://a/folders/Old'],
  ])
  expect(tell('mail_received', { folder: 'INBOX' })).toEqual([folder])
  expect(tell('mail_received', { folder: 'INBOX', thread_id: 't' })).toEqual([folder, ['mail://a/threads/t']])
  const messages = [
    { id: 'm', thread_id: 't' },
    { id: 'n', thread_id: 't' },
  ]
  const both = [['mail://a/messages/m', 'mail://a/threads/t', 'mail://a/messages/n']]
  expect(tell('mail_changed', { messages })).toEqual(both)
  expect(tell('mail_removed', { messages })).toEqual(both)
  expect(tell('account_added', {})).toEqual([['resources']])
  stop()
  expect(listeners.size).toBe(0)
})

test('only callers that may read a resource hear of it', () => {
  const { tell, told } = setUp()
  tell('mail_received', { folder: 'INBOX', thread_id: 't' })
  const hears = (principal: Principal) => told.map(({ mayReceive }) => mayReceive(principal))
  expect(hears(token('mail:read', 'a'))).toEqual([true, true])
  expect(hears(token('mail:meta', 'a'))).toEqual([true, false])
  expect(hears(token('dashboard:read', 'a'))).toEqual([false, false])
  expect(hears(token('mail:read', 'b'))).toEqual([false, false])
})

test('no update is sent about an account whose reading a human stopped', () => {
  const { told, tell } = setUp(({ id }, { effect }, account) => {
    if (id === 'p' && effect === 'read' && account === 'a') throw new Error('frozen')
  })
  tell('mail_received', { folder: 'INBOX', thread_id: 't' })
  const [own, other] = [token('mail:read', 'a'), { ...token('mail:read', 'a'), id: 'another' }]
  expect(told.map(({ mayReceive }) => [mayReceive(own), mayReceive(other)])).toEqual([
    [false, true],
    [false, true],
  ])
})
