/** AheadOfLane: which mail servers are waited for when an operation is accepted. */
import { expect, test } from 'vitest'
import { agent } from '../../test/support/operation-world.ts'
import { AheadOfLane } from './ahead-of-lane.ts'
import type { Looked } from './mail-step.ts'
import { newOperation } from './new-operation.ts'

test('one is near if this thread waits for it for a short time, whatever it does besides', async () => {
  const clock = { idleMs: 0 }
  let looking = Promise.withResolvers<Looked | undefined>()
  const target = { to: 'Archive', uidValidity: 1, uidNext: 1 }
  const [readTarget, nothing] = [async () => target, async () => undefined]
  const runner = { lookAhead: () => looking.promise, readTarget, ready: nothing, prepare: nothing }
  const ahead = new AheadOfLane(runner, new AbortController().signal, () => clock.idleMs)
  const lease = { name: 'operations:a', fence: async () => undefined }
  const operation = newOperation(agent, { id: '1', accountId: 'a', kind: 'delete', args: {} })
  const isNear = async (idleMs: number) => {
    looking = Promise.withResolvers()
    const begun = ahead.begin(operation, [], lease)
    // Wall time passes meanwhile, but is not what counts.
    clock.idleMs += idleMs
    looking.resolve(undefined)
    await begun?.looking
    expect(ahead.take('1')).toBe(begun)
    return begun?.isNear
  }
  // Each verdict is about the look before it.
  expect([await isNear(3), await isNear(40), await isNear(10), await isNear(0)]).toEqual([false, true, false, true])
})
