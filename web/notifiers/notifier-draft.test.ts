/** The form of a notifier: values survive a round trip, and empty secrets keep the stored ones. */
import { expect, test } from 'vitest'
import type { Notifier } from '../../contract/notifiers.ts'
import { NotifierBody } from '../../contract/notifiers.ts'
import { bodyOf, draftOf, emptyDraft, switched } from './notifier-draft.ts'
import { faultsOfDraft, faultsOfServer } from './notifier-faults.ts'

const notifier = (target: Notifier['target']): Notifier => ({
  ...{
    id: 'n0mk2v7q1abcd1234',
    name: 'Chat',
    enabled: true,
    min_severity: 'critical',
    rule_ids: ['r'],
    account_ids: [],
  },
  ...{ tells_cleared: false, only_escalations: false, group_seconds: 5, repeat_minutes: 0 },
  escalate: { notifier_id: 'n0mk2v7q1abcd1235', after_minutes: 7 },
  target,
  ...{ changed_at: '2026-03-02T12:00:00.000Z', changed_by: 'Ada', waiting: 0, next_try_at: null },
  ...{ failing_since: null, last_fault: null, last_success_at: null, warnings: [] },
})

const smtp = { host: 'smtp.example.org', port: 587, tls: 'starttls', user: 'me' } as const

test.each([
  [{ kind: 'email', to: ['a@x.test', 'b@x.test'], account_id: 'acc', smtp: null, from: null }, {}],
  [{ kind: 'email', to: ['a@x.test'], account_id: null, smtp, from: 'c@x.test' }, {}],
  [{ kind: 'ntfy', server: 'https://ntfy.example.org', has_token: true }, { has_token: undefined }],
  [{ kind: 'telegram', server: 'https://api.telegram.org', chat_id: '-100' }, {}],
  [{ kind: 'slack', host: 'hooks.slack.com' }, { host: undefined }],
  [{ kind: 'webhook', host: 'example.org' }, { host: undefined }],
  [{ kind: 'web_push', user_ids: ['u1'] }, {}],
] as const)('%j', (target, left) => {
  const shown = notifier(target as unknown as Notifier['target'])
  const body = bodyOf(draftOf(shown), true)
  const { id: _, target: __, changed_at: ___, changed_by: ____, ...rest } = shown
  const { warnings: _____, waiting, next_try_at, failing_since, last_fault, last_success_at, ...routing } = rest
  expect([waiting, next_try_at, failing_since, last_fault, last_success_at]).toEqual([0, null, null, null, null])
  expect(body).toEqual({ ...routing, target: { ...target, ...left } })
  expect(NotifierBody.safeParse(body).error).toBeUndefined()
  expect(switched(shown)).toEqual({ ...body, enabled: false })
})

test('what is typed is what is sent', () => {
  const fields = { topic: ' alerts-8f2kq ', token: '' }
  const { target } = bodyOf({ ...emptyDraft, name: 'Phone', kind: 'ntfy', fields }, true)
  expect(target).toEqual({ kind: 'ntfy', server: 'https://ntfy.sh', topic: 'alerts-8f2kq' })
  const mail = bodyOf({ ...emptyDraft, name: 'Mail', fields: { to: 'a@x.test; b@x.test', account_id: 'acc' } }, true)
  expect(mail.target).toMatchObject({ to: ['a@x.test', 'b@x.test'], account_id: 'acc' })
})

test('what is wrong is said at its field, before the server is asked and after', () => {
  const draft = { ...emptyDraft, name: 'N' }
  const faultsOf = (change: Partial<typeof draft>, isNew = true) =>
    Object.keys(faultsOfDraft({ ...draft, ...change }, isNew))
  expect(faultsOf({ name: ' ' })).toEqual(['name', 'to', 'account_id'])
  expect(faultsOf({ fields: { to: 'a@x.test, nobody', account_id: 'acc' } })).toEqual(['to'])
  expect(faultsOf({ fields: { to: 'a@x.test; b@x.test', account_id: 'acc' } })).toEqual([])
  const own = { to: 'a@x.test', smtp_host: 'smtp.x.test', smtp_port: '0', from: 'me', smtp_user: 'me' }
  expect(faultsOf({ isOwnServer: true, fields: own })).toEqual(['smtp_port', 'from', 'smtp_password'])
  expect(faultsOf({ isOwnServer: true, fields: { ...own, smtp_port: '', from: 'a@x.test' } }, false)).toEqual([])
  expect(faultsOf({ kind: 'slack' })).toEqual(['url'])
  expect(faultsOf({ kind: 'slack', fields: { url: 'hooks.slack.com' } })).toEqual(['url'])
  // An empty secret of an existing notifier is valid and keeps the stored one.
  expect(faultsOf({ kind: 'slack' }, false)).toEqual([])
  expect(faultsOf({ kind: 'telegram' }, false)).toEqual(['chat_id'])
  expect(faultsOf({ kind: 'ntfy', fields: { topic: 'alerts', server: 'ntfy.sh' } })).toEqual(['server'])
  expect(
    faultsOf({ kind: 'web_push', groupSeconds: '', repeatMinutes: '1.5', escalateTo: 'n', escalateAfter: '0' }),
  ).toEqual(['user_ids', 'group_seconds', 'repeat_minutes', 'after_minutes'])
  const errors = [
    { path: 'body.target.smtp.port', message: 'is too large' },
    { path: 'body.target.to.0', message: 'is not an email address' },
    { path: 'body.rule_ids', message: 'has no place here' },
  ]
  expect(faultsOfServer(errors)).toEqual({ smtp_port: 'Is too large', to: 'Is not an email address' })
})
