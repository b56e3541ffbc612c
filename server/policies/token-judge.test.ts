/** How a policy judges a message: each rule separately, and which of them are checked again. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import type { JudgedMessage } from './policy-decision.ts'
import { TokenJudge } from './token-judge.ts'

const bot: Principal = { id: 'token-b', name: 'B', kind: 'token', userId: 'u', scopes: everyScope, accounts: 'all' }
const free = { always: false, strangers: false, tainted_minutes: null }
const now = Date.parse('2026-01-05T10:00:00Z')
const message: JudgedMessage = {
  ...{ accountId: 'a', recipients: ['anne@example.com', 'Bob@example.org'], attachmentBytes: 1_000 },
  threadPeople: undefined,
  taintMs: null,
}

async function judge(
  sending: Partial<TokenPolicy['sending']>,
  given: Partial<JudgedMessage> & { mode?: 'propose'; read?: number } = {},
) {
  const { mode = 'act', read, ...others } = given
  const policy: TokenPolicy = {
    ...defaultPolicy,
    mode,
    sending: { ...defaultPolicy.sending, approval: free, ...sending },
  }
  const judging = new TokenJudge({
    rates: { findings: async () => [] },
    writtenTo: async (_account, emails) => new Set(emails.filter(email => email.startsWith('anne'))),
    lastStrangerRead: async () => read,
    now: () => now,
  })
  const { verdict, findings } = await judging.judge(bot, { ...message, ...others }, policy)
  const person = await judging.judge({ ...bot, kind: 'session' }, { ...message, ...others }, undefined)
  expect(person).toEqual({ verdict: 'send', findings: [] })
  return [verdict, ...findings.map(({ rule, recipients }) => [rule, ...(recipients ?? [])].join(' '))]
}

test('the default holds each message; without approval it is sent', async () => {
  expect(await judge({ approval: defaultPolicy.sending.approval })).toEqual([
    'hold',
    'approval_always',
    'approval_strangers Bob@example.org',
  ])
  expect(await judge({})).toEqual(['send'])
  expect(await judge({}, { mode: 'propose' })).toEqual(['hold', 'approval_always'])
})

test('recipients, thread, attachments and hours deny, and a denial outweighs an approval', async () => {
  const always = { ...free, always: true }
  expect(await judge({ recipients: [], approval: always })).toEqual([
    'deny',
    'recipients anne@example.com Bob@example.org',
    'approval_always',
  ])
  expect(await judge({ recipients: ['@example.com'] })).toEqual(['deny', 'recipients Bob@example.org'])
  expect(await judge({ recipients: ['@example.com', 'bob@EXAMPLE.org'] })).toEqual(['send'])
  expect(await judge({ only_known_in_thread: true })).toEqual(['deny', 'only_known_in_thread'])
  const threadPeople = new Set(['ANNE@example.com'])
  expect(await judge({ only_known_in_thread: true }, { threadPeople })).toEqual([
    'deny',
    'only_known_in_thread Bob@example.org',
  ])
  expect(await judge({ only_known_in_thread: true }, { threadPeople, recipients: ['"anne"@example.com'] })).toEqual([
    'send',
  ])
  expect(
    await judge(
      { only_known_in_thread: true },
      { threadPeople: new Set(['not an address']), recipients: ['nor this'] },
    ),
  ).toEqual(['deny', 'only_known_in_thread nor this'])
  expect(await judge({ max_attachment_bytes: 999 })).toEqual(['deny', 'max_attachment_bytes'])
  expect(await judge({ max_attachment_bytes: 1_000 })).toEqual(['send'])
  const hours = { days: [1], from: '11:00', to: '12:00', time_zone: 'UTC' }
  expect(await judge({ hours })).toEqual(['deny', 'hours'])
  expect(await judge({ hours }, { at: now + 3_600_000 })).toEqual(['send'])
})

test('where replies go counts as who gets the message: it is quoted in them', async () => {
  const repliesTo = ['eve@attacker.example']
  const recipients = ['anne@example.com']
  const asked = { recipients, repliesTo }
  const eve = 'eve@attacker.example'
  expect(await judge({ recipients: ['@example.com'] }, asked)).toEqual(['deny', `recipients ${eve}`])
  const inThread = { ...asked, threadPeople: new Set(recipients) }
  expect(await judge({ only_known_in_thread: true }, inThread)).toEqual(['deny', `only_known_in_thread ${eve}`])
  expect(await judge({ approval: { ...free, strangers: true } }, asked)).toEqual(['hold', `approval_strangers ${eve}`])
  expect(await judge({}, { ...asked, read: now - 60_000 })).toEqual(['hold', `approval_tainted ${eve}`])
  expect(await judge({}, asked)).toEqual(['send'])
  expect(await judge({ recipients: ['@example.com'] }, { recipients, repliesTo: ['bob@example.com'] })).toEqual([
    'send',
  ])
})

test('strangers and what was read of strangers hold', async () => {
  expect(await judge({ approval: { ...free, strangers: true } })).toEqual([
    'hold',
    'approval_strangers Bob@example.org',
  ])
  expect(await judge({ approval: { ...free, strangers: true } }, { recipients: ['anne@example.com'] })).toEqual([
    'send',
  ])
  const tainted = { approval: { ...free, tainted_minutes: 10 }, recipients: ['@example.com', '@example.org'] }
  expect(await judge(tainted)).toEqual(['send'])
  expect(await judge(tainted, { read: now - 600_000 })).toEqual(['hold', 'approval_tainted'])
  expect(await judge(tainted, { read: now - 600_001 })).toEqual(['send'])
  // A draft written soon after such a read keeps its taint, however long it lies.
  expect(await judge(tainted, { taintMs: 600_000 })).toEqual(['hold', 'approval_tainted'])
  expect(await judge(tainted, { taintMs: 600_001, read: now - 600_001 })).toEqual(['send'])
  expect(await judge({}, { taintMs: 0, recipients: ['anne@example.com'] })).toEqual(['send'])
})

test('whatever the policy says, words of strangers go to others than contacts only with an approval', async () => {
  const held = ['hold', 'approval_tainted Bob@example.org']
  expect(await judge({})).toEqual(['send'])
  expect(await judge({}, { read: now - 3_600_000 })).toEqual(held)
  expect(await judge({}, { read: now - 3_600_001 })).toEqual(['send'])
  expect(await judge({}, { taintMs: 3_600_000 })).toEqual(held)
  expect(await judge({}, { taintMs: 3_600_001 })).toEqual(['send'])
  // A shorter time of its own applies to contacts too, and does not shorten the others.
  expect(await judge({ approval: { ...free, tainted_minutes: 10 } }, { read: now - 1_800_000 })).toEqual(held)
  const read = now
  expect(await judge({}, { read, recipients: ['anne@example.com'] })).toEqual(['send'])
  expect(await judge({ recipients: ['@example.com', 'bob@example.org'] }, { read })).toEqual(['send'])
  // A stranger's mail can name any address.
  const threadPeople = new Set(['bob@example.org'])
  expect(await judge({}, { read, threadPeople })).toEqual(held)
  expect(await judge({}, { read, threadPeople, isThreadOfKnown: true })).toEqual(['send'])
  expect(await judge({}, { read, threadPeople: new Set(['cy@example.org']), isThreadOfKnown: true })).toEqual(held)
})

test('a read in the moment of sending asks again, unless all recipients are contacts', async () => {
  const judging = new TokenJudge({
    rates: { findings: async () => [] },
    writtenTo: async () => new Set(['anne@example.com']),
    lastStrangerRead: async () => now,
    now: () => now,
  })
  const policy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval: free } }
  const short = { ...policy, sending: { ...policy.sending, approval: { ...free, tainted_minutes: 1 } } }
  const ask = (asked: TokenPolicy, isForKnown: boolean) =>
    judging.isTainted(bot.id, asked, undefined as never, { verdict: 'send', findings: [], isForKnown })
  expect(await Promise.all([ask(policy, true), ask(policy, false), ask(short, true)])).toEqual([false, true, true])
})

test('while it cannot be looked up who is a contact, a recipient counts as none', async () => {
  const judging = new TokenJudge({
    rates: { findings: async () => [] },
    writtenTo: async () => Promise.reject(new Error('no index')),
    lastStrangerRead: async () => undefined,
    now: () => now,
  })
  const policy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval: free } }
  expect(await judging.judge(bot, message, policy)).toMatchObject({ verdict: 'send', isForKnown: false })
})
