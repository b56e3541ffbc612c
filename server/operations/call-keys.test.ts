/** How long a call may be repeated under its key. */
import { expect, test } from 'vitest'
import { agent, signal, startOperations } from '../../test/support/operation-world.ts'
import { keyMs } from './accepted-calls.ts'

test('each key of a caller is for a call of its own', async () => {
  const world = await startOperations()
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const flag = async (add: string, key: string) =>
    (await world.accept({ kind: 'flags', ids, add: [add] }, agent, key)).id
  const [one, two] = [await flag('one', 'key-1'), await flag('two', 'key-2')]
  expect(two).not.toBe(one)
  expect([await flag('one', 'key-1'), await flag('two', 'key-2')]).toEqual([one, two])
})

test('after a day a key is free again, though it is still stored', async () => {
  const world = await startOperations()
  world.gateway.deliver({ subject: 'one' })
  const ids = world.refsIn('INBOX')
  const flag = (add: string) => world.accept({ kind: 'flags', ids, add: [add] }, agent, 'key')
  const { id } = await flag('one')
  const setAt = (ms: number) =>
    world.db
      .updateTable('operation_keys')
      .set({ at: new Date(ms).toISOString() })
      .execute()
  await setAt(Date.now() - keyMs + 60_000)
  expect((await flag('one')).id).toBe(id)
  await setAt(Date.now() - keyMs - 1)
  const { id: other } = await flag('two')
  expect(other).not.toBe(id)
  expect((await flag('two')).id).toBe(other)
  // The undo of another operation under it is refused: the key belongs to the newest call.
  await expect(world.undo.undoOne(agent, other, false, { signal, key: 'key' })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
})
