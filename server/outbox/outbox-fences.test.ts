/** A process whose lease of an outbox was taken over writes nothing about its messages any more, wherever it is then. */
import { expect, test, vi } from 'vitest'
import { LosingLeases } from '../../test/support/losing-leases.ts'
import { startOutbox } from '../../test/support/outbox-world.ts'

const minute = 60_000

async function startLosing() {
  const leases = new LosingLeases()
  const world = await startOutbox({ queue: { leases } })
  return { ...world, leases, row: async (id: string) => (await world.store.find(id))! }
}

test('it claims no message', async () => {
  const { submit, until, untilCopy, leases, row, facts, senders } = await startLosing()
  const { id: earlier } = await submit()
  await until(earlier, 'sent')
  await untilCopy(earlier, 'saved')
  leases.lose()
  const { id } = await submit()
  await leases.refused(() => facts.some(({ submission_id, state }) => submission_id === id && state !== 'queued'))
  expect(await row(id)).toMatchObject({ state: 'queued', attempts: 0 })
  expect(senders.taken).toHaveLength(1)
})

test('it does not write the outcome of an attempt that it began', async () => {
  const { submit, leases, row, facts, senders } = await startLosing()
  senders.server = {
    message: () => {
      leases.lose()
      return undefined
    },
  }
  const { id } = await submit()
  await leases.refused(() => facts.at(-1)?.state === 'sent')
  expect(await row(id)).toMatchObject({ state: 'sending', ended_at: null })
})

test('it does not mark what the other process is sending as unknown', async () => {
  const { submit, stop, start, hub, store, leases, row, facts } = await startLosing()
  await stop()
  const { id } = await submit()
  await hub.transact(transaction => store.claim(transaction, id))
  leases.lose()
  await start()
  await leases.refused(() => facts.at(-1)?.state === 'unknown')
  expect(await row(id)).toMatchObject({ state: 'sending' })
})

test('it does not put a message back that the other process may be sending', async () => {
  const { hub, submit, leases, row, clock, facts } = await startLosing()
  const transact = hub.transact.bind(hub)
  let isAnswerLost = false
  vi.spyOn(hub, 'transact').mockImplementation(async work => {
    const result = await transact(work)
    if (isAnswerLost || facts.at(-1)?.state !== 'sending') return result
    isAnswerLost = true
    leases.lose()
    throw new Error('Connection terminated unexpectedly')
  })
  const { id } = await submit()
  await leases.refused(() => {
    clock.advance(1_000)
    return isAnswerLost && facts.at(-1)?.state !== 'sending'
  })
  expect(await row(id)).toMatchObject({ state: 'sending', attempts: 1 })
})

test('it gives no old message up', async () => {
  const { submit, senders, clock, leases, row, facts, hub } = await startLosing()
  senders.server = { away: { code: 'mail_server_unreachable', response: '' } }
  const rows = [await submit(), await submit()]
  await expect.poll(() => facts.filter(({ state, attempts }) => state === 'queued' && attempts === 1).length).toBe(2)
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  hub.listen('delivery_changed', ({ state }) => {
    if (state === 'failed') leases.lose()
  })
  clock.advance(49 * 60 * minute)
  await leases.refused(() => facts.filter(({ state }) => state === 'failed').length > 1)
  const states = await Promise.all(rows.map(async ({ id }) => (await row(id)).state))
  expect(states.sort()).toEqual(['failed', 'queued'])
})

test('it does not record a copy in Sent', async () => {
  const { submit, hub, gateway, leases, row } = await startLosing()
  hub.listen('delivery_changed', ({ state }) => {
    if (state === 'sent') leases.lose()
  })
  const { id } = await submit()
  await leases.refused(() => gateway.getFolder('Sent').messages.length > 0)
  expect(await row(id)).toMatchObject({ state: 'sent', copy_state: 'waiting', copy_intent: null })
})
