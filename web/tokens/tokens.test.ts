/** The token form, its request body, and example code that fits the scopes. */
import { expect, test } from 'vitest'
import type { Freeze } from '../../contract/freezes.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import {
  bodyOf,
  changeOf,
  draftOf,
  emptyDraft,
  faultsOf,
  levelsOf,
  presetNames,
  presetOf,
  type TokenDraft,
} from './token-draft.ts'
import { linesFor } from './token-lines.ts'
import { stopOf } from './token-stop.ts'
import { filterTokens } from './tokens-filter.tsx'

const now = Date.parse('2026-11-22T18:00:00.000Z')
const token = {
  id: 't',
  name: 'Backup',
  scopes: ['mail:meta', 'mail:read', 'dashboard:read'],
  accounts: ['b', 'a'],
  allowed_addresses: ['10.0.0.0/8', '::1'],
  expires_at: '2027-01-01T00:00:00.000Z',
} as unknown as ApiToken

/** The form once an account is selected. */
const draft = { ...emptyDraft, accounts: ['a'] }

test('a token ends after so many days of the server, or never', () => {
  const body = (expiry: '30' | 'never') => bodyOf({ ...draft, name: ' a ', expiry }, now)
  expect(body('30')).toMatchObject({ name: 'a', expires_at: '2026-12-22T18:00:00.000Z', scopes: ['mail:read'] })
  expect(body('never').expires_at).toBeNull()
})

test('what is opened and saved changes nothing; only what differs is sent', () => {
  const opened = draftOf(token)
  expect(opened).toMatchObject({ mail: 'mail:read', dashboard: 'dashboard:read', expiry: 'kept' })
  expect(changeOf(token, { ...opened, accounts: ['a', 'b'] }, now)).toEqual({})
  const deleting: ApiToken = { ...token, scopes: [...token.scopes, 'mail:delete'] }
  expect(changeOf(deleting, draftOf(deleting), now)).toEqual({})
  expect(changeOf(deleting, { ...draftOf(deleting), mail: 'mail:organize', dashboard: '' }, now)).toEqual({
    scopes: ['mail:organize', 'mail:delete'],
  })
  expect(changeOf(token, { ...opened, dashboard: '', expiry: 'never', addresses: '' }, now)).toEqual({
    scopes: ['mail:read'],
    expires_at: null,
    allowed_addresses: [],
  })
})

test('a token needs a name, something to do, and addresses that are some', () => {
  expect(faultsOf({ ...draft, name: 'a', addresses: '10.0.0.1, ::1\n192.0.2.0/24' })).toEqual({})
  const faults = faultsOf({ ...draft, mail: '', addresses: 'example.org' })
  expect(Object.keys(faults)).toEqual(['name', 'scopes', 'addresses'])
  expect(faults.addresses).toContain('example.org')
})

test('a token for mail needs an account, one for the dashboard alone does not', () => {
  const faults = (change: Partial<TokenDraft>) =>
    Object.keys(faultsOf({ ...draft, name: 'a', accounts: [], ...change }))
  expect(faults({})).toEqual(['accounts'])
  expect(faults({ mail: 'mail:send', dashboard: 'dashboard:read' })).toEqual(['accounts'])
  expect(faults({ mail: '', dashboard: 'dashboard:read' })).toEqual([])
  expect(faults({ accounts: ['a'] })).toEqual([])
})

test('each preset is known by what it chooses', () => {
  expect(presetOf({ ...draft, ...levelsOf(['mail:send']) })).toBe('sender')
  expect(presetOf({ ...draft, ...levelsOf(['mail:send', 'dashboard:read']) })).toBeUndefined()
  expect(presetNames).toHaveLength(5)
})

test('the dialog opens with the preset Reader', () => {
  expect(presetOf(draft)).toBe('reader')
})

test('the lines name this server and the token, and ask for what it may have', () => {
  const lines = (info: Partial<ApiToken>) =>
    linesFor({ origin: 'https://mail.example.org', token: 'rm_secret', info: { ...token, ...info } })
  const [first, ...events] = lines({})
  expect(first?.lines).toBe(
    "curl -H 'Authorization: Bearer rm_secret' \\\n  'https://mail.example.org/api/v1/accounts/b/messages?folder=INBOX&limit=10'",
  )
  for (const example of events) {
    expect(example.lines).toContain('rm_secret')
    expect(example.lines).toContain('https://mail.example.org/api/dashboard/events')
  }
  expect(lines({ accounts: [], scopes: ['dashboard:read'] })[0]?.lines).toContain('/api/dashboard/stats')
  expect(lines({ accounts: [], scopes: ['mail:read'] })[0]?.lines).toContain('/api/v1/accounts')
})

test('a token is stopped by itself, with all programs, or with accounts that it works on', () => {
  const none = { principal: null, account_id: null }
  const stop = (part: Partial<Freeze>) => ({ ...none, target: 'account', ...part }) as Freeze
  const [a, b, c] = ['a', 'b', 'c'].map(id => stop({ account_id: id }))
  const everything = stop({ target: 'everything' })
  const own = stop({ target: 'principal', principal: 't' })
  expect(stopOf(token, [])).toBeUndefined()
  expect(stopOf(token, [stop({ target: 'principal', principal: 'other' }), c!])).toBeUndefined()
  expect(stopOf(token, [everything])).toBe('everything')
  // The token's own stop remains when the global one is lifted.
  expect(stopOf(token, [everything, own])).toBe('itself')
  expect(stopOf(token, [a!, c!])).toBe('some accounts')
  expect(stopOf(token, [a!, b!])).toBe('all accounts')
  expect(stopOf({ ...token, accounts: [] }, [a!])).toBeUndefined()
})

test('tokens are found by name, prefix, user or OAuth client, and by status', () => {
  const own = { ...token, prefix: 'rm_4fK2pQ', user_name: 'Ann', status: 'active', oauth_client: null } as ApiToken
  const connected = {
    ...{ ...own, name: 'Claude', prefix: 'rm_x', user_name: 'Bob', status: 'expired' },
    oauth_client: { client_id: 'c', name: 'Inspector', host: 'client.example', redirect_host: 'client.example' },
  } as ApiToken
  const find = (q: string, status = '') => filterTokens([own, connected], { q, status }).map(({ name }) => name)
  expect(find('')).toEqual(['Backup', 'Claude'])
  expect(find(' backUP ')).toEqual(['Backup'])
  expect(find('4fk2')).toEqual(['Backup'])
  expect(find('bob')).toEqual(['Claude'])
  expect(find('client.example')).toEqual(['Claude'])
  expect(find('', 'expired')).toEqual(['Claude'])
  expect(find('backup', 'expired')).toEqual([])
})
