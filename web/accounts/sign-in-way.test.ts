import { expect, test } from 'vitest'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { type AccountDraft, emptyDraft } from './account-draft.ts'
import { signInWay } from './sign-in-way.ts'

const client = { client_id: 'c', has_secret: true, source: 'page', set_by: 'Ann', set_at: null } as const
const shared = { tenant: null, scopes: { read: ['r'], send: ['s'] }, redirect_uri: 'https://rustymail.example/back' }
const google: OAuthProvider = {
  ...{ id: 'google', name: 'Google', kind: 'google', client, metadata_url: null, has_device_flow: false, accounts: 0 },
  ...{ imap_hosts: ['imap.gmail.com'], smtp_hosts: ['smtp.gmail.com'], domains: ['gmail.com'], ...shared },
}
const own: OAuthProvider = {
  ...google,
  ...{ id: 'own', name: 'Own', kind: 'custom', domains: ['example.org'] },
  metadata_url: 'https://login.example.org/.well-known/oauth-authorization-server/x',
  ...{ imap_hosts: ['*.mail.example.org'], smtp_hosts: ['smtp.example.org'] },
}
const providers = [google, own]

function draftOf(email: string, imap = '', smtp = ''): AccountDraft {
  const draft = emptyDraft()
  return { ...draft, email, imap: { ...draft.imap, host: imap }, smtp: { ...draft.smtp, host: smtp } }
}

const server = { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'anna', auth: ['oauth2'] } as const
const settings: DiscoveredSettings = {
  ...{ id: 's1', source: 'pacc', provider: null, user_form: 'address', takes_passwords: false, smtp: null },
  imap: { ...server, auth: ['oauth2'] },
  ...{ oauth_issuer: 'https://login.example.org/x/', is_elsewhere: false, note: null, documentation_url: null },
  confirmed_by: [],
}

test('the servers decide, whatever the address is, and become those of the account', () => {
  const draft = draftOf('anna@example.org', 'IMAP.gmail.com', 'smtp.gmail.com')
  const way = signInWay(providers, { ...draft, name: ' Anna ' }, undefined)
  expect(way).toMatchObject({
    ...{ kind: 'ready', provider: { id: 'google' } },
    account: { email: 'anna@example.org', name: 'Anna', imap: { port: 993, user: 'anna@example.org' } },
  })
  expect(signInWay(providers, draftOf('anna@gmail.com', 'imap.other.example'), undefined)).toBeUndefined()
  expect(signInWay(providers, draftOf('anna', 'imap.gmail.com'), undefined)).toBeUndefined()
})

test('without a client id it says so, and by the address alone it asks for servers', () => {
  const draft = draftOf('anna@gmail.com', 'imap.gmail.com', 'smtp.gmail.com')
  expect(signInWay([{ ...google, client: null }], draft, undefined)?.kind).toBe('no_client')
  expect(signInWay(providers, draftOf('anna@example.org'), undefined)).toMatchObject({
    ...{ kind: 'hosts_needed', provider: { id: 'own' } },
  })
})

test('a document may name an issuer, but its servers get tokens only where they are listed', () => {
  const draft = draftOf('anna@example.org', 'imap.example.org')
  expect(signInWay(providers, draft, settings)).toMatchObject({ kind: 'unlisted_host', host: 'imap.example.org' })
  expect(signInWay(providers, draftOf('a@b.example', 'a.mail.example.org', 'smtp.b.example'), undefined)).toMatchObject(
    {
      ...{ kind: 'unlisted_host', host: 'smtp.b.example' },
    },
  )
  expect(signInWay(providers, draftOf('a@b.example', 'a.mail.example.org'), undefined)?.kind).toBe('ready')
})

test('settings that take no passwords and sign in nowhere are told as that', () => {
  const issuer = 'https://login.other.example'
  const draft = draftOf('anna@other.example', 'imap.other.example')
  const other = { ...settings, oauth_issuer: issuer }
  expect(signInWay(providers, draft, other)).toEqual({ kind: 'no_provider', issuer })
  expect(signInWay(providers, draft, { ...other, takes_passwords: true })).toBeUndefined()
})
