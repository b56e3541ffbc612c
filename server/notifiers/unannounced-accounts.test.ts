/**
 * A notifier that sends through the account that it would report is flagged as reporting nothing, unless another one
 * does.
 */
import { expect, test } from 'vitest'
import type { Notifier } from '../../contract/notifiers.ts'
import { warningsOf } from './unannounced-accounts.ts'

const accounts = [
  { id: 'a', email: 'a@example.org' },
  { id: 'b', email: 'b@example.org' },
]
const ofAll = {
  min_severity: 'warning',
  rule_ids: [],
  account_ids: [],
  only_escalations: false,
  escalate: null,
} as const
const byMail = (id: string, accountId: string | null, to = ['me@example.net']) =>
  ({
    ...{ id, name: id, enabled: true, ...ofAll },
    target: { kind: 'email', to, account_id: accountId, smtp: null, from: null },
  }) as unknown as Notifier
const chat = (change: Partial<Notifier> = {}) =>
  ({ ...byMail('chat', null), target: { kind: 'slack', host: 'x' }, ...change }) as Notifier
const untold = (one: Notifier, ...others: Notifier[]) =>
  warningsOf(one, [one, ...others], accounts).flatMap(({ account_ids: ids }) => ids)

test('on its own it does not report trouble of the account by which it mails, or to which alone it mails', () => {
  expect(untold(byMail('m', 'a'))).toEqual(['a'])
  expect(untold(byMail('m', null, ['B@example.org']))).toEqual(['b'])
  expect(untold(byMail('m', null, ['b@example.org', 'me@example.net']))).toEqual([])
  expect(untold({ ...byMail('m', 'a'), account_ids: ['b'] })).toEqual([])
  expect(untold({ ...byMail('m', 'a'), enabled: false })).toEqual([])
})

test('another one that tells as much is enough, also as the one to which it is handed over', () => {
  const mail = byMail('m', 'a')
  expect(untold(mail, chat())).toEqual([])
  expect(untold(mail, byMail('n', 'b'))).toEqual([])
  for (const less of [
    { enabled: false },
    { min_severity: 'critical' },
    { rule_ids: ['r'] },
    { account_ids: ['b'] },
    { only_escalations: true },
  ] as const) {
    expect([less, untold(mail, chat(less as Partial<Notifier>))]).toEqual([less, ['a']])
  }
  const handsOver = { ...mail, escalate: { notifier_id: 'chat', after_minutes: 5 } }
  expect(untold(handsOver, chat({ only_escalations: true }))).toEqual([])
  expect(untold(handsOver, chat({ only_escalations: true, enabled: false }))).toEqual(['a'])
})

test('the warning names a few of the accounts, and says what helps', () => {
  const many = Array.from({ length: 5 }, (_, at) => ({ id: `i${at}`, email: `${at}@example.org` }))
  const mail = byMail('m', null, ['0@example.org'])
  const [one] = warningsOf(mail, [mail], many)
  expect(one?.detail).toMatch(/^Alerts about 0@example.org reach nobody: .* Add another notifier.$/)
  const own = { ...mail, target: { ...mail.target, to: [] } } as Notifier
  const [all] = warningsOf(own, [own], many)
  expect(all).toMatchObject({ code: 'accounts_untold', detail: expect.stringContaining('and 2 more') })
  expect(all!.account_ids.length).toBe(5)
})
