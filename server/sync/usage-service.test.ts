/** Traffic by day and purpose: added up, stored, kept for five weeks, and what follows of it for work in the background. */
import { describe, expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { limitOf } from './provider-limits.ts'
import { UsageService } from './usage-service.ts'
import { UsageStore } from './usage-store.ts'

const logger = createLogger('silent')
const noon = Date.parse('2026-11-28T12:00:00Z')
const hour = 60 * 60_000
const limit = { provider: 'Small', hosts: /./, receivedPerDay: 1_000, sentPerDay: null, connections: 3 }
const anyone = {} as Principal

function usageOf(db: Database, { limits = () => limit as typeof limit | undefined } = {}) {
  const clock = { now: noon }
  const get = async (_principal: Principal, id: string) => ({ id, imap: { host: 'memory' } })
  const accounts = { get } as unknown as Pick<AccountService, 'get'>
  const store = new UsageStore(db)
  const usage = new UsageService({ store, accounts, logger, limits, now: () => clock.now })
  return { usage, clock, store, days: async () => (await usage.get(anyone, 'a')).days }
}

onEachDatabase(open => {
  test('bytes and connections of a day are added up by purpose, also across restarts', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const { usage, days } = usageOf(db)
    usage.opened('a', 'watch', 1)
    usage.moved('a', 'watch', 100, 10)
    usage.opened('a', 'sync', 2)
    usage.moved('a', 'sync', 3_000_000_000, 20)
    await usage.store()
    usage.moved('a', 'sync', 5, 6)
    usage.opened('a', 'interactive', 3)
    await usage.stop()
    const again = usageOf(db)
    again.usage.moved('a', 'interactive', 7, 8)
    const today = {
      day: '2026-11-28',
      received_bytes: 3_000_000_112,
      sent_bytes: 44,
      connections: 3,
      most_open: 3,
      sync: { received_bytes: 3_000_000_005, sent_bytes: 26, connections: 1 },
      interactive: { received_bytes: 7, sent_bytes: 8, connections: 1 },
      watch: { received_bytes: 100, sent_bytes: 10, connections: 1 },
    }
    expect(await again.days()).toEqual([today])
    expect(await days()).toEqual([today])
  })

  test('days are kept for five weeks, and nothing of an account that is gone', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const { usage, clock, days } = usageOf(db)
    for (let day = 0; day < 40; day++) {
      usage.moved('a', 'sync', 1, 1)
      usage.moved('gone', 'sync', 1, 1)
      await usage.store()
      clock.now += 24 * hour
    }
    clock.now -= 24 * hour
    const found = await days()
    expect([found.length, found[0]!.day, found.at(-1)!.day]).toEqual([35, '2027-01-06', '2026-12-03'])
    const rows = await db.selectFrom('mail_usage').select('account_id').distinct().execute()
    expect(rows).toEqual([{ account_id: 'a' }])
  })

  test('from 80 % on, backfilling is spread over the rest of the day; at the limit all waits for the next one', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const { usage, clock } = usageOf(db)
    const delays = async () => [
      await usage.delayMs('a', 'memory', 'look'),
      await usage.delayMs('a', 'memory', 'backfill'),
    ]
    const pace = async () => (await usage.get(anyone, 'a')).pace
    usage.moved('a', 'interactive', 799, 0)
    expect([await delays(), await pace()]).toEqual([[0, 0], 'full'])
    usage.moved('a', 'sync', 1, 0)
    // The line begins here: with 12 hours and 200 bytes left.
    expect([await delays(), await pace()]).toEqual([[0, 0], 'slowed'])
    usage.moved('a', 'sync', 50, 0)
    await usage.store()
    expect(await delays()).toEqual([0, 3 * hour])
    clock.now += 2 * hour
    expect(await delays()).toEqual([0, hour])
    clock.now += hour
    expect(await delays()).toEqual([0, 0])
    usage.moved('a', 'watch', 150, 0)
    expect([await delays(), await pace()]).toEqual([[9 * hour, 9 * hour], 'paused'])
    // Each account has a budget of its own; the next day starts at zero.
    expect(await usage.delayMs('b', 'memory', 'backfill')).toBe(0)
    clock.now += 9 * hour
    expect([await delays(), await pace()]).toEqual([[0, 0], 'full'])
    // Usage stored before a restart counts.
    usage.moved('a', 'sync', 1_000, 0)
    await usage.stop()
    const again = usageOf(db)
    again.clock.now = clock.now
    expect(await again.usage.delayMs('a', 'memory', 'look')).toBe(24 * hour)
  })
})

describe('what cannot be stored', () => {
  test('is counted on, and nothing twice', async () => {
    let stored = 0
    let isBroken = true
    const store = {
      add: async (rows: readonly { received: number }[]) => {
        if (isBroken) throw new Error('disk full')
        for (const { received } of rows) stored += received
      },
      list: async () => [],
      receivedOn: async () => stored,
      deleteBefore: async () => undefined,
    }
    const accounts = {} as Pick<AccountService, 'get'>
    const usage = new UsageService({ store, accounts, logger, limits: () => limit, now: () => noon })
    usage.moved('a', 'sync', 600, 0)
    await usage.store()
    usage.moved('a', 'sync', 400, 0)
    expect(await usage.delayMs('a', 'memory', 'look')).toBe(12 * hour)
    isBroken = false
    await usage.store()
    expect(stored).toBe(1_000)
    expect(await usage.delayMs('a', 'memory', 'look')).toBe(12 * hour)
  })
})

test('only the servers of a provider have its limits', () => {
  expect(limitOf('imap.gmail.com')).toMatchObject({ receivedPerDay: 2_500_000_000, connections: 15 })
  expect(limitOf('imap.googlemail.com')?.provider).toBe('Gmail')
  expect(limitOf('imap.notgmail.com')).toBeUndefined()
  expect(limitOf('gmail.com.example.org')).toBeUndefined()
})
