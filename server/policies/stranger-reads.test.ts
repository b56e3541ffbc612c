/** A program has read mail of a stranger from the moment in which it was delivered, also after a restart. */
import { expect, onTestFinished, test } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { createLogger } from '../platform/logger.ts'
import { PolicyStore } from './policy-store.ts'
import { StrangerReads, storeEveryMs } from './stranger-reads.ts'

async function readsOn() {
  const store = new PolicyStore(await memoryDatabase())
  const clock = { now: Date.parse('2026-01-05T10:00:00.000Z') }
  let answer = Promise.resolve()
  const start = async () => {
    const reads = new StrangerReads({
      store,
      writtenTo: async (_accountId, emails) => {
        await answer
        return new Set(emails.filter(email => email === 'friend@example.com'))
      },
      now: () => clock.now,
      logger: createLogger('silent'),
    })
    await reads.start()
    onTestFinished(() => reads.stop())
    return reads
  }
  const hold = (until: Promise<void>) => {
    answer = until
  }
  return { reads: await start(), start, clock, hold }
}

test('mail of those to whom the account wrote is none of a stranger; what has no known sender is', async () => {
  const { reads, clock } = await readsOn()
  reads.note('friendly', 'a', ['friend@example.com'])
  reads.note('nothing', 'a', [])
  reads.note('mixed', 'a', ['friend@example.com', 'eve@example.org'])
  reads.note('unknown', 'a', undefined)
  reads.note('everywhere', undefined, ['friend@example.com'])
  const last = await Promise.all(
    ['friendly', 'nothing', 'mixed', 'unknown', 'everywhere', 'none'].map(id => reads.last(id)),
  )
  expect(last).toEqual([undefined, undefined, clock.now, clock.now, clock.now, undefined])
})

test('a question that comes while the senders are looked up waits for that', async () => {
  const { reads, clock, hold } = await readsOn()
  const { promise, resolve } = Promise.withResolvers<void>()
  hold(promise)
  reads.note('bot', 'a', ['eve@example.org'])
  const last = reads.last('bot')
  resolve()
  expect(await last).toBe(clock.now)
})

test('it is remembered over a restart, rather longer than shorter', async () => {
  const { reads, start, clock } = await readsOn()
  reads.note('bot', 'a', undefined)
  const readAt = clock.now
  await reads.stop()
  clock.now += 60_000
  expect(await (await start()).last('bot')).toBe(readAt + storeEveryMs)
})

test('what a program wrote is in its own words unless it had read a stranger’s mail by then, or shortly before', async () => {
  const { reads, clock } = await readsOn()
  const minute = 60_000
  const start = clock.now
  const written = { by: 'bot', repeatsOthers: false, begunAt: start }
  const readOf = async (text: Partial<typeof written>, principal = 'bot') => {
    reads.noteWritten(principal, 60 * minute, async () => [{ ...written, ...text }])
    return reads.last(principal)
  }
  expect(await readOf({})).toBeUndefined()
  expect(await readOf({ by: 'other' }, 'a')).toBe(start)
  expect(await readOf({ repeatsOthers: true }, 'b')).toBe(start)
  expect(await readOf({ begunAt: start - 1_441 * minute }, 'c')).toBe(start)
  reads.note('bot', 'a', undefined)
  clock.now += 90 * minute
  // Written 61 minutes after it had read: as long as the rule of the token reaches back.
  expect(await readOf({ begunAt: start + 61 * minute })).toBe(start)
  expect(await readOf({ begunAt: start + 59 * minute })).toBe(clock.now)
  reads.noteWritten('lost', minute, async () => Promise.reject(new Error('no database')))
  expect(await reads.last('lost')).toBe(clock.now)
})
