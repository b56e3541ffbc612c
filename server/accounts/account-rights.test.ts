/** A token with a list of accounts learns of no others by trying, and changes nothing that concerns them. */
import { expect, test } from 'vitest'
import type { AccountInput } from '../../contract/accounts.ts'
import { accountsOn } from '../../test/support/accounts.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { everyScope, type Principal } from '../platform/principal.ts'

const all = { id: 'token-1', name: 'Bot', kind: 'token', userId: 'ann', scopes: everyScope, accounts: 'all' } as const
const untried = { verify: false }

function input(user: string): AccountInput {
  const imap = { host: 'mail.example.com', port: 993, tls: 'implicit', user, password: 'x' } as const
  return { email: `${user}@example.com`, imap, enabled: true }
}

async function setUp() {
  const { accounts, trials, facts } = await accountsOn(await memoryDatabase())
  const hidden = await accounts.create(all, input('hidden'), untried)
  const seen = await accounts.create(all, input('seen'), untried)
  const narrow: Principal = { ...all, accounts: new Set([seen.id]) }
  return { accounts, trials, facts, hidden, seen, narrow }
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )

test('callers that see only some accounts do not learn whether a login is connected already', async () => {
  const { accounts, trials, facts, seen, narrow } = await setUp()
  const before = facts().length
  const add = (user: string) => refusalOf(accounts.create(narrow, input(user), { verify: true }))
  expect(await add('hidden')).toMatch(/^beyond_own_rights: /)
  expect(await add('nobody')).toBe(await add('hidden'))
  const become = (user: string) => refusalOf(accounts.update(narrow, seen.id, { imap: { user } }, { verify: true }))
  expect(await become('hidden')).toMatch(/^beyond_own_rights: /)
  expect(await become('nobody')).toBe(await become('hidden'))
  for (const change of [{ host: 'other.example.com' }, { port: 143 }]) {
    expect(await refusalOf(accounts.update(narrow, seen.id, { imap: change }, untried))).toMatch(/^beyond_own_rights: /)
  }
  expect(trials).toEqual([])
  expect(facts()).toHaveLength(before)
})

test('a principal that sees only some accounts changes those, but not which one is the default', async () => {
  const { accounts, hidden, seen, narrow } = await setUp()
  expect(await refusalOf(accounts.update(narrow, seen.id, { is_default: true }, untried))).toMatch(
    /^beyond_own_rights: /,
  )
  expect((await accounts.findDefault(all))?.id).toBe(hidden.id)
  expect(await accounts.update(narrow, seen.id, { name: 'Renamed', enabled: false }, untried)).toMatchObject({
    name: 'Renamed',
    enabled: false,
  })
  // A hidden account is reported as one that does not exist.
  expect(await refusalOf(accounts.update(narrow, hidden.id, { is_default: true }, untried))).toMatch(
    /^account_not_found: /,
  )
  await accounts.update(all, seen.id, { is_default: true, imap: { user: 'other' } }, untried)
  expect(await accounts.findDefault(all)).toMatchObject({ id: seen.id, imap: { user: 'other' } })
})

test('callers with a list lead no mail elsewhere: neither to another server for sending, nor answers to another address', async () => {
  const { accounts, trials, seen, narrow } = await setUp()
  const smtp = { host: 'mail.evil.example', port: 465, tls: 'implicit', user: 'eve', password: 'x' } as const
  for (const change of [{ smtp }, { email: 'eve@evil.example' }]) {
    expect(await refusalOf(accounts.update(narrow, seen.id, change, untried))).toMatch(/^beyond_own_rights: /)
    expect(await refusalOf(accounts.update(all, seen.id, change, untried))).toBe('done')
  }
  await accounts.update(all, seen.id, { smtp: { ...smtp, host: 'mail.example.com' } }, untried)
  for (const moved of [{ host: 'mail.evil.example', password: 'x' }, { port: 587 }, { user: 'eve' }]) {
    expect(await refusalOf(accounts.update(narrow, seen.id, { smtp: moved }, untried))).toMatch(/^beyond_own_rights: /)
  }
  expect(await refusalOf(accounts.update(narrow, seen.id, { smtp: { password: 'new' } }, untried))).toBe('done')
  expect(trials).toEqual([])
})
