/** A stop of the outbox ends, whatever the database does meanwhile. */
import { expect, test, vi } from 'vitest'
import { startOutbox } from '../../test/support/outbox-world.ts'

test('a stop ends while the outcome of a message cannot be written, and the message is unknown after the start', async () => {
  const { hub, submit, until, stop, start, clock, facts, senders } = await startOutbox()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: go, resolve } = Promise.withResolvers<undefined>()
  senders.server = {
    message: () => {
      begin()
      return go
    },
  }
  const { id } = await submit()
  await begun
  const transact = vi.spyOn(hub, 'transact').mockRejectedValue(new Error('the database is away'))
  let hasEnded = false
  const stopped = stop().then(() => {
    hasEnded = true
  })
  resolve(undefined)
  await expect
    .poll(() => {
      clock.advance(1_000)
      return hasEnded || transact.mock.calls.length > 20
    })
    .toBe(true)
  expect([hasEnded, facts.at(-1)?.state]).toEqual([true, 'sending'])
  await stopped
  transact.mockRestore()
  await start()
  await until(id, 'unknown')
  expect(senders.taken).toHaveLength(1)
})
