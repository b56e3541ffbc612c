/** Bounds of what is kept of reads of strangers' mail, and what does not wait for what. */
import { expect, test } from 'vitest'
import { minute, readsOn } from '../../test/support/stranger-reads-on.ts'

test('only senders that are known, and at least one, make a message of known people', async () => {
  const { reads } = await readsOn()
  const asked = [['friend@example.com'], ['friend@example.com', 'eve@example.org'], [], undefined]
  expect(await Promise.all(asked.map(senders => reads.areKnown('a', senders)))).toEqual([true, false, false, false])
})

test('a transaction does not wait for lookups, which may need the database that it holds', async () => {
  const { db, reads, hold } = await readsOn()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  const noting = reads.note('bot', 'a', ['eve@example.org'])
  expect(await db.transaction().execute(transaction => reads.last('bot', transaction))).toBeUndefined()
  resolve()
  await noting
})

test('past a hundred lookups in flight, a read counts as a stranger’s without one', async () => {
  const { reads, clock, hold, db } = await readsOn()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  const looks = Array.from({ length: 100 }, (_, index) => reads.note(`bot-${index}`, 'a', ['friend@example.com']))
  await reads.note('late', 'a', ['friend@example.com'])
  const last = (id: string) => db.transaction().execute(transaction => reads.last(id, transaction))
  expect([await last('late'), await last('bot-99')]).toEqual([clock.now, undefined])
  resolve()
  await Promise.all(looks)
  await reads.note('later', 'a', ['friend@example.com'])
  expect(await last('later')).toBeUndefined()
})

test('a read that a stored one covered, but whose lookup ended after that, is stored later when it cannot be now', async () => {
  const { reads, start, clock, hold, fail } = await readsOn()
  await reads.note('bot', 'a', undefined)
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  expect(reads.note('bot', 'a', ['eve@example.org'])).toBeUndefined()
  clock.now += 10 * minute
  fail(new Error('the disk is full'))
  resolve()
  // The failure reaches no caller, and must not end the process as an unhandled rejection.
  expect(await reads.last('bot')).toBe(clock.now)
  await new Promise(setImmediate)
  fail(undefined)
  await reads.stop()
  expect(await start().last('bot')).toBe(clock.now)
})

test('past two thousand programs, the one that read least recently is evicted, and is still in the database', async () => {
  const { reads, clock, counts } = await readsOn()
  const ids = Array.from({ length: 2_001 }, (_, index) => `bot-${index}`)
  for (const id of ids) await reads.note(id, 'a', undefined)
  expect(reads.note('bot-1', 'a', undefined)).toBeUndefined()
  expect(counts.writes).toBe(2_001)
  expect(await reads.last('bot-0')).toBe(clock.now)
  await reads.note('bot-0', 'a', undefined)
  expect(counts.writes).toBe(2_002)
})
