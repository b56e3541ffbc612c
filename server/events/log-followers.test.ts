/** Followers of the log without a socket: woken by what they see, and by nothing after their end. */
import { expect, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { turns } from '../../test/support/held-streams.ts'
import { mailFact as mail } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { EventView, parseFilter } from './event-view.ts'

function token(...accounts: string[]): Principal {
  const scopes = scopeSet(['mail:meta'])
  return { id: 'token-1', name: 'Bot', kind: 'token', userId: null, scopes, accounts: new Set(accounts) }
}

test('a follower is woken by what it may see at the time, reads only that, and leaves nothing behind', async () => {
  const { hub, log } = await startHub(undefined, { heldInMemory: 2 })
  const retired = vi.spyOn(EventView.prototype, 'retire')
  const accounts = () => retired.mock.contexts.map(view => view instanceof EventView && view.accounts)
  const wake = vi.fn()
  const tell = (...accounts: string[]) =>
    hub.transact(async (_transaction, publish) => {
      for (const account of accounts) publish(mail(account, 1))
    })
  const follower = hub.follow({ principal: token('a'), filter: parseFilter({}), after: log.newest, wake })
  const read = () => follower.reader.take()?.entries.map(({ number }) => number)
  await tell('a', 'b')
  expect([wake.mock.calls.length, read()]).toEqual([1, [1]])
  follower.change(token('b'))
  expect(accounts()).toEqual([['a']])
  await tell('a', 'b')
  expect([wake.mock.calls.length, read()]).toEqual([2, [4]])

  await tell('b', 'b', 'b')
  expect(read()).toBeUndefined()
  const readSeen = vi.spyOn(log, 'readSeen')
  follower.end()
  follower.end()
  follower.change(token('a'))
  await follower.reader.load()
  await tell('a', 'b')
  await turns()
  expect([wake.mock.calls.length, readSeen.mock.calls.length]).toEqual([5, 0])
  expect(accounts()).toEqual([['a'], ['b']])
})
