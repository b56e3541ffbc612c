/** The series of several processes: each knows those of the others, and deletes none that others record. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { HistoryMaintenance } from './history-maintenance.ts'
import { HistoryReader } from './history-reader.ts'
import { HistoryRecorder, maxSeries } from './history-recorder.ts'
import { HistoryStore } from './history-store.ts'
import { pointOf } from './point.ts'
import { keyOf } from './series.ts'
import { SeriesNumbers } from './series-numbers.ts'

const midnight = Date.parse('2026-03-01T00:00:00Z') / 1000
const hour = 3600

/** A process that records. */
async function run(db: Database, writer: number) {
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  await numbers.start()
  const maintenance = new HistoryMaintenance({ store, numbers, writer })
  const reader = new HistoryReader({ store, numbers, recent: () => [], now: () => midnight + hour })
  const keep = (start: number, ...accounts: string[]) =>
    maintenance.keepMinute({
      start,
      points: new Map(accounts.map(account_id => [keyOf('mail_received', { account_id }), [[0, pointOf(1)]]])),
    })
  /** The sums of the first hour by account. */
  const sums = async () => {
    const query = { name: 'mail_received', step: 60, from: midnight, until: midnight + hour, hasZeros: false } as const
    const groups = await reader.read({ ...query, where: () => true, groupOf: ({ account_id }) => account_id! })
    return Object.fromEntries(
      [...groups].map(([account, points]) => [account, [...points.values()].reduce((all, { sum }) => all + sum, 0)]),
    )
  }
  return { store, numbers, maintenance, keep, sums }
}

onEachDatabase(open => {
  test('a series that another process began after our start is read with the next minute', async () => {
    const db = await open()
    const [one, other] = [await run(db, 0), await run(db, 1)]
    await one.keep(midnight, 'a')
    await other.keep(midnight, 'b')
    await one.maintenance.maintain(midnight + 60)
    expect(await one.sums()).toEqual({ a: 1, b: 1 })
  })

  test('a series is deleted when no process has figures of it, and its number is given to no other', async () => {
    const db = await open()
    const [one, other] = [await run(db, 0), await run(db, 1)]
    await one.numbers.idsOf([keyOf('mail_received', { account_id: 'nothing' })])
    await other.keep(midnight, 'b')
    const cleaning = await run(db, 2)
    await cleaning.numbers.deleteUnused(midnight + 60)
    expect((await one.store.listSeries()).map(({ key }) => key)).toEqual([keyOf('mail_received', { account_id: 'b' })])
    // The newest one, without figures.
    await one.numbers.idsOf([keyOf('mail_received', { account_id: 'c' })])
    const [, c] = await one.store.listSeries()
    await cleaning.numbers.deleteUnused(midnight + 60)
    await cleaning.keep(midnight, 'd')
    const ids = (await one.store.listSeries()).map(({ id }) => id)
    expect(Math.max(...ids)).toBeGreaterThan(c!.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(await cleaning.sums()).toEqual({ b: 1, d: 1 })
  })

  test('a series that was known at the start and deleted by another process since is made again', async () => {
    const db = await open()
    const before = await run(db, 0)
    await before.numbers.idsOf(['a', 'b'].map(account_id => keyOf('mail_received', { account_id })))
    const [one, cleaning] = [await run(db, 0), await run(db, 1)]
    await cleaning.numbers.deleteUnused(midnight)
    await one.keep(midnight, 'a')
    expect(await one.sums()).toEqual({ a: 1 })
    expect(await (await run(db, 2)).sums()).toEqual({ a: 1 })
  })

  test('marks are deleted after three years', async () => {
    const { store, maintenance } = await run(await open(), 0)
    const mark = (id: string, at: number) => ({ id, at, kind: 'restart', account_id: null, words: 'Started.' })
    const oldest = midnight - 3 * 365 * 24 * hour
    await store.addMarks([mark('old', oldest - 1), mark('kept', oldest), mark('new', midnight)])
    await maintenance.maintain(midnight)
    expect((await store.listMarks(0, midnight + 1, 10)).map(({ id }) => id)).toEqual(['new', 'kept'])
  })

  test('while unused series are deleted the others are known throughout, with their scales', async () => {
    const db = await open()
    const { numbers, store } = await run(db, 0)
    const key = keyOf('response_time', {})
    const id = (await numbers.idsOf([key])).get(key)!
    const scale = numbers.scaleOf(id)
    const seen: unknown[] = []
    const listSeries = store.listSeries.bind(store)
    store.listSeries = async above => {
      const rows = await listSeries(above)
      seen.push([numbers.of('response_time'), numbers.scaleOf(id)])
      return rows
    }
    await numbers.deleteUnused(midnight)
    expect(seen).toEqual([[[{ id, key }], scale]])
    expect(scale).not.toBe(1)
  })
})

test('a minute has at most twenty thousand series, however they come one after the other', async () => {
  let now = midnight * 1000
  const maintenance = { keepMinute: async () => undefined, maintain: async () => undefined }
  const options = { readGauges: () => undefined, maintenance, logger: createLogger('silent'), now: () => now }
  const recorder = new HistoryRecorder(options)
  for (let step = 0; step < 3; step++) {
    for (let account = 0; account < 8_000; account++) {
      recorder.count('mail_received', { account_id: `${step}-${account}` })
    }
    recorder.sample()
    now += 5_000
  }
  expect(recorder.recent.map(({ points }) => points.size)).toEqual([maxSeries])
  await recorder.stop()
})
