/** Notifications on their way: bounded, tried again, and none waits for a service that is slow. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { PushQueue, type PushQueueOptions, type PushResult } from './push-queue.ts'
import type { PushOutcome } from './push-sender.ts'

const sent: PushOutcome = { kind: 'sent' }
const retry: PushOutcome = { kind: 'retry', why: 'busy', afterMs: undefined }

function startQueue(options: Partial<PushQueueOptions> = {}) {
  const results: PushResult[] = []
  const queue = new PushQueue({
    observe: result => results.push(result),
    logger: createLogger('silent'),
    delaysMs: [1, 1],
    ...options,
  })
  onTestFinished(() => queue.stop())
  const add = (key: string, attempt: () => Promise<PushOutcome | undefined>, origin = 'https://one') =>
    queue.add({ key, origin, attempt })
  return { queue, results, add }
}

test('a service that asks for time is asked again, and in the end left', async () => {
  const { results, add } = startQueue()
  const attempt = vi.fn(async () => retry)
  add('a', attempt)
  await expect.poll(() => results).toEqual(['retried', 'retried', 'dropped'])
  expect(attempt).toHaveBeenCalledTimes(3)
  const outcomes = [retry, sent]
  add('b', async () => outcomes.shift())
  await expect.poll(() => results.slice(3)).toEqual(['retried', 'sent'])
})

test('it waits as long as the service says, not as long as it would by itself', async () => {
  const { results, add } = startQueue({ delaysMs: [3_600_000] })
  const outcomes: PushOutcome[] = [{ ...retry, afterMs: 1 }, sent]
  add('a', async () => outcomes.shift())
  await expect.poll(() => results).toEqual(['retried', 'sent'])
})

test('what is refused or gone is not tried again, nor what has nothing to say any more; a fault of ours is', async () => {
  const { results, add } = startQueue()
  add('refused', async () => ({ kind: 'refused', why: '' }))
  add('gone', async () => ({ kind: 'gone', why: '' }))
  const silent = vi.fn(async () => undefined)
  add('nothing', silent)
  const faulty = vi.fn(async (): Promise<PushOutcome> => {
    if (faulty.mock.calls.length < 2) throw new Error('the database is away')
    return sent
  })
  add('fault', faulty)
  await expect.poll(() => [...results].sort()).toEqual(['gone', 'refused', 'retried', 'sent'])
  expect([silent.mock.calls.length, faulty.mock.calls.length]).toEqual([1, 2])
})

test('a slow service has a few at a time, and holds up no other', async () => {
  const { results, add } = startQueue()
  const slow = Promise.withResolvers<PushOutcome>()
  onTestFinished(() => slow.resolve(sent))
  const started = vi.fn(() => slow.promise)
  for (let index = 0; index < 50; index++) add(`slow ${index}`, started, 'https://slow')
  for (let index = 0; index < 50; index++) add(`quick ${index}`, async () => sent, 'https://quick')
  await expect.poll(() => results.length).toBe(50)
  expect(started).toHaveBeenCalledTimes(4)
  slow.resolve(sent)
  await expect.poll(() => results.length).toBe(100)
})

test('a later one takes the place of one that waits; beyond the bound nothing is taken', async () => {
  const { results, add } = startQueue({ bounds: { waiting: 2, perOrigin: 1, inAll: 1 } })
  const first = Promise.withResolvers<PushOutcome>()
  add('first', () => first.promise)
  const [old, other] = [vi.fn(async () => sent), vi.fn(async () => sent)]
  add('a', old)
  add('b', async () => sent)
  add('a', other)
  add('c', async () => sent)
  expect(results).toEqual(['dropped'])
  first.resolve(sent)
  await expect.poll(() => results).toEqual(['dropped', 'sent', 'sent', 'sent'])
  expect([old.mock.calls.length, other.mock.calls.length]).toEqual([0, 1])
})

test('a later one takes the place of one that would be tried again', async () => {
  const { results, add } = startQueue({ bounds: { waiting: 2, perOrigin: 1, inAll: 1 } })
  const first = Promise.withResolvers<PushOutcome>()
  const old = vi.fn(() => first.promise)
  add('a', old)
  add('a', async () => sent)
  first.resolve(retry)
  await expect.poll(() => results).toEqual(['sent'])
  expect(old).toHaveBeenCalledTimes(1)
})

test('only so many are under way to all services together', async () => {
  const { results, add } = startQueue({ bounds: { waiting: 9, perOrigin: 9, inAll: 2 } })
  const slow = Promise.withResolvers<PushOutcome>()
  const started = vi.fn(() => slow.promise)
  for (const name of ['one', 'two', 'three']) add(name, started, `https://${name}`)
  expect(started).toHaveBeenCalledTimes(2)
  slow.resolve(sent)
  await expect.poll(() => results).toEqual(['sent', 'sent', 'sent'])
})

test('the end cuts off what is under way, and waits for it', async () => {
  const { queue, results } = startQueue()
  let isCut = false
  queue.add({
    key: 'a',
    origin: 'https://one',
    attempt: async signal => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      await Promise.resolve()
      isCut = true
      return retry
    },
  })
  await queue.stop()
  expect(isCut).toBe(true)
  queue.add({ key: 'b', origin: 'https://one', attempt: async () => sent })
  expect(results).toEqual(['dropped'])
})
