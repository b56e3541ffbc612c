/** The watch over the storage: what it tries, how often, and what it says when something changes. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { DatabaseHealth } from '../platform/database/database-health.ts'
import { createLogger } from '../platform/logger.ts'
import { lowRoom, type Room, StorageWatch } from './storage-watch.ts'

const MiB = 1024 * 1024
const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })

async function startWatch() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const clock = { now: 0 }
  const world = {
    tries: [] as boolean[],
    answer: async (): Promise<void> => undefined,
    room: { freeBytes: 1000 * MiB, totalBytes: 2000 * MiB } as Room | undefined,
    hasLocks: true,
    lost: 0,
    facts: [] as Fact[],
    lines: [] as string[],
  }
  const health = new DatabaseHealth()
  const watch = new StorageWatch({
    health,
    probe: ({ hadFault }) => {
      world.tries.push(hadFault)
      return world.answer()
    },
    readRoom: async () => world.room,
    keepLocks: () => world.hasLocks,
    lost: () => void world.lost++,
    publish: fact => void world.facts.push(fact),
    now: () => clock.now,
    logger: createLogger('info', { write: line => void world.lines.push(JSON.parse(line).msg) }),
  })
  onTestFinished(() => watch.stop())
  await watch.start()
  /** Second by second, as it does itself. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.now += 1_000
      await vi.advanceTimersByTimeAsync(1_000)
    }
  }
  const told = () => world.facts.splice(0).map(({ type, data }) => [type, 'alert' in data ? data.alert : ''])
  return { world, health, watch, pass, told, clock }
}

test('it writes at the start, each half minute by itself, and for readiness when the last try is older than 5 s', async () => {
  const { world, watch, pass } = await startWatch()
  expect(world.tries).toEqual([false])
  await pass(29)
  expect(world.tries).toHaveLength(1)
  await pass(1)
  expect(world.tries).toHaveLength(2)
  await pass(4)
  expect(await Promise.all([watch.fault(), watch.fault()])).toEqual([undefined, undefined])
  expect(world.tries).toHaveLength(2)
  await pass(1)
  await Promise.all([watch.fault(), watch.fault()])
  expect(world.tries).toHaveLength(3)
})

test('a write that failed is told at once and tried each second, with more, until it goes through', async () => {
  const { world, health, watch, pass, told } = await startWatch()
  world.answer = () => Promise.reject(full)
  health.failed(full, true)
  expect(watch.figures).toMatchObject({ is_writable: false, fault: 'full', write_failures: 1 })
  await pass(3)
  expect(await watch.fault()).toBe('cannot be written: the disk is full')
  expect(told()).toEqual([['alert_raised', 'database_unwritable']])
  expect(world.tries).toEqual([false, true, true, true])
  world.answer = async () => undefined
  await pass(1)
  expect(watch.figures).toMatchObject({ is_writable: true, fault: null, write_failures: 1 })
  expect(told()).toEqual([['alert_cleared', 'database_unwritable']])
  expect(world.lines).toEqual(['the database cannot be written: the disk is full', 'the database accepts writes again'])
})

test('a database that says nothing is not waited for, and is well again when it has answered a later try', async () => {
  const { world, watch, pass } = await startWatch()
  const silence = Promise.withResolvers<void>()
  world.answer = () => silence.promise
  await pass(30)
  const asked = watch.fault()
  await pass(2)
  expect(await asked).toBe('does not answer writes in time')
  world.answer = async () => undefined
  silence.resolve()
  await pass(2)
  expect(watch.figures.is_writable).toBe(true)
})

test('what is damaged stays so, whatever can be written', async () => {
  const { health, watch, pass, told } = await startWatch()
  health.failed(Object.assign(new Error('malformed'), { errcode: 11 }), false)
  await pass(40)
  expect(await watch.fault()).toBe('is damaged: restore a backup')
  expect(watch.figures).toMatchObject({ fault: 'damaged', write_failures: 0 })
  expect(told()).toEqual([['alert_raised', 'database_unwritable']])
})

test('little room raises an alert, which is cleared with some more, and unknown room is none', async () => {
  const { world, watch, pass, told } = await startWatch()
  expect(watch.figures).toMatchObject({ free_bytes: 1000 * MiB, total_bytes: 2000 * MiB })
  const left = async (freeBytes: number) => {
    world.room = { freeBytes, totalBytes: 2000 * MiB }
    await pass(5)
    return told()
  }
  expect(await left(lowRoom.raise)).toEqual([])
  expect(await left(lowRoom.raise - 1)).toEqual([['alert_raised', 'disk_low']])
  expect(await left(lowRoom.clear - 1)).toEqual([])
  expect(await left(lowRoom.clear)).toEqual([['alert_cleared', 'disk_low']])
  world.room = undefined
  await pass(5)
  expect(watch.figures).toMatchObject({ free_bytes: null, total_bytes: null })
})

test('locks are looked at each second, and their loss is told once', async () => {
  const { world, pass } = await startWatch()
  await pass(2)
  expect(world.lost).toBe(0)
  world.hasLocks = false
  await pass(3)
  expect(world.lost).toBe(1)
})
