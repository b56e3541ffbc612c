/** Operations of one account are stored in the order in which their calls came, whatever one of them waits for. */
import { expect, test } from 'vitest'
import { agent, startOperations } from '../../test/support/operation-world.ts'
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
    const items = [newItem(operation, 0, '{}', { messageId: null, place, identity: null })]
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
