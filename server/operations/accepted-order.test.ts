/** Operations of one account are stored in the order in which their calls came, whatever one of them waits for. */
import { expect, test } from 'vitest'
import { agent, startOperations } from '../../test/support/operation-world.ts'
import { noProposals } from '../platform/proposal-intake.ts'
import { AcceptedCalls, defaultBounds, keyedCall } from './accepted-calls.ts'
import { CallKeyStore } from './call-key-store.ts'
import { newItem, newOperation } from './new-operation.ts'

test('a call is not stored before an earlier one of its account, and delays no other account', async () => {
  const world = await startOperations()
  await world.stop()
  const { hub, db, store, shown, fresh, facts } = world
  const { promise: isRead, resolve: read } = Promise.withResolvers<void>()
  const slow = {
    soon: () => isRead,
    toStore: async () => undefined,
    ended: () => undefined,
    sent: async () => undefined,
  }
  const calls = new AcceptedCalls(
    {
      ...{ store, shown, fresh, keys: new CallKeyStore(db) },
      lookAhead: ([first]) => (first?.operation.id === '1' ? slow : undefined),
    },
    hub,
    defaultBounds,
  )
  const take = (id: string, accountId: string) => {
    const operation = newOperation(agent, { id, accountId, kind: 'delete', args: {} })
    const place = { path: 'INBOX', uidValidity: 1, uid: 1 }
    const items = [newItem(operation, 0, '{}', { messageId: null, place })]
    return calls.take(keyedCall(agent, undefined, []), [{ operation, items }], () => id)
  }
  const stored = () => facts.map(({ operation_id: id }) => id)
  const ofOne = [take('1', 'a'), take('2', 'a')]
  await take('3', 'b')
  await take('4', 'b')
  expect(stored()).toEqual(['3', '4'])
  read()
  await Promise.all(ofOne)
  expect(stored()).toEqual(['3', '4', '1', '2'])
})

const identity = JSON.stringify({ messageId: '<1@x>', sizeBytes: 1, date: new Date(0).toISOString() })

test.each([
  ['are changed at once', false],
  ['are only proposed', true],
])('messages that %s are stored when they are complete, or not at all', async (_, isProposed) => {
  const world = await startOperations()
  await world.stop()
  const { hub, db, store, shown, fresh, facts } = world
  const put = async () => 'p'
  const intake = { ...noProposals, isProposing: async () => isProposed, findTwin: async () => undefined, put }
  const calls = new AcceptedCalls(
    { ...{ store, shown, fresh, intake }, keys: new CallKeyStore(db) },
    hub,
    defaultBounds,
  )
  const take = (id: string, complete: Promise<void>) => {
    const operation = newOperation(agent, { id, accountId: 'a', kind: 'move', args: { to: 'Archive' } })
    const place = { path: 'INBOX', uidValidity: 1, uid: 1 }
    const items = [newItem(operation, 0, '{"to":"Archive"}', { messageId: null, place })]
    const completing = complete.then(() => void Object.assign(items[0]!, { identity }))
    return calls.take(keyedCall(agent, undefined, []), [{ operation, items }], () => id, { complete: completing })
  }
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const taken = [take('1', first.promise), take('2', second.promise)]
  second.reject(new Error('the index is gone'))
  first.resolve()
  expect(await Promise.allSettled(taken)).toMatchObject([
    { status: 'fulfilled' },
    { reason: { message: 'the index is gone' } },
  ])
  expect(facts.map(({ operation_id: id }) => id)).toEqual(['1'])
  expect(await store.items('1')).toMatchObject([{ identity }])
  expect(await store.find('2')).toBeUndefined()
})
