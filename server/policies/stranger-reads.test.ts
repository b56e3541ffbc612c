/** A program has read mail of a stranger from the moment in which it was delivered: in each process, after each end, at the price of one write a minute. */
import { expect, test } from 'vitest'
import { minute, readsOn } from '../../test/support/stranger-reads-on.ts'
import { coveredMs } from './stranger-reads.ts'

test('mail of those to whom the account wrote is none of a stranger; what has no known sender is', async () => {
  const { reads, clock } = await readsOn()
  await Promise.all([
    reads.note('friendly', 'a', ['friend@example.com']),
    reads.note('nothing', 'a', []),
    reads.note('mixed', 'a', ['friend@example.com', 'eve@example.org']),
    reads.note('unknown', 'a', undefined),
    reads.note('everywhere', undefined, ['friend@example.com']),
  ])
  const last = await Promise.all(
    ['friendly', 'nothing', 'mixed', 'unknown', 'everywhere', 'none'].map(id => reads.last(id)),
  )
  expect(last).toEqual([undefined, undefined, clock.now, clock.now, clock.now, undefined])
})

test('a question that comes while the senders are looked up waits for that', async () => {
  const { reads, clock, hold } = await readsOn()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  const noting = reads.note('bot', 'a', ['eve@example.org'])
  const last = reads.last('bot')
  resolve()
  expect(await last).toBe(clock.now)
  await noting
})

test('once it resolves, another process knows, and so does one that is started later: rather later than earlier, by a minute at most', async () => {
  const { db, reads, start, clock } = await readsOn()
  const other = start()
  await reads.note('bot', 'a', ['eve@example.org'])
  expect(await other.last('bot')).toBe(clock.now)
  const inTransaction = await db.transaction().execute(transaction => other.last('bot', transaction))
  expect(inTransaction).toBe(clock.now)
  const readAt = clock.now
  clock.now += 5 * minute
  expect(await start().last('bot')).toBe(readAt + coveredMs)
  // What another process stored later is not overwritten by what was read before.
  await other.note('bot', 'a', undefined)
  clock.now -= 2 * minute
  await start().note('bot', 'a', undefined)
  clock.now += 10 * minute
  expect(await start().last('bot')).toBe(readAt + 5 * minute + coveredMs)
})

test('ten thousand reads in a minute are one write, and no statement more', async () => {
  const { reads, start, clock, counts } = await readsOn()
  await reads.note('bot', 'a', undefined)
  for (let read = 1; read < 10_000; read++) {
    clock.now += 5
    expect(reads.note('bot', 'a', read % 2 === 0 ? undefined : ['eve@example.org'])).toBeUndefined()
    if (read % 50 === 0) await Promise.resolve()
  }
  expect(counts.writes).toBe(1)
  const lastRead = clock.now
  clock.now += 11_000
  await reads.note('bot', 'a', undefined)
  expect(counts.writes).toBe(2)
  // None of those reads is later than what another process considers the last one.
  expect(await start().last('bot')).toBeGreaterThanOrEqual(lastRead)
  // Concurrent calls all wait for the one.
  clock.now += 2 * minute
  await Promise.all(Array.from({ length: 100 }, () => reads.note('bot', 'a', undefined)))
  expect(counts.writes).toBe(3)
})

test('what cannot be stored is said to callers that wait for it, counts here at once, and is stored as soon as that is possible', async () => {
  const { reads, start, clock, fail } = await readsOn()
  fail(new Error('the disk is full'))
  await expect(reads.note('bot', 'a', undefined)).rejects.toThrow('the disk is full')
  expect(await reads.last('bot')).toBe(clock.now)
  fail(undefined)
  await reads.stop()
  expect(await start().last('bot')).toBe(clock.now)
})

test('what a program wrote is in its own words unless it had read a stranger’s mail by then, or shortly before', async () => {
  const { reads, clock } = await readsOn()
  const readOf = async (by: string, taintMs: number | null, principal: string) => {
    await reads.noteWritten(principal, 60 * minute, async () => [{ by, taintMs }])
    return reads.last(principal)
  }
  expect(await readOf('bot', null, 'bot')).toBeUndefined()
  expect(await readOf('bot', 61 * minute, 'bot')).toBeUndefined()
  expect(await readOf('other', null, 'a')).toBe(clock.now)
  expect(await readOf('b', 0, 'b')).toBe(clock.now)
  expect(await readOf('c', 60 * minute, 'c')).toBe(clock.now)
  await reads.noteWritten('lost', minute, async () => Promise.reject(new Error('no database')))
  expect(await reads.last('lost')).toBe(clock.now)
})

test('what is written so long after a read is tainted by it', async () => {
  const { db, reads, clock } = await readsOn()
  const taint = () => db.transaction().execute(transaction => reads.taintOf('bot', transaction))
  expect(await taint()).toBeNull()
  await reads.note('bot', 'a', undefined)
  expect(await taint()).toBe(0)
  clock.now += 31 * minute
  expect(await taint()).toBe(30 * minute)
  clock.now += 1_440 * minute
  expect(await taint()).toBeNull()
})
