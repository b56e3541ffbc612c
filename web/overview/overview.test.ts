/** The verdict is never green without evidence, and each fact has a sentence. */
import { expect, test } from 'vitest'
import type { Account, AccountState } from '../../contract/accounts.ts'
import { type Fact, factTypes } from '../../contract/event.ts'
import { byTrouble, troubleRows } from './account-trouble.ts'
import { kindLabels, kindOf } from './change-kinds.ts'
import { changeOf } from './change-words.ts'
import { fieldWords } from './field-words.ts'
import { p95Of, responseWords } from './response-words.ts'
import { verdictOf } from './verdict.ts'

const fresh = { isStale: false } as const
const server = { host: 'mail.example.org', port: 993 }
const account = (name: string, state: AccountState) => ({ id: name, name, state, imap: server }) as Account
const known = { alerts: [], stats: undefined, samples: [], error: null, freshness: fresh }
const verdict = (...accounts: Account[]) => verdictOf({ ...known, accounts })

test('all good only when every enabled account is ready', () => {
  expect(verdict(account('a', 'ready'), account('b', 'disabled'))).toMatchObject({ tone: 'good', title: 'All good' })
  expect(verdict(account('a', 'ready'), account('b', 'connecting')).tone).toBe('busy')
  expect(verdict(account('b', 'disabled')).tone).toBe('unknown')
})

test('problems are counted and named', () => {
  expect(verdict(account('Work', 'auth_failed'), account('b', 'ready'))).toMatchObject({
    tone: 'bad',
    title: '1 problem',
    details: [{ words: 'mail.example.org rejects the login: account Work.', href: '/accounts/Work' }],
  })
  expect(verdict(account('a', 'degraded'), account('b', 'auth_failed'))).toMatchObject({
    tone: 'bad',
    title: '2 problems',
    details: [{ href: '/accounts/b' }, { href: '/accounts/a' }],
  })
})

test('alerts that fire are part of the verdict, beside problems that no rule reports', () => {
  const accounts = [account('a', 'ready')]
  const alerts = [{ id: 'al_1', severity: 'warning', words: 'Mail is late', account_id: null } as const]
  expect(verdictOf({ ...known, accounts, alerts })).toEqual({
    tone: 'warn',
    title: '1 alert',
    details: [{ key: 'al_1', words: 'Mail is late.', href: '/alerts' }],
  })
  const both = { ...known, accounts: [account('a', 'auth_failed')], alerts }
  expect(verdictOf(both)).toMatchObject({ tone: 'bad', title: '1 problem, 1 alert' })
  const critical = [{ ...alerts[0]!, severity: 'critical' as const }]
  expect(verdictOf({ ...known, accounts, alerts: critical }).tone).toBe('bad')
  // Twenty alerts about accounts on one dead server add nothing to its one problem.
  const ofAccount = [{ ...alerts[0]!, account_id: 'a' }]
  expect(verdictOf({ ...both, alerts: ofAccount }).title).toBe('1 problem')
})

test('accounts of one name are told apart, by address or else by server', () => {
  const named = (id: string, email: string, host: string) =>
    ({ ...account(id, 'unreachable'), name: 'Work', email, imap: { host, port: 993, user: 'me' } }) as Account
  const { title, details } = verdict(
    named('1', 'a@x.example', 'x.example'),
    named('2', 'b@x.example', 'y.example'),
    named('3', 'b@x.example', 'z.example'),
  )
  expect(title).toBe('3 problems')
  expect(details.map(({ words }) => /\((.*)\)/.exec(words)?.[1])).toEqual([
    'a@x.example',
    'me at y.example:993',
    'me at z.example:993',
  ])
})

test('what is not known is grey: before the first answer, after an error, and when it is old', () => {
  const accounts = [account('a', 'ready')]
  expect(verdictOf({ ...known, accounts: undefined }).tone).toBe('unknown')
  expect(verdictOf({ ...known, accounts: undefined, error: new Error('no') }).details[0]?.words).toContain('no')
  expect(verdictOf({ ...known, accounts, freshness: { isStale: true, asOf: 0 } }).tone).toBe('unknown')
})

test('accounts in trouble come first, then by name', () => {
  const accounts = [
    account('b', 'ready'),
    account('z', 'auth_failed'),
    account('a', 'ready'),
    account('c', 'unreachable'),
  ]
  expect(byTrouble(accounts).map(({ name }) => name)).toEqual(['z', 'c', 'a', 'b'])
})

test('many accounts on one server that is away are one row; few of them, and those that fare otherwise, have their own', () => {
  const at = (host: string, name: string, state: Account['state'] = 'unreachable') =>
    ({ ...account(name, state), imap: { host, port: 993, user: name } }) as Account
  const failing = (row: Account) => ({ ...row, last_error: { cause: 'refused' } }) as Account
  const dead = ['t10', 't2', 't1'].map(name => failing(at('dead.example', name)))
  const rows = troubleRows([...dead, failing(at('other.example', 'o')), at('dead.example', 'r', 'ready')])
  expect(rows.map(row => row.map(({ name }) => name))).toEqual([['o'], ['t1', 't2', 't10'], ['r']])
})

test('what was changed is said in words and not by the names of fields', () => {
  expect(fieldWords(['totp', 'disabled', 'recovery_codes', 'name'])).toBe('authenticator, status, recovery codes, name')
  expect(fieldWords(['imap.host', 'smtp.password', 'expires_at'])).toBe('IMAP server, SMTP password, expiry')
})

test('every fact of the contract has its sentence, and names its account', () => {
  const data = {
    account_id: 'a',
    name: 'Work',
    state: 'unreachable',
    last_error: { detail: 'refused' },
    changed: ['use_ssl'],
    principal: 'Admin',
    folder: 'INBOX',
    user_agent: 'curl/8.1',
    ip_address: '::1',
    reason: 'idle',
    email: 'work@example.org',
    role: 'viewer',
    version: 'Work',
    alert: 'disk_low',
    detail: 'Work is full',
    messages: [],
    event: 'created',
    item_ids: [],
    kind: 'move',
    counts: { total: 1 },
    by: 'Admin',
    at: '2026-11-22T18:00:00.000Z',
  }
  const said = factTypes.map(type => changeOf({ type, data } as unknown as Fact, [{ id: 'a', name: 'Work' }])?.text)
  expect(said).toHaveLength(factTypes.length)
  for (const sentence of said) expect(sentence).toMatch(/Work|curl 8.1|Admin|database/)
  for (const type of factTypes) expect(Object.hasOwn(kindLabels, kindOf(type))).toBe(true)
  expect(changeOf({ type: 'heartbeat', data: { server_time: data.at } }, [])).toBeUndefined()
})

test('facts of acting lead to where one can act on them', () => {
  const say = (type: Fact['type'], data: object) =>
    changeOf({ type, data } as unknown as Fact, [{ id: 'a', name: 'Work' }])
  const moved = { account_id: 'a', operation_id: 'o', kind: 'move', counts: { total: 2 }, undo_of: null }
  expect(say('operation_changed', { ...moved, state: 'done' })).toMatchObject({
    text: '2 messages were moved in Work',
    href: '/changes?operation=o',
  })
  expect(say('operation_changed', { ...moved, state: 'failed' })?.text).toBe('2 messages could not be moved in Work')
  expect(say('draft_changed', { account_id: 'a', draft_id: 'd', state: 'open' })?.href).toBe(
    '/mail?account=a&compose=a.d',
  )
  expect(say('draft_changed', { account_id: 'a', draft_id: 'd', state: 'discarded' })).not.toHaveProperty('href')
  expect(say('delivery_changed', { account_id: 'a', submission_id: 's', state: 'held' })).toMatchObject({
    text: 'A message from Work waits for approval',
    href: '/outbox?open=s',
  })
  expect(say('approval_requested', { account_id: 'a', approval_id: 'p', recipients: 1 })?.href).toBe(
    '/approvals?open=p',
  )
  expect(say('approval_decided', { account_id: 'a', approval_id: 'p', state: 'denied', by: 'Ada' })).toMatchObject({
    text: 'A message from Work was denied by Ada',
    href: '/approvals?show=decided&open=p',
  })
})

test('without a request there is no response time, and the chart has a gap there', () => {
  const times = { response_time_ms: { p50: 0, p95: 0, p99: 0 }, average_response_time_ms: 0 }
  expect(responseWords({ requests_per_minute: 0, ...times })).toEqual({
    value: '–',
    unit: '',
    detail: 'no request in the last minute',
  })
  const busy = { response_time_ms: { p50: 4, p95: 81.54, p99: 90 }, average_response_time_ms: 15.72 }
  expect(responseWords({ requests_per_minute: 3, ...busy })).toEqual({
    value: '81.5',
    unit: 'ms',
    detail: 'average 15.7 ms',
  })
  expect(p95Of({ requests_per_minute: 0, p95_ms: 0 })).toBeUndefined()
  expect(p95Of({ requests_per_minute: 1, p95_ms: 0 })).toBe(0)
})
