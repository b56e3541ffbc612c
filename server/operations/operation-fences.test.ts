/** A process whose lease of an account's operations was taken over writes nothing about them any more. */
import { expect, test } from 'vitest'
import { LosingLeases } from '../../test/support/losing-leases.ts'
import { agent, signal, startOperations } from '../../test/support/operation-world.ts'
import { Problem } from '../platform/problem.ts'

async function startLosing() {
  const leases = new LosingLeases()
  const world = await startOperations({ queue: { leases } })
  world.gateway.deliver({ subject: 'one', messageId: '<1@test.local>' })
  return { ...world, leases }
}

test('it does not write what became of messages', async () => {
  const { accept, refsIn, gateway, leases, facts, store } = await startLosing()
  gateway.delay = step => {
    if (step === 'move answered') leases.lose()
  }
  const { id } = await accept({ kind: 'move', ids: refsIn('INBOX'), to: { role: 'archive' } })
  await leases.refused(() => facts.at(-1)?.state === 'done')
  expect(await store.find(id)).toMatchObject({ state: 'pending', settled_at: null })
  expect(await store.items(id)).toMatchObject([{ state: 'sent' }])
})

test('nor what became of a folder', async () => {
  const { folders, gateway, leases, facts, store } = await startLosing()
  gateway.delay = step => {
    if (step === 'createFolder') leases.lose()
  }
  const { id } = await folders.accept(agent, 'a', { kind: 'create_folder', folder: 'New' }, signal)
  await leases.refused(() => facts.at(-1)?.state === 'done')
  expect(await store.find(id)).toMatchObject({ state: 'pending', settled_at: null })
})

test('nor why an operation waits for another attempt', async () => {
  const { accept, refsIn, gateway, leases, store } = await startLosing()
  const ids = refsIn('INBOX')
  let attempts = 0
  gateway.delay = step => {
    if (step === 'connect') return
    attempts++
    leases.lose()
    throw new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })
  }
  const { id } = await accept({ kind: 'flags', ids, add: ['seen'] })
  await leases.refused(() => attempts > 20)
  expect(await store.find(id)).toMatchObject({ state: 'pending', error: null })
})
