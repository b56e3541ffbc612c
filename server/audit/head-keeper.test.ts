/** The file follows the trail within a second, does so again after it failed, and is left alone while it is evidence. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { auditSecrets } from '../../test/support/audit.ts'
import { createLogger } from '../platform/logger.ts'
import type { AuditChainRow } from './audit-tables.ts'
import { HeadKeeper, headEveryMs } from './head-keeper.ts'
import { type Head, type HeadReading, TrailHead } from './trail-head.ts'

const ends = (newest: number): AuditChainRow => ({
  id: 1,
  trail_id: 'one',
  begun_at: '',
  newest,
  newest_hash: `hash ${newest}`,
  forgotten_to: 0,
  forgotten_hash: '',
  head_number: 0,
  seal: '',
})
const at = new Date(0).toISOString()
const reading = (newest: number): HeadReading => {
  const head = { version: 1, trail_id: 'one', newest, newest_hash: newest === 0 ? '' : `hash ${newest}`, at } as const
  return { kind: 'ours', head }
}

function keeperOn({ found = ends(0), file = reading(0) }: { found?: AuditChainRow; file?: HeadReading } = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const disk = { isFull: false, busy: Promise.resolve(), tries: 0, saved: [] as number[], said: [] as string[] }
  const head = Object.assign(new TrailHead({ file: 'never written', secrets: auditSecrets }), {
    read: async () => file,
    save: async ({ newest }: Omit<Head, 'version'>) => {
      disk.tries++
      await disk.busy
      if (disk.isFull) throw new Error('ENOSPC')
      disk.saved.push(newest)
    },
  })
  const find = async (number: number) => ({ hash: `hash ${number}` }) as never
  const logger = createLogger('info', { write: line => void disk.said.push(JSON.parse(line).level) })
  const keeper = new HeadKeeper({ head, store: { find, findEnds: async () => found }, logger, now: () => 0 })
  return { keeper, disk, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

test('it is written at once, and then what came meanwhile a second later', async () => {
  const { keeper, disk, pass } = keeperOn()
  expect(await keeper.start()).toBeUndefined()
  keeper.moved(ends(1))
  await pass(0)
  expect([disk.saved, keeper.saved]).toEqual([[1], 1])
  for (const number of [2, 3, 4]) keeper.moved(ends(number))
  await pass(headEveryMs - 1)
  expect(disk.saved).toEqual([1])
  await pass(1)
  expect(disk.saved).toEqual([1, 4])
  await pass(60_000)
  expect(disk.tries).toBe(2)
})

test('what comes while it is being written is written after that, and at the end all of it', async () => {
  const { keeper, disk, pass } = keeperOn()
  await keeper.start()
  const busy = Promise.withResolvers<void>()
  disk.busy = busy.promise
  keeper.moved(ends(1))
  await pass(0)
  keeper.moved(ends(2))
  const stopped = keeper.stop()
  busy.resolve()
  await stopped
  expect(disk.saved).toEqual([1, 2])
})

test('what a crash left out is written at the next start', async () => {
  const { keeper, disk, pass } = keeperOn({ found: ends(7), file: reading(5) })
  await keeper.start()
  expect(keeper.saved).toBe(5)
  await pass(0)
  expect(disk.saved).toEqual([7])
})

test('while it cannot be written that is said once, it is tried once a second, and it never claims what it did not write', async () => {
  const { keeper, disk, pass } = keeperOn()
  await keeper.start()
  disk.isFull = true
  keeper.moved(ends(1))
  await pass(10 * headEveryMs)
  expect([disk.tries, keeper.saved, disk.said]).toEqual([11, 0, ['error']])
  disk.isFull = false
  await pass(headEveryMs)
  expect([disk.saved, keeper.saved, disk.said]).toEqual([[1], 1, ['error', 'info']])
})

test.each([
  ['the database is behind it', ends(3), reading(5)],
  ['it is missing', ends(3), { kind: 'missing' } as const],
  ['it is not ours', ends(3), { kind: 'foreign', why: 'a test' } as const],
])('it is left as it is when %s', async (_name, found, file) => {
  const { keeper, disk, pass } = keeperOn({ found, file })
  expect(await keeper.start()).toMatchObject({ number: expect.any(Number) })
  keeper.moved(ends(9))
  await pass(5 * headEveryMs)
  await keeper.stop()
  expect([disk.tries, keeper.saved]).toEqual([0, 0])
})

test('before anybody has compared, nothing is written', async () => {
  const { keeper, disk } = keeperOn()
  keeper.moved(ends(1))
  await keeper.stop()
  expect(disk.tries).toBe(0)
})
