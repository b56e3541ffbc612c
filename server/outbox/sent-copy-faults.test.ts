/** Copies of sent messages while something fails or stops: given up late, never counted wrongly, and without leaks. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { ManualClock, startOutbox } from '../../test/support/outbox-world.ts'
import { MemoryConnection } from '../imap/adapters/memory-gateway.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { CopyMemory } from './copy-memory.ts'
import { SentCopies, type SentCopiesOptions } from './sent-copies.ts'

const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })

test('a server that cannot take a copy for two days is given up', async () => {
  const world = await startOutbox()
  const { submit, until, gateway, clock, get } = world
  gateway.delay = step => (step === 'append' ? Promise.reject(lost()) : undefined)
  const { id } = await submit()
  await until(id, 'sent')
  await expect.poll(async () => (await get(id)).sent_copy.why).toBeTruthy()
  expect((await get(id)).sent_copy.state).toBe('waiting')
  await expect
    .poll(async () => {
      clock.advance(49 * 60 * 60_000)
      return (await get(id)).sent_copy.state
    })
    .toBe('failed')
})

test('an error of ours while the answered message is marked is no refusal: it is marked later', async () => {
  const world = await startOutbox()
  const { submit, gateway, refs, clock, get } = world
  const uid = gateway.deliver({ subject: 'one' })
  const ref = refs.encode('a', { folder: 'INBOX', uidValidity: gateway.getFolder('INBOX').uidValidity, uid })
  let faults = 0
  gateway.delay = step => {
    if (step === 'setFlags' && faults++ === 0) throw new TypeError('a bug')
  }
  const { id } = await submit({ answers: { messageId: '<1@there.test>', threadId: null, isForward: false, ref } })
  await expect
    .poll(async () => {
      clock.advance(1_000)
      return (await get(id)).sent_copy.state
    })
    .toBe('saved')
  expect(gateway.getFolder('INBOX').messages[0]!.flags).toEqual(['answered'])
})

test('memory for copies is given back after each, also after one that failed', async () => {
  const memory = new CopyMemory(1)
  const world = await startOutbox({ queue: { memory } })
  const { submit, until, untilCopy, gateway, clock } = world
  await untilCopy((await submit()).id, 'saved')
  await untilCopy((await submit()).id, 'saved')
  let faults = 0
  gateway.delay = step => (step === 'append' && faults++ === 0 ? Promise.reject(lost()) : undefined)
  const { id } = await submit()
  await until(id, 'sent')
  await expect
    .poll(async () => {
      clock.advance(60_000)
      return (await world.get(id)).sent_copy.state
    })
    .toBe('saved')
})

test('a stop while a copy is made is no failed attempt', async () => {
  const world = await startOutbox()
  const { submit, until, gateway, store, stop } = world
  const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gateway.delay = step => {
    if (step !== 'append') return undefined
    begun.resolve()
    return answer.promise
  }
  const { id } = await submit()
  await until(id, 'sent')
  await begun.promise
  const stopping = stop()
  answer.reject(lost())
  await stopping
  expect(await store.find(id)).toMatchObject({ copy_state: 'waiting', copy_attempts: 0, copy_why: null })
})

test('a stop waits for the answer about a copy, for a while, and then cuts it off', async () => {
  const world = await startOutbox()
  const { submit, until, gateway, clock, store, stop } = world
  const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gateway.delay = step => {
    if (step !== 'append') return undefined
    begun.resolve()
    return answer.promise
  }
  const { close } = MemoryConnection.prototype
  const closed = vi.spyOn(MemoryConnection.prototype, 'close').mockImplementation(async function (
    this: MemoryConnection,
  ) {
    answer.reject(lost())
    await close.call(this)
  })
  const { id } = await submit()
  await until(id, 'sent')
  await begun.promise
  let isStopped = false
  const stopping = stop().then(() => {
    isStopped = true
  })
  for (let turn = 0; turn < 20; turn++) await store.find(id)
  expect([isStopped, closed.mock.calls.length]).toEqual([false, 0])
  clock.advance(4_000)
  await expect.poll(() => closed.mock.calls.length).toBe(1)
  await stopping
  expect(await store.find(id)).toMatchObject({ copy_state: 'waiting', copy_attempts: 0 })
})

test('without the lease, and without a copy that is due, nothing is asked and no timer runs', async () => {
  const clock = new ManualClock()
  let lease: object | undefined
  const nextCopy = vi.fn(async () => undefined)
  const options = { accountId: 'a', store: { nextCopy }, clock, lease: () => lease, logger: createLogger('silent') }
  const copies = new SentCopies(options as unknown as SentCopiesOptions)
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await nextTurn()
  }
  await settle()
  expect([nextCopy.mock.calls.length, clock.pending]).toEqual([0, []])
  lease = {}
  copies.wake()
  await settle()
  expect([nextCopy.mock.calls.length, clock.pending]).toEqual([1, []])
  await copies.stop()
})
