/** Figures over time: what is read in any step is what was recorded, whatever was rolled up, packed, stored twice or restarted meanwhile. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { decodeBlock, decodeFrame, encodeBlock, encodeFrame } from './frame-codec.ts'
import { HistoryMaintenance } from './history-maintenance.ts'
import { HistoryReader } from './history-reader.ts'
import { HistoryRecorder } from './history-recorder.ts'
import { HistoryStore } from './history-store.ts'
import { levels, type Step } from './levels.ts'
import { bucketOf, mergeTimes, observe, type Point, pointOf, quantile, relativeError } from './point.ts'
import { keyOf } from './series.ts'
import { SeriesNumbers } from './series-numbers.ts'

const logger = createLogger('silent')
const everything = { where: () => true, groupOf: () => '' }
/** A moment at which a day begins. */
const midnight = Date.parse('2026-03-01T00:00:00Z') / 1000

async function world(db: Database, begin = midnight, writer = 0) {
  let now = begin
  const store = new HistoryStore(db)
  const gauges = new Map<string, number>()
  const run = async () => {
    const numbers = new SeriesNumbers(store)
    await numbers.start()
    const maintenance = new HistoryMaintenance({ store, numbers, writer })
    const recorder = new HistoryRecorder({
      readGauges: set => {
        for (const [account_id, value] of gauges) set('imap_connections', value, { account_id, state: 'idle' })
      },
      maintenance,
      logger,
      now: () => now * 1000,
    })
    const reader = new HistoryReader({ store, numbers, recent: () => recorder.recent, now: () => now })
    return { recorder, reader, maintenance }
  }
  return {
    store,
    gauges,
    run,
    at: () => now,
    pass: (seconds: number) => {
      now += seconds
    },
  }
}

type Running = Awaited<ReturnType<Awaited<ReturnType<typeof world>>['run']>>

const read = ({ reader }: Running, step: Step, from: number, until: number, name: 'mail_received' | 'response_time') =>
  reader.read({ name, step, from, until, ...everything })

test('a quantile of merged histograms is that of all values, within the stated error', () => {
  const durations = fc.array(fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1 }), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (parts, share) => {
      let merged: Point | undefined
      for (const values of parts) {
        let point: Point | undefined
        for (const value of values) point = observe(point, value)
        merged = mergeTimes(merged, point!)
      }
      const sorted = parts.flat().sort((one, other) => one - other)
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!
      const found = quantile(merged!.buckets!, share, merged!)!
      expect(Math.abs(found - exact) / exact).toBeLessThanOrEqual(relativeError + 1e-6)
      expect(merged!.count).toBe(sorted.length)
    }),
  )
  expect(quantile([], 0.5, { min: 0, max: 0 })).toBeUndefined()
  expect(bucketOf(0)).toBe(bucketOf(-1))
  expect(bucketOf(Number.MAX_VALUE)).toBe(bucketOf(2 ** 40))
})

test('frames and blocks come back as they were written', () => {
  const point = fc
    .record({
      count: fc.integer({ min: 1, max: 1_000 }),
      sum: fc.integer({ min: -1e12, max: 1e12 }),
      min: fc.integer({ min: -1e9, max: 1e9 }),
      spread: fc.nat(1e9),
      buckets: fc.option(
        fc.uniqueArray(fc.tuple(fc.integer({ min: -1_000, max: 240 }), fc.integer({ min: 1, max: 1e6 })), {
          selector: ([bucket]) => bucket,
        }),
      ),
    })
    .map(({ spread, buckets, ...rest }) => ({
      ...rest,
      max: rest.min + spread,
      ...(buckets && buckets.length > 0 ? { buckets: buckets.sort(([one], [other]) => one - other).flat() } : {}),
    }))
  const points = fc
    .uniqueArray(fc.tuple(fc.nat(2_000), point), { selector: ([place]) => place, minLength: 1, maxLength: 50 })
    .map(all => all.sort(([one], [other]) => one - other))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 1e6 }), points), { selector: ([id]) => id }), all => {
      const frame = new Map(all)
      const bytes = encodeFrame(frame, () => 1)
      expect(decodeFrame(bytes, () => 1)).toEqual(new Map([...frame].sort(([one], [other]) => one - other)))
      const [first] = frame
      if (!first) return
      expect(decodeFrame(bytes, () => 1, new Set([first[0]]))).toEqual(new Map([first]))
      expect(decodeBlock(encodeBlock(first[1], 1), 1)).toEqual(first[1])
    }),
  )
  // A frame of a later version is a gap, not a fault.
  expect(decodeFrame(new Uint8Array([250, 1, 2]), () => 1).size).toBe(0)
  expect(decodeBlock(new Uint8Array([250, 1, 2]), 1)).toEqual([])
})

test('every step shows what was recorded over a day and a half, with restarts, kills and gaps in between', async () => {
  const db = await memoryDatabase()
  const { run, pass, at } = await world(db)
  /** By second. */
  const said = new Map<number, { received: number; took: number[] }>()
  let running = await run()
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const minutes = 36 * 60 + 7
  for (let minute = 0; minute < minutes; minute++) {
    const happens = random(4) === 0
    const here: { received: number; took: number[] } = { received: 0, took: [] }
    if (happens) {
      here.received = 1 + random(5)
      here.took = Array.from({ length: random(4) }, () => 1 + random(5_000))
      running.recorder.count('mail_received', { account_id: `a${random(2)}` }, here.received)
      for (const ms of here.took) running.recorder.observe('response_time', ms)
      said.set(at(), here)
    }
    running.recorder.sample()
    pass(60)
    // Stopped with its minute stored, or killed at the end of a stored minute.
    if (random(200) === 0) {
      await running.recorder.stop()
      if (random(2) === 0) pass(60 * random(200))
      running = await run()
      await running.maintenance.maintain(at())
    } else {
      running.recorder.sample()
      await stored(running)
    }
  }
  await stored(running)
  for (const { step } of levels.filter(level => level.step > 5)) {
    const from = midnight
    const received = (await read(running, step as Step, from, at(), 'mail_received')).get('')!
    const expected = new Map<number, number>()
    const took = new Map<number, number[]>()
    for (const [second, { received: count, took: durations }] of said) {
      const start = Math.floor(second / step) * step
      expected.set(start, (expected.get(start) ?? 0) + count)
      if (durations.length > 0) took.set(start, [...(took.get(start) ?? []), ...durations])
    }
    const kept = step === 60 ? at() - 2 * 24 * 3600 : from
    const inside = <Value>(values: Iterable<[number, Value]>) => [...values].filter(([start]) => start >= kept + 3600)
    const sums = [...received].map(([start, { sum }]): [number, number] => [start, sum])
    expect(inside(sums.filter(([, sum]) => sum > 0))).toEqual(inside(expected))
    const times = (await read(running, step as Step, from, at(), 'response_time')).get('')!
    const seen = [...times].map(([start, { count, min, max }]) => [start, [count, min, max]] as [number, number[]])
    const real = [...took].map(
      ([start, all]) => [start, [all.length, Math.min(...all), Math.max(...all)]] as [number, number[]],
    )
    expect(inside(seen)).toEqual(inside(real))
  }
  // Nothing is stored twice, or longer than documented.
  const frames = await db.selectFrom('history_frames').select(['step', 'start']).execute()
  const count = (step: number) => frames.filter(frame => frame.step === step).length
  expect(count(5)).toBeLessThanOrEqual(61 + 10)
  expect(count(60)).toBeLessThanOrEqual(60 + 15 + 1)
  expect(count(900)).toBeLessThanOrEqual(2 * 96)
})

/** Waits until pending samples are in the database. */
async function stored({ recorder }: Running): Promise<void> {
  while (recorder.recent.length > 1) await new Promise(resolve => setImmediate(resolve))
}

test('where nothing was counted while the server ran there is a zero, and where it did not run a gap', async () => {
  const { run, pass, at } = await world(await memoryDatabase())
  const first = await run()
  first.recorder.sample()
  pass(30)
  first.recorder.count('mail_received', { account_id: 'a' }, 3)
  first.recorder.sample()
  await first.recorder.stop()
  pass(600)
  const second = await run()
  second.recorder.sample()
  const points = (await read(second, 60, midnight, at() + 60, 'mail_received')).get('')!
  expect([...points]).toEqual([
    [midnight, { count: 2, sum: 3, min: 0, max: 3 }],
    [midnight + 600, { count: 1, sum: 0, min: 0, max: 0 }],
  ])
  await second.recorder.stop()
})

test('gauges of several accounts add up, each group for itself, and only those that are wanted', async () => {
  const { run, gauges, at, pass } = await world(await memoryDatabase())
  const running = await run()
  gauges.set('a', 2).set('b', 5)
  running.recorder.sample()
  pass(5)
  gauges.set('b', 1)
  running.recorder.sample()
  const query = { name: 'imap_connections', step: 60, from: midnight, until: at() + 60 } as const
  const all = await running.reader.read({ ...query, ...everything })
  expect(all.get('')?.get(midnight)).toEqual({ count: 2, sum: 10, min: 3, max: 7 })
  const each = await running.reader.read({
    ...query,
    where: ({ account_id }) => account_id === 'b',
    groupOf: ({ account_id }) => account_id!,
  })
  expect([...each]).toEqual([['b', new Map([[midnight, { count: 2, sum: 6, min: 1, max: 5 }]])]])
  await running.recorder.stop()
})

onEachDatabase(open => {
  test('a minute that is stored in two parts is whole; several processes add up; old pieces go', async () => {
    const db = await open()
    const { run, pass, at, store } = await world(db)
    const other = await world(db, midnight, 1)
    const first = await run()
    first.recorder.count('mail_received', { account_id: 'a' }, 3)
    await first.recorder.stop()
    const second = await run()
    pass(20)
    second.recorder.count('mail_received', { account_id: 'a' }, 4)
    second.recorder.sample()
    await second.recorder.stop()
    const elsewhere = await other.run()
    elsewhere.recorder.count('mail_received', { account_id: 'a' }, 10)
    await elsewhere.recorder.stop()
    const third = await run()
    const sumOf = async (step: Step) =>
      (await read(third, step, midnight, midnight + step, 'mail_received')).get('')?.get(midnight)?.sum
    expect(await sumOf(60)).toBe(17)
    expect(await sumOf(86_400)).toBe(17)
    pass(3 * 24 * 3600)
    await elsewhere.maintenance.maintain(at())
    await third.maintenance.maintain(at())
    // The minutes have been pruned by now; their aggregates stay.
    expect((await read(third, 60, midnight, midnight + 60, 'mail_received')).size).toBe(0)
    expect(await sumOf(900)).toBe(17)
    expect(await sumOf(86_400)).toBe(17)
    expect(await store.listFrames(60, 0, at())).toEqual([])
    pass(60 * 24 * 3600)
    await third.maintenance.maintain(at())
    expect((await read(third, 900, midnight, midnight + 900, 'mail_received')).size).toBe(0)
    expect(await sumOf(86_400)).toBe(17)
    await store.addMarks([{ id: 'm', at: midnight, kind: 'restart', account_id: null, words: 'Started.' }])
    await store.addMarks([{ id: 'm', at: midnight, kind: 'restart', account_id: null, words: 'Again.' }])
    expect(await store.listMarks(midnight, midnight + 1, 10)).toEqual([
      { id: 'm', at: midnight, kind: 'restart', account_id: null, words: 'Started.' },
    ])
  })
})

test.each(['listFrames', 'listBlocks'] as const)(
  'what is packed while it is read is there once, and the first look was %s',
  async first => {
    const { store, run, pass, at } = await world(await memoryDatabase())
    const { maintenance } = await run()
    const others = Array.from({ length: 400 }, (_, number) => `other-${number}`)
    for (let minute = 0; minute < 120; minute++) {
      // One group is new in the last minute; with those of the first one they exceed a page.
      const names = { 0: ['a', ...others], 119: ['a', 'b'] }[minute] ?? ['a']
      const keys = names.map(account_id => keyOf('mail_received', { account_id }))
      await maintenance.keepMinute({ start: at(), points: new Map(keys.map(key => [key, [[0, pointOf(1)]]])) })
      pass(60)
    }
    const numbers = new SeriesNumbers(store)
    await numbers.start()
    let looks = 0
    const then = async <T>(name: string, look: Promise<T>): Promise<T> => {
      const found = await look
      if (name === first && looks++ === 0) await maintenance.maintain(at())
      return found
    }
    const watched = {
      listFrames: (...given: Parameters<HistoryStore['listFrames']>) => then('listFrames', store.listFrames(...given)),
      listBlocks: (...given: Parameters<HistoryStore['listBlocks']>) => then('listBlocks', store.listBlocks(...given)),
    } as Partial<HistoryStore> as HistoryStore
    const reader = new HistoryReader({ store: watched, numbers, recent: () => [], now: at })
    const query = { name: 'mail_received', step: 60, from: midnight, until: at(), ...everything } as const
    const points = (await reader.read(query)).get('')!
    const sum = [...points.values()].reduce((all, point) => all + point.sum, 0)
    expect([sum, points.size, looks > 0]).toEqual([521, 120, true])
    expect((await store.listFrames(60, midnight, at())).length, 'it was packed').toBe(0)
  },
)

test('what could not be stored is tried again, and given up after ten minutes', async () => {
  let now = midnight * 1000
  let isBroken = true
  const kept: number[] = []
  const maintenance = {
    keepMinute: async ({ start }: { start: number }) => {
      if (isBroken) throw new Error('disk full')
      kept.push(start)
    },
    maintain: async () => undefined,
  }
  const recorder = new HistoryRecorder({ readGauges: () => undefined, maintenance, logger, now: () => now })
  for (let minute = 0; minute < 15; minute++) {
    recorder.sample()
    now += 60_000
    await new Promise(resolve => setImmediate(resolve))
  }
  isBroken = false
  recorder.sample()
  await expect.poll(() => kept.length).toBe(10)
  expect(kept[0]).toBe(midnight + 5 * 60)
  await recorder.stop()
  expect(pointOf(1)).toEqual({ count: 1, sum: 1, min: 1, max: 1 })
})
