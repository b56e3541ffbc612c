import { expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'
import {
  changeOf,
  draftOf,
  emptyDraft,
  faultsOf,
  inputOf,
  withEdit,
  withoutEdited,
  withoutSettings,
  withSettings,
  withTls,
} from './account-draft.ts'

const account: Account = {
  id: 'a1',
  name: 'Anna',
  email: 'anna@example.org',
  imap: { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'anna' },
  smtp: null,
  auth: { kind: 'password' },
  is_default: true,
  is_sandbox: false,
  enabled: true,
  state: 'ready',
  state_since: '2026-11-22T18:14:03.120Z',
  last_error: null,
  next_retry_at: null,
  note: null,
  quota_level: null,
  index_level: null,
  watched_folders: [],
  look_interval_seconds: 60,
  last_mail_at: null,
  connections: { watching: 1, open: 1, busy: 0, idle: 0, connecting: 0, waiting: 0, max: 4, server_limit: null },
  created_at: '2026-11-22T18:14:03.120Z',
  updated_at: '2026-11-22T18:14:03.120Z',
}

const server = { port: 993, tls: 'implicit', user: 'anna@example.org', auth: ['password'] } as const
const settings: DiscoveredSettings = {
  ...{ id: 's1', source: 'autoconfig', provider: null, user_form: 'address', takes_passwords: true },
  imap: { ...server, auth: ['password'], host: 'imap.example.org' },
  smtp: { ...server, auth: ['password'], host: 'smtp.example.org', port: 465 },
  ...{ oauth_issuer: null, is_elsewhere: false, note: null, documentation_url: null, confirmed_by: [] },
}

function foundDraft() {
  const draft = { ...emptyDraft(), email: 'anna@example.org' }
  return withSettings({ ...draft, imap: { ...draft.imap, password: 'secret' } }, settings)
}

test('settings without an SMTP server add none, and an address without settings is its own user', () => {
  const { hasSmtp, imap } = withSettings(emptyDraft(), { ...settings, smtp: null })
  expect([hasSmtp, imap.host]).toEqual([false, 'imap.example.org'])
  const without = withoutSettings(foundDraft())
  expect(without).toMatchObject({ hasSmtp: true, imap: { host: '', user: 'anna@example.org', password: 'secret' } })
})

test('a draft of found settings needs nothing more, and SMTP takes the password of IMAP', () => {
  expect(faultsOf(foundDraft())).toEqual({})
  expect(inputOf(foundDraft())).toEqual({
    email: 'anna@example.org',
    imap: { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'anna@example.org', password: 'secret' },
    smtp: { host: 'smtp.example.org', port: 465, tls: 'implicit', user: 'anna@example.org', password: 'secret' },
    enabled: true,
  })
})

test('each thing that is missing is named at its field, and nothing is asked of an SMTP server that is not wanted', () => {
  const draft = { ...emptyDraft(), hasSmtp: false }
  expect(Object.keys(faultsOf({ ...draft, imap: { ...draft.imap, port: '70000', tls: 'none' } }))).toEqual([
    'email',
    'imap.host',
    'imap.port',
    'imap.tls',
    'imap.user',
    'imap.password',
  ])
})

test('no TLS is taken for a server on this machine', () => {
  const draft = foundDraft()
  expect(faultsOf({ ...draft, imap: { ...draft.imap, host: '127.0.0.1', tls: 'none' } })).toEqual({})
})

test('the port follows the kind of TLS, unless it is one of their own', () => {
  const { imap } = foundDraft()
  expect(withTls('imap', imap, 'starttls').port).toBe('143')
  expect(withTls('smtp', { ...imap, port: '465' }, 'starttls').port).toBe('587')
  expect(withTls('imap', { ...imap, port: '1143' }, 'starttls').port).toBe('1143')
})

test('an edit sends only what differs', () => {
  const draft = draftOf(account)
  expect(changeOf(account, draft)).toEqual({})
  expect(changeOf(account, { ...draft, imap: { ...draft.imap, port: '143', tls: 'starttls' } })).toEqual({
    imap: { port: 143, tls: 'starttls' },
  })
  // The password is sent with its server, which may have been changed meanwhile.
  const typed = { ...draft, imap: { ...draft.imap, password: 'new' } }
  expect(changeOf(account, typed)).toEqual({ imap: { password: 'new', host: 'imap.example.org', port: 993 } })
  expect(changeOf({ ...account, is_sandbox: true }, typed)).toEqual({ imap: { password: 'new' } })
})

test('an SMTP server can be taken away, and a new one needs a password', () => {
  const withSmtp: Account = { ...account, smtp: account.imap }
  expect(changeOf(withSmtp, { ...draftOf(withSmtp), hasSmtp: false })).toEqual({ smtp: null })
  const added = { ...draftOf(account), hasSmtp: true, smtp: draftOf(withSmtp).smtp }
  expect(faultsOf(added, account)).toEqual({ 'smtp.password': 'Enter the password' })
})

test('a fault goes when its field is edited, and the others stay', () => {
  const draft = foundDraft()
  const faults = { email: 'one', 'imap.port': 'two', 'imap.host': 'three' }
  const edited = { ...draft, imap: { ...draft.imap, port: '1' } }
  expect(withoutEdited(faults, draft, edited)).toEqual({ email: 'one', 'imap.host': 'three' })
})

test('an edit of a draft from before the servers were found changes only its field', () => {
  const shown = { ...emptyDraft(), email: 'anna@example.org' }
  const newest = withSettings(shown, settings)
  const typed = { ...shown, imap: { ...shown.imap, password: 'secret' } }
  expect(withEdit(newest, shown, typed)).toEqual({ ...newest, imap: { ...newest.imap, password: 'secret' } })
  expect(withEdit(newest, shown, { ...shown, hasSmtp: false, name: 'Anna' })).toEqual({
    ...newest,
    ...{ hasSmtp: false, name: 'Anna' },
  })
})
