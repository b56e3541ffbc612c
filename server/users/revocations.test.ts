/** Revocations that the database does not take: each holds, none holds up another, and all are stored in the end. */
import { expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Revocations } from './revocations.ts'

const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
const principal = (id: string): Principal => ({
  id,
  name: id,
  kind: 'token',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
})

test('one that keeps failing holds up no other', async () => {
  const revoked: string[] = []
  const revocations = new Revocations({
    listener: { revoked: id => void revoked.push(id) },
    logger: createLogger('silent'),
  })
  onTestFinished(() => revocations.stop())
  const state = { isFull: true, stored: [] as string[] }
  const revoke = (id: string, fails = () => state.isFull) =>
    revocations.run({
      ids: [id],
      check: async () => undefined,
      work: async () => {
        if (fails()) throw full
        state.stored.push(id)
      },
    })
  await expect(revoke('token-odd', () => true)).rejects.toMatchObject({ status: 503 })
  await expect(revoke('token-a')).rejects.toMatchObject({ status: 503 })
  await expect(revoke('token-b')).rejects.toMatchObject({ status: 503 })
  expect(revoked).toEqual(['token-odd', 'token-a', 'token-b'])
  state.isFull = false
  await expect.poll(() => state.stored).toEqual(['token-a', 'token-b'])
  expect(['token-odd', 'token-a', 'token-c'].map(id => revocations.denies(principal(id)))).toEqual([true, false, false])
})
