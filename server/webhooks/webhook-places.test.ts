/** Places are stored in batches, one after the other, only with the lease; what failed is stored later, at the latest by the stop. */
import { afterEach, expect, test, vi } from 'vitest'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import type { WebhookEndpoint } from './webhook-endpoint.ts'
import { WebhookPlaces } from './webhook-places.ts'
import type { WebhookProgress } from './webhook-store.ts'

const commitMs = 50

afterEach(() => void vi.useRealTimers())

function world() {
  vi.useFakeTimers()
  const saved: string[] = []
  const state = { fault: undefined as Error | undefined, isLost: false, gate: Promise.resolve(), tries: 0 }
  const lease: Lease = {
    name: 'webhooks',
    fence: async () => {
      if (state.isLost) throw new LeaseLost('webhooks')
    },
  }
  const places = new WebhookPlaces({
    store: {
      transact: async work => {
        const { gate } = state
        state.tries++
        await gate
        if (state.fault) throw state.fault
        await work(undefined as never)
      },
      saveProgress: async (_transaction, rows) => void saved.push(rows.map(row => `${row.id} ${row.place}`).join()),
    },
    findLease: () => lease,
    commitMs,
    logger: createLogger('silent'),
  })
  const endpoint = (id: string) => {
    const row = { id, place: 1 }
    const stored: number[] = []
    const made = {
      isRemoved: false,
      stored: (place: number) => void stored.push(place),
      get progress() {
        return { ...row } as WebhookProgress
      },
    }
    return { row, stored, made, noted: () => places.note(made as unknown as WebhookEndpoint) }
  }
  /** Holds back what is stored until the returned function is called. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    state.gate = promise
    return () => {
      state.gate = Promise.resolve()
      resolve()
    }
  }
  return { places, state, saved, endpoint, hold }
}

test('places that change soon after each other are stored together, and those that change meanwhile after them', async () => {
  const { saved, endpoint, hold, state } = world()
  const [one, two] = [endpoint('one'), endpoint('two')]
  one.noted()
  two.noted()
  one.row.place = 2
  const release = hold()
  await vi.advanceTimersByTimeAsync(commitMs)
  one.row.place = 3
  one.noted()
  await vi.advanceTimersByTimeAsync(10 * commitMs)
  expect(state.tries).toBe(1)
  release()
  await vi.advanceTimersByTimeAsync(commitMs)
  expect(saved).toEqual(['one 2,two 1', 'one 3'])
  expect([one.stored, two.stored]).toEqual([[2, 3], [1]])
})

test('what could not be stored is stored a second later, unless its endpoint was removed', async () => {
  const { saved, endpoint, state } = world()
  const [one, two] = [endpoint('one'), endpoint('two')]
  one.noted()
  two.noted()
  state.fault = new Error('the disk is full')
  two.made.isRemoved = true
  await vi.advanceTimersByTimeAsync(commitMs)
  expect([saved, one.stored]).toEqual([[], []])
  state.fault = undefined
  const three = endpoint('three')
  await vi.advanceTimersByTimeAsync(1_001)
  expect(saved).toEqual(['one 1'])
  three.noted()
  await vi.advanceTimersByTimeAsync(commitMs)
  expect(saved).toEqual(['one 1', 'three 1'])
})

test('a process that lost its lease stores nothing', async () => {
  const { saved, endpoint, state } = world()
  const one = endpoint('one')
  one.noted()
  state.isLost = true
  await vi.advanceTimersByTimeAsync(5_000)
  expect([saved, one.stored, state.tries]).toEqual([[], [], 1])
})

test('a stop waits for what is being stored, stores the rest, and nothing after that', async () => {
  const { places, saved, endpoint, hold, state } = world()
  const [one, two] = [endpoint('one'), endpoint('two')]
  one.noted()
  const release = hold()
  await vi.advanceTimersByTimeAsync(commitMs)
  two.noted()
  const order: string[] = []
  void places.settled().then(() => order.push('settled'))
  const stopped = places.stop().then(() => order.push('stopped'))
  await vi.advanceTimersByTimeAsync(commitMs)
  expect([order, state.tries]).toEqual([[], 1])
  release()
  await stopped
  expect([order, saved]).toEqual([
    ['settled', 'stopped'],
    ['one 1', 'two 1'],
  ])
  one.noted()
  expect(vi.getTimerCount()).toBe(0)
})

test('a stop before the delay is over stores at once', async () => {
  const { places, saved, endpoint } = world()
  endpoint('one').noted()
  await places.stop()
  expect([saved, vi.getTimerCount()]).toEqual([['one 1'], 0])
})
