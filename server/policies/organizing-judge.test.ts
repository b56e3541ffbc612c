/** What a token may change: folders, how much an hour, whether for good; counted also where calls come at the same moment. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { OrganizingJudge } from './organizing-judge.ts'
import { PolicyRates } from './policy-rates.ts'
import { PolicyStore } from './policy-store.ts'
import { readPolicy, unreadablePolicy } from './stored-policy.ts'

const bot: Principal = { id: 'token-b', name: 'B', kind: 'token', userId: 'u', scopes: everyScope, accounts: 'all' }

function judgeOn(db: Database, organizing: Partial<TokenPolicy['organizing']>, mode: TokenPolicy['mode'] = 'act') {
  const clock = { now: Date.parse('2026-01-05T10:00:00.000Z') }
  const rates = new PolicyRates(new PolicyStore(db), () => clock.now)
  const policy = { ...defaultPolicy, mode, organizing: { ...defaultPolicy.organizing, ...organizing } }
  const judge = new OrganizingJudge({
    read: async ({ kind }) => (kind === 'session' ? undefined : { policy, version: '', isUnreadable: false }),
    rates,
    db,
  })
  const ask = (messages: number, folders = ['INBOX'], isDeletion = false, principal = bot) =>
    judge.admit(principal, { messages, folders, isDeletion, isRename: false }).then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
  return { ask, clock, rates }
}

onEachDatabase(open => {
  test('a hundred calls at the same moment pass no more than the rate allows; an hour later there is room again', async () => {
    const { ask, clock, rates } = judgeOn(await open(), { max_per_hour: 25 })
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(2)))
    expect(answers.filter(answer => answer === 'done')).toHaveLength(12)
    expect(new Set(answers)).toEqual(new Set(['done', 'policy_denied']))
    expect((await rates.used(bot.id)).changes_hour).toBe(24)
    clock.now += 3_600_001
    expect(await ask(25)).toBe('done')
    await rates.forget()
    expect((await rates.used(bot.id)).changes_hour).toBe(25)
  })

  test('without a limit, changes are counted as well', async () => {
    const { ask, rates } = judgeOn(await open(), { max_per_hour: null })
    expect(await Promise.all([ask(2), ask(3)])).toEqual(['done', 'done'])
    expect((await rates.used(bot.id)).changes_hour).toBe(5)
  })
})

test('folders, deletion and mode', async () => {
  const db = await memoryDatabase()
  const narrow = judgeOn(db, { folders: ['inbox', 'Archive'], may_delete: false })
  const wanted = [['INBOX'], ['Inbox', 'Archive'], ['INBOX', 'Trash'], ['archive'], ['Archive/2025'], ['ınbox']]
  expect(await Promise.all(wanted.map(folders => narrow.ask(1, folders)))).toEqual([
    ...['done', 'done'],
    ...['policy_denied', 'policy_denied', 'policy_denied', 'policy_denied'],
  ])
  expect(await narrow.ask(1, ['INBOX'], true)).toBe('policy_denied')
  expect(await narrow.ask(1, ['Trash'], true, { ...bot, kind: 'session' })).toBe('done')
  // A proposal is judged and counted as if it were executed.
  expect(await judgeOn(db, {}, 'propose').ask(1)).toBe('done')
  expect(await judgeOn(db, { folders: [] }, 'propose').ask(1)).toBe('policy_denied')
  expect(await judgeOn(db, { folders: [] }).ask(1)).toBe('policy_denied')
  expect(await judgeOn(db, {}).ask(1, ['INBOX'], true)).toBe('done')
})

test('a policy that has changed by the time the change is accepted is the one that counts', async () => {
  const db = await memoryDatabase()
  const rates = new PolicyRates(new PolicyStore(db), Date.now)
  const found = { policy: defaultPolicy, version: '1', isUnreadable: false }
  const judge = new OrganizingJudge({ read: async () => ({ ...found }), rates, db })
  const change = { messages: 2, folders: ['INBOX'], isDeletion: true, isRename: false }
  const narrowed = async (organizing: Partial<TokenPolicy['organizing']>, isUnreadable = false) => {
    Object.assign(found, { policy: defaultPolicy, version: '1', isUnreadable: false })
    const again = await judge.admit(bot, change)
    const policy = { ...defaultPolicy, organizing: { ...defaultPolicy.organizing, ...organizing } }
    Object.assign(found, { policy, version: '2', isUnreadable })
    return db.transaction().execute(again!)
  }
  await narrowed({})
  for (const organizing of [{ folders: ['Archive'] }, { may_delete: false }, { max_per_hour: 3 }]) {
    await expect(narrowed(organizing), JSON.stringify(organizing)).rejects.toMatchObject({ code: 'policy_denied' })
  }
  await expect(narrowed({}, true)).rejects.toThrow(unreadablePolicy)
})

test('an unreadable policy allows no change, not even one of no messages', async () => {
  const db = await memoryDatabase()
  const read = async () => ({ ...readPolicy('{'), policy: defaultPolicy })
  const judge = new OrganizingJudge({ read, rates: new PolicyRates(new PolicyStore(db), Date.now), db })
  const change = { messages: 0, folders: [], isDeletion: false, isRename: false }
  await expect(judge.admit(bot, change)).rejects.toThrow(unreadablePolicy)
})

test('a folder is renamed only by tokens whose every message needs an approval', async () => {
  const db = await memoryDatabase()
  const rename = (always: boolean) => {
    const sending = { ...defaultPolicy.sending, approval: { ...defaultPolicy.sending.approval, always } }
    const read = async () => ({ policy: { ...defaultPolicy, sending }, version: '', isUnreadable: false })
    const judge = new OrganizingJudge({ read, rates: new PolicyRates(new PolicyStore(db), Date.now), db })
    return judge.admit(bot, { messages: 0, folders: [], isDeletion: false, isRename: true })
  }
  await rename(true)
  await expect(rename(false)).rejects.toMatchObject({ code: 'policy_denied' })
})
