/** Users join by link, change and leave; rights never exceed the intention, and an administrator always remains. */
import { expect, test } from 'vitest'
import type { User } from '../../contract/users.ts'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { codesOf, setUp, tokenOf } from '../../test/support/users-on.ts'
import type { Database } from '../platform/database/database.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { TokenStore } from '../tokens/token-store.ts'
import type { UserService } from './user-service.ts'

const admin: Principal = {
  id: 'api-key',
  name: 'Admin',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}
const password = 'three quiet letters under a bridge'
const minute = 60_000
const day = 24 * 60 * minute
const invitation: Parameters<UserService['invite']>[1] = {
  email: 'ann@example.com',
  name: 'Ann',
  role: 'viewer',
  accounts: [],
}

onEachDatabase(open => {
  test('an invited person comes in by the link, which works once, also when it is used twice at the same moment', async () => {
    const { users, store, hasher, facts, db } = await setUp(await open())
    const { user, link, expires_at } = await users.invite(admin, { ...invitation, accounts: ['work'] })
    expect(user).toMatchObject({ email: 'ann@example.com', role: 'viewer', accounts: ['work'], status: 'invited' })
    expect(link).toMatch(/^https:\/\/mail\.example\.com\/invitation#[\w-]{43}$/)
    expect(JSON.stringify(await db.selectFrom('user_links').selectAll().execute())).not.toContain(tokenOf(link))
    expect(await users.readLink(tokenOf(link))).toEqual({ email: 'ann@example.com', name: 'Ann', expires_at })

    const accept = () => users.acceptLink({ link_token: tokenOf(link), password })
    const results = await Promise.allSettled([accept(), accept()])
    expect(codesOf(results)).toEqual(['link_invalid'])
    expect(await hasher.verify(password, (await store.find(user.id))?.password_hash)).toBe(true)
    expect(await users.list(admin)).toMatchObject([{ id: user.id, status: 'active' }])
    await expect(users.readLink(tokenOf(link))).rejects.toMatchObject({ code: 'link_invalid' })
    expect(facts().map(fact => fact.type)).toEqual(['user_added', 'user_updated'])
  })

  test('a password that is easy to guess is refused, and the link stays good', async () => {
    const { users } = await setUp(await open())
    const { link } = await users.invite(admin, invitation)
    const link_token = tokenOf(link)
    await expect(users.acceptLink({ link_token, password: 'password1234' })).rejects.toMatchObject({
      code: 'password_too_common',
    })
    expect(await users.acceptLink({ link_token, password })).toMatchObject({ email: 'ann@example.com' })
  })

  test('a second invitation replaces the first, and who can already come in is not invited again', async () => {
    const { users, facts } = await setUp(await open())
    const first = await users.invite(admin, invitation)
    const second = await users.invite(admin, { ...invitation, email: 'Ann@Example.COM', role: 'operator' })
    expect(second.user).toMatchObject({ id: first.user.id, email: 'ann@example.com', role: 'operator' })
    await expect(users.readLink(tokenOf(first.link))).rejects.toMatchObject({ code: 'link_invalid' })
    expect(facts().at(-1)).toMatchObject({ type: 'user_updated', data: { changed: ['role'] } })

    await users.acceptLink({ link_token: tokenOf(second.link), password })
    await expect(users.invite(admin, { ...invitation, email: 'ANN@example.com' })).rejects.toMatchObject({
      code: 'user_exists',
    })
    await users.change(admin, first.user.id, { disabled: true })
    await expect(users.invite(admin, invitation)).rejects.toMatchObject({ code: 'user_exists' })
    expect(await users.list(admin)).toMatchObject([{ role: 'operator', status: 'disabled' }])
  })

  test('the same person invited several times at once is one user with one good link', async () => {
    const { users } = await setUp(await open())
    const invited = await Promise.all(Array.from({ length: 5 }, () => users.invite(admin, invitation)))
    expect(await users.list(admin)).toHaveLength(1)
    const reads = await Promise.allSettled(invited.map(({ link }) => users.readLink(tokenOf(link))))
    expect(codesOf(reads)).toEqual(Array.from({ length: 4 }, () => 'link_invalid'))
  })

  test('a link is worth nothing when it is too old, its owner disabled, or made up; and all sound the same', async () => {
    const { users, clock, add, addAdministrator } = await setUp(await open())
    await addAdministrator('boss')
    const { link } = await users.invite(admin, invitation)
    clock.now += 7 * day - minute
    expect(await users.readLink(tokenOf(link))).toMatchObject({ name: 'Ann' })
    clock.now += minute
    const reset = await users.reset(admin, await add('bob'))
    const other = await users.invite(admin, { ...invitation, email: 'cleo@example.com' })
    await users.change(admin, other.user.id, { disabled: true })
    clock.now += day
    const failures = [tokenOf(link), tokenOf(reset.link), tokenOf(other.link), 'made-up'].flatMap(token => [
      users.readLink(token),
      users.acceptLink({ link_token: token, password }),
    ])
    const words = (await Promise.allSettled(failures)).map(result => result.status === 'rejected' && result.reason)
    expect(new Set(words.map(error => `${error.code} ${error.message}`)).size).toBe(1)
    expect(words[0]).toMatchObject({ code: 'link_invalid' })
  })

  const shutOuts: [string, (users: UserService, id: string) => Promise<unknown>][] = [
    ['demoted', (users, id) => users.change(admin, id, { role: 'operator' })],
    ['disabled', (users, id) => users.change(admin, id, { disabled: true })],
    ['reset', (users, id) => users.reset(admin, id)],
    ['deleted', (users, id) => users.delete(admin, id)],
  ]
  for (const [word, shutOut] of shutOuts) {
    test(`of two administrators who are ${word} at the same moment one stays, and nothing is told of the other`, async () => {
      const { users, store, facts, asked, db, addAdministrator } = await setUp(await open())
      const both = [await addAdministrator('one'), await addAdministrator('two')]
      // An administrator who cannot sign in does not count as remaining.
      await users.invite(admin, { ...invitation, role: 'administrator' })
      for (const id of both) await store.replaceRecoveryCodes(id, [`${id}-code`])
      expect(codesOf(await Promise.allSettled(both.map(id => shutOut(users, id))))).toEqual(['last_administrator'])
      const left = await db.selectFrom('users').selectAll().where('role', '=', 'administrator').execute()
      const [stayed] = left.filter(row => row.password_hash !== null && !row.disabled)
      expect(await store.countAdministrators()).toBe(1)
      expect(await store.countRecoveryCodes(stayed!.id)).toBe(1)
      expect(JSON.stringify([facts(), asked])).not.toContain(`"${stayed!.id}"`)
      await expect(shutOut(users, stayed!.id)).rejects.toMatchObject({ code: 'last_administrator' })
    })
  }

  test('a deleted user is locked out before it is announced, and leaves nothing behind', async () => {
    const { users, store, asked, facts, db, add } = await setUp(await open())
    await add('ann', { role: 'operator' })
    const at = new Date().toISOString()
    await store.insertLink({ token_hash: 'a', user_id: 'ann', expires_at: at })
    await store.replaceRecoveryCodes('ann', ['b'])
    await db.insertInto('sessions').values(sessionOf('ann', at)).execute()
    await db.insertInto('api_tokens').values(tokenRowOf('ann', at)).execute()
    await db.insertInto('passkeys').values(passkeyOf('ann', at)).execute()
    await users.delete(admin, 'ann')
    expect(asked[0]).toEqual({ what: 'ended', userId: 'ann', facts: 0 })
    expect(facts()).toMatchObject([{ type: 'user_removed', data: { user_id: 'ann', role: 'operator' } }])
    for (const table of ['users', 'user_links', 'recovery_codes', 'sessions', 'api_tokens', 'passkeys'] as const) {
      expect(await db.selectFrom(table).selectAll().execute(), table).toEqual([])
    }
    // Enabled and signed in again between the two steps: rows go with the user, and caches are notified once more.
    expect(asked.at(-1)).toEqual({ what: 'ended', userId: 'ann', facts: 1 })
    await expect(users.delete(admin, 'ann')).rejects.toMatchObject({ code: 'user_not_found' })
    await expect(users.change(admin, 'ann', { name: 'A' })).rejects.toMatchObject({ code: 'user_not_found' })
    await expect(users.reset(admin, 'ann')).rejects.toMatchObject({ code: 'user_not_found' })
  })

  test('who is enabled again while being deleted, and is the only administrator by then, stays', async () => {
    const { users, store, facts, meanwhile, addAdministrator } = await setUp(await open())
    for (const id of ['one', 'two']) await addAdministrator(id)
    meanwhile.push(async () => {
      await users.change(admin, 'one', { disabled: false })
      await users.change(admin, 'two', { disabled: true })
    })
    await expect(users.delete(admin, 'one')).rejects.toMatchObject({ code: 'last_administrator' })
    expect(await store.find('one')).toMatchObject({ disabled: 0 })
    expect(facts().map(fact => fact.type)).not.toContain('user_removed')
  })

  test('who is deleted twice at the same moment is gone, and that is told once', async () => {
    const { users, facts, add } = await setUp(await open())
    await add('ann')
    await Promise.all([users.delete(admin, 'ann'), users.delete(admin, 'ann')])
    expect(facts().map(fact => fact.type)).toEqual(['user_removed'])
  })

  test('a reset takes password, authenticator, codes and passkeys, ends what is open, and its link opens again', async () => {
    const { users, store, asked, facts, clock, db, add } = await setUp(await open())
    await add('ann', { totp_sealed: 'sealed', totp_last_step: 7 })
    await store.replaceRecoveryCodes('ann', ['b'])
    await db.insertInto('passkeys').values(passkeyOf('ann', new Date().toISOString())).execute()
    const { user, link, expires_at } = await users.reset(admin, 'ann')
    expect(Date.parse(expires_at) - clock.now).toBe(day)
    expect(user).toMatchObject({ status: 'invited', has_totp: false, passkeys: 0 })
    expect(await store.find('ann')).toMatchObject({ password_hash: null, totp_sealed: null })
    expect(await store.countRecoveryCodes('ann')).toBe(0)
    expect(asked).toMatchObject([{ what: 'ended', userId: 'ann' }])
    expect(facts()).toMatchObject([{ type: 'user_updated', data: { user_id: 'ann' } }])
    await users.acceptLink({ link_token: tokenOf(link), password })
    expect(await users.list(admin)).toMatchObject([{ id: 'ann', status: 'active', sessions: 2 }])
  })

  test('a reset leaves the API tokens, or revokes them with it when that is wanted', async () => {
    const { users, facts, db, add } = await setUp(await open())
    await add('ann')
    await add('bob')
    const tokenOfUser = (id: string, user_id: string) => ({
      ...{ id, user_id, token_hash: id, prefix: 'rm_abc', name: `Token ${id}`, scopes: '[]', accounts: '[]' },
      ...{ allowed_addresses: '[]', created_at: '2026-11-01T08:00:00.000Z', expires_at: null },
      ...{ last_used_at: null, last_used_address: null },
    })
    const rows = [tokenOfUser('t1', 'ann'), tokenOfUser('t2', 'ann'), tokenOfUser('t3', 'bob')]
    await db.insertInto('api_tokens').values(rows).execute()
    expect((await users.list(admin)).map(({ tokens }) => tokens)).toEqual([2, 1])
    expect((await users.reset(admin, 'ann')).user.tokens).toBe(2)
    expect(facts().map(({ type }) => type)).toEqual(['user_updated'])
    expect((await users.reset(admin, 'ann', { revoke_tokens: true })).user.tokens).toBe(0)
    expect(await db.selectFrom('api_tokens').select('id').execute()).toEqual([{ id: 't3' }])
    const revoked = facts().filter(({ type }) => type === 'token_revoked')
    expect(revoked.map(({ data }) => data)).toMatchObject([
      { token_id: 't1', name: 'Token t1', user_id: 'ann' },
      { token_id: 't2' },
    ])
  })

  test('sessions and tokens follow a change, and a change that changes nothing is not told', async () => {
    const { users, asked, facts, add } = await setUp(await open())
    await add('ann', { name: 'Ann', accounts: '["home","work"]' })
    const same = { name: 'Ann', role: 'viewer', accounts: ['work', 'home', 'work'], disabled: false } as const
    await users.change(admin, 'ann', { ...same, accounts: [...same.accounts] })
    expect(facts()).toEqual([])
    // Notified anyway: an earlier committed change may have failed to reach them.
    expect(asked).toEqual([{ what: 'changed', userId: 'ann', facts: 0 }])
    const changed = await users.change(admin, 'ann', {
      name: 'Anna',
      role: 'operator',
      accounts: ['work'],
      disabled: true,
    })
    expect(changed).toMatchObject({ name: 'Anna', role: 'operator', accounts: ['work'], status: 'disabled' })
    expect(facts()).toMatchObject([
      { type: 'user_updated', data: { name: 'Anna', changed: ['name', 'role', 'accounts', 'disabled'] } },
    ])
    expect(asked[1]).toMatchObject({ what: 'changed', userId: 'ann' })
  })

  test('accounts are given by name only, and must be there', async () => {
    const { users, store, add, addAdministrator } = await setUp(await open())
    await addAdministrator('boss')
    await addAdministrator('chief')
    const missing = { code: 'account_not_found' }
    await expect(users.invite(admin, { ...invitation, accounts: ['work', 'gone'] })).rejects.toMatchObject(missing)
    await expect(users.change(admin, 'boss', { accounts: ['gone'] })).rejects.toMatchObject(missing)
    expect((await users.invite(admin, { ...invitation, role: 'administrator' })).user.accounts).toBe('all')
    expect((await users.change(admin, 'boss', { accounts: ['work'] })).accounts).toBe('all')

    // A demoted administrator does not keep access to all accounts.
    expect((await users.change(admin, 'boss', { role: 'operator' })).accounts).toEqual([])
    expect((await users.change(admin, 'boss', { accounts: 'all' })).accounts).toBe('all')
    expect((await users.change(admin, 'boss', { role: 'administrator' })).accounts).toBe('all')
    const demoted = await users.change(admin, 'chief', { role: 'viewer', accounts: ['home'] })
    expect(demoted.accounts).toEqual(['home'])

    // An account that was removed is no longer shown.
    await add('bob', { accounts: '["gone","work"]' })
    expect((await users.list(admin)).find(user => user.id === 'bob')?.accounts).toEqual(['work'])
    expect((await store.find('bob'))?.accounts).toBe('["gone","work"]')
  })

  test('set-up makes one administrator, also when it is done twice at once; the command line may make more', async () => {
    const { users, hasher, facts } = await setUp(await open())
    expect(await users.needsSetup()).toBe(true)
    const given = (email: string) => ({ email, name: 'Owner', password, onlyIfNone: true })
    const results = await Promise.allSettled([
      users.createAdministrator(given('Own@Example.com')),
      users.createAdministrator(given('other@example.com')),
    ])
    expect(codesOf(results)).toEqual(['setup_done'])
    expect(await users.needsSetup()).toBe(false)
    const [owner] = await users.list(admin)
    expect(owner).toMatchObject({ role: 'administrator', accounts: 'all', status: 'active' })
    expect(owner?.email).toBe(owner?.email.toLowerCase())

    const { user: invited, link } = await users.invite(admin, invitation)
    const created = await users.createAdministrator({ email: 'ANN@example.com', name: 'Ann', password })
    expect(created).toMatchObject({
      id: invited.id,
      email: 'ann@example.com',
      role: 'administrator',
      accounts: '"all"',
    })
    expect(await hasher.verify(password, created.password_hash)).toBe(true)
    await expect(users.readLink(tokenOf(link))).rejects.toMatchObject({ code: 'link_invalid' })
    await expect(users.createAdministrator({ email: 'ann@example.com', name: 'Ann', password })).rejects.toMatchObject({
      code: 'user_exists',
    })
    const weak = { email: 'new@example.com', name: 'New', password: 'new@example.com' }
    await expect(users.createAdministrator(weak)).rejects.toMatchObject({ code: 'password_too_common' })
    expect(facts().map(fact => fact.type)).toEqual(['user_added', 'user_added', 'user_updated'])
  })

  test('there are 1,000 users at most, also when several are invited at once', async () => {
    const { users, store, db } = await setUp(await open())
    const rows = Array.from({ length: 998 }, (_, index) => aUser({ id: `user-${index}` }))
    for (let start = 0; start < rows.length; start += 100) {
      await db
        .insertInto('users')
        .values(rows.slice(start, start + 100))
        .execute()
    }
    const emails = ['a', 'b', 'c', 'd'].map(name => `${name}@example.com`)
    const results = await Promise.allSettled(emails.map(email => users.invite(admin, { ...invitation, email })))
    expect(codesOf(results)).toEqual(['too_many_users', 'too_many_users'])
    expect(await store.count()).toBe(1000)
    // A caller that is in already does not count again.
    expect(await users.invite(admin, { ...invitation, email: rows[0]!.email })).toMatchObject({
      user: { id: 'user-0' },
    })
  })
})

/** A token that does something must not have been revoked. */
async function giveToken(db: Database, userId: string, id: string): Promise<void> {
  const none = { expires_at: null, last_used_at: null, last_used_address: null, oauth_client: null }
  const row = { id, token_hash: id, prefix: 'rm_', user_id: userId, name: id, created_at: '', ...none }
  await new TokenStore(db).insert({ ...row, scopes: '[]', accounts: '[]', allowed_addresses: '[]' }, db)
}

test("an administrator's token with less than everything neither sees nor reaches more by way of somebody else", async () => {
  const { users, store, db, add, addAdministrator } = await setUp(await memoryDatabase())
  await addAdministrator('boss')
  await addAdministrator('chief')
  await add('eve', { accounts: '["home","work"]' })
  await add('bob', { role: 'operator', accounts: '["work"]' })
  await add('cleo', { accounts: '["work"]' })
  const invited = await users.invite(admin, { ...invitation, email: 'dan@example.com', role: 'administrator' })
  const scopes = scopeSet(['dashboard:admin'])
  const token: Principal = {
    ...admin,
    id: 'token-1',
    kind: 'token',
    userId: 'boss',
    scopes,
    accounts: new Set(['work']),
  }
  await giveToken(db, 'boss', '1')
  const before = await store.list()

  const seen = new Map((await users.list(token)).map((user): [string, User] => [user.id, user]))
  expect(seen.get('eve')?.accounts).toEqual(['work'])
  const hidden = users.invite(token, { ...invitation, accounts: ['home'] })
  const absent = users.invite(token, { ...invitation, accounts: ['gone'] })
  const [first, second] = await Promise.allSettled([hidden, absent])
  expect(first).toEqual(second)
  expect(codesOf([first])).toEqual(['account_not_found'])

  const refused = await Promise.allSettled([
    users.invite(token, { ...invitation, accounts: 'all' }),
    users.invite(token, { ...invitation, role: 'operator' }),
    users.invite(token, { ...invitation, role: 'administrator' }),
    users.invite(token, { ...invitation, email: invited.user.email }),
    users.change(token, 'cleo', { role: 'administrator' }),
    users.change(token, 'cleo', { accounts: 'all' }),
    users.change(token, 'eve', { accounts: ['work'] }),
    ...['boss', 'eve', 'bob'].flatMap(id => [
      users.reset(token, id),
      users.delete(token, id),
      users.change(token, id, { name: 'Mine' }),
    ]),
  ])
  expect(codesOf(refused)).toEqual(refused.map(() => 'beyond_own_rights'))
  expect(await store.list()).toEqual(before)
  expect(await users.readLink(tokenOf(invited.link))).toMatchObject({ email: 'dan@example.com' })
  expect(await users.change(token, 'cleo', { name: 'Cleopatra' })).toMatchObject({ name: 'Cleopatra' })
  expect((await users.invite(token, { ...invitation, accounts: ['work'] })).user.accounts).toEqual(['work'])
})

function sessionOf(user_id: string, at: string) {
  const times = { created_at: at, last_seen_at: at, expires_at: at }
  return {
    id: 's',
    token_hash: 's',
    user_id,
    method: 'password',
    ip_address: '192.0.2.1',
    user_agent: 'test',
    ...times,
  }
}

function tokenRowOf(user_id: string, at: string) {
  const lists = { scopes: '[]', accounts: '[]', allowed_addresses: '[]' }
  const uses = { created_at: at, expires_at: null, last_used_at: null, last_used_address: null, oauth_client: null }
  return { id: 't', token_hash: 't', prefix: 'rm_a', user_id, name: 'Token', ...lists, ...uses }
}

function passkeyOf(user_id: string, at: string) {
  const key = { public_key: 'a2V5', counter: 0, transports: '[]', is_backed_up: 0 }
  return { id: 'p', user_id, name: 'Key', ...key, created_at: at, last_used_at: null }
}
