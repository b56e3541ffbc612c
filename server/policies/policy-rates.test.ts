/**
 * Rates per caller, over the last hour and day, exact to the last message that fits, and counted in its transaction.
 */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { PolicyRates } from './policy-rates.ts'
import { PolicyStore } from './policy-store.ts'

const [minute, hour] = [60_000, 3_600_000]

function ratesOn(db: Database, rules: Partial<TokenPolicy['sending']> = {}) {
  const clock = { now: Date.parse('2026-11-29T10:00:00.000Z') }
  const rates = new PolicyRates(new PolicyStore(db), () => clock.now)
  const unbounded = {
    max_per_hour: null,
    max_per_day: null,
    max_recipients_per_hour: null,
    max_recipients_per_day: null,
  }
  const sending = { ...defaultPolicy.sending, ...unbounded, ...rules }
  const send = (recipients = 1, principal = 'token-a') =>
    db.transaction().execute(transaction => rates.countSend(transaction, principal, recipients))
  const change = (messages: number, principal = 'token-a') =>
    db.transaction().execute(transaction => rates.countChanges(transaction, principal, messages))
  const denied = async (recipients = 1, principal = 'token-a', on?: Database) =>
    (await rates.findings(principal, sending, recipients, on)).map(({ rule }) => rule)
  return { clock, rates, sending, send, change, denied }
}

onEachDatabase(open => {
  test('what was used is summed by hour and day; sending and changing apart, each caller apart', async () => {
    const { clock, rates, send, change } = ratesOn(await open())
    await send(3)
    await change(40)
    await send(5, 'token-b')
    clock.now += 2 * hour
    await send(2)
    await change(7)
    const used = { sent_hour: 1, sent_day: 2, recipients_hour: 2, recipients_day: 5, changes_hour: 7 }
    expect(await rates.used('token-a')).toEqual(used)
    expect(await rates.used('token-b')).toMatchObject({ sent_hour: 0, sent_day: 1, recipients_day: 5, changes_hour: 0 })
    expect(await rates.used('token-c')).toMatchObject({ sent_day: 0, recipients_day: 0 })
    clock.now += 22 * hour
    expect(await rates.used('token-a')).toMatchObject({ sent_hour: 0, sent_day: 1, recipients_day: 2 })
  })

  test('a message of the transaction in which it is asked counts already', async () => {
    const db = await open()
    const { rates, denied } = ratesOn(db, { max_per_hour: 1 })
    const rolledBack = db.transaction().execute(async transaction => {
      await rates.countSend(transaction, 'token-a', 1)
      expect(await denied(1, 'token-a', transaction)).toEqual(['max_per_hour'])
      throw new Error('not sent')
    })
    await expect(rolledBack).rejects.toThrow('not sent')
    expect(await denied()).toEqual([])
  })

  test('what no rate asks for is forgotten, and nothing that one still asks for', async () => {
    const db = await open()
    const { clock, rates, send } = ratesOn(db)
    const kept = async () => (await db.selectFrom('policy_uses').selectAll().execute()).length
    await send(4)
    clock.now += 24 * hour - 1
    await rates.forget()
    expect([await kept(), (await rates.used('token-a')).recipients_day]).toEqual([1, 4])
    clock.now += hour + 2
    await rates.forget()
    expect(await kept()).toBe(0)
  })

  test.each<[string, Partial<TokenPolicy['sending']>, number, number]>([
    ['max_per_hour', { max_per_hour: 2 }, 1, 59 * minute],
    ['max_per_day', { max_per_day: 2 }, 1, 23 * hour],
    ['max_recipients_per_hour', { max_recipients_per_hour: 6 }, 3, 59 * minute],
    ['max_recipients_per_day', { max_recipients_per_day: 6 }, 3, 23 * hour],
  ])(
    '%s: what just fits is let through, one more is not, until there is room again',
    async (rule, rules, each, later) => {
      const { clock, send, denied } = ratesOn(await open(), rules)
      await send(each)
      expect(await denied(each)).toEqual([])
      await send(each)
      clock.now += later
      expect(await denied()).toEqual([rule])
      expect(await denied(1, 'token-b')).toEqual([])
      clock.now += hour + 1
      expect(await denied()).toEqual([])
    },
  )

  test('a rate of none allows none, no rate allows all, and one message may be too many by itself', async () => {
    const db = await open()
    expect(await ratesOn(db, { max_per_hour: 0, max_recipients_per_day: 0 }).denied()).toEqual([
      'max_per_hour',
      'max_recipients_per_day',
    ])
    const free = ratesOn(db)
    await free.send(1_000)
    expect(await free.denied(1_000)).toEqual([])
    const { rates, sending } = ratesOn(db, { max_recipients_per_hour: 5 })
    expect(await rates.findings('token-new', sending, 6)).toEqual([
      {
        rule: 'max_recipients_per_hour',
        effect: 'deny',
        why: 'At most 5 recipients an hour are allowed; 0 are used, and this needs 6.',
      },
    ])
  })

  test('changes have a rate of their own', async () => {
    const db = await open()
    const { clock, rates, change, send } = ratesOn(db)
    await send(100)
    await change(8)
    const rules = async (most: number | null, messages: number) =>
      (await rates.changeFindings('token-a', most, messages, db)).map(({ rule }) => rule)
    expect([await rules(10, 2), await rules(10, 3), await rules(null, 1_000)]).toEqual([
      [],
      ['max_changes_per_hour'],
      [],
    ])
    clock.now += hour
    expect(await rules(10, 10)).toEqual([])
  })
})
