/** Guards on ending users: of those that a maker made, of links of disabled users, and of callers with fewer rights. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { codesOf, setUp as setUpUsers, tokenOf } from '../../test/support/users-on.ts'
import type { Database } from '../platform/database/database.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { TokenStore } from '../tokens/token-store.ts'
import { UserActionStore } from './user-action-store.ts'

const password = 'three quiet letters under a bridge'
const chief: Principal = {
  id: 'session-7',
  name: 'Chief',
  kind: 'session',
  userId: 'chief',
  scopes: everyScope,
  accounts: 'all',
}
/** An administrator's token that reaches viewers of one account. */
const narrow: Principal = {
  ...chief,
  id: 'token-narrow',
  kind: 'token',
  scopes: scopeSet(['dashboard:admin']),
  accounts: new Set(['work']),
}

async function setUp(db: Database) {
  const scene = await setUpUsers(db)
  await scene.addAdministrator('chief')
  /** Records deeds of `mole`, in order. */
  const note = async (...deeds: [deed: string, userId: string][]) => {
    for (const [second, [deed, user_id]] of deeds.entries()) {
      const at = new Date(second * 1000).toISOString()
      const row = { maker: 'user-mole', maker_user_id: 'mole', deed, user_id, at }
      await db.transaction().execute(transaction => new UserActionStore(db).note(row, transaction))
    }
  }
  const giveToken = async (user_id: string) => {
    const none = { expires_at: null, last_used_at: null, last_used_address: null, oauth_client: null }
    const lists = { scopes: '[]', accounts: '[]', allowed_addresses: '[]' }
    const row = { id: user_id, token_hash: user_id, prefix: 'rm_', user_id, name: user_id, created_at: '' }
    await new TokenStore(db).insert({ ...row, ...none, ...lists }, db)
  }
  return { ...scene, note, giveToken }
}

onEachDatabase(open => {
  test('a caller that the deleted user reset is not ended with the others', async () => {
    const { users, store, note, add } = await setUp(await open())
    for (const id of ['mole', 'friend']) await add(id)
    await note(['reset', 'chief'], ['invited', 'friend'])
    expect(await users.delete(chief, 'mole', true)).toEqual(['friend'])
    expect(await store.find('chief')).toMatchObject({ disabled: 0, password_hash: 'x' })
    expect(await store.find('friend')).toMatchObject({ disabled: 1, password_hash: null })
  })

  test('a caller ends none of the users that were made, if one of them has more rights than the caller', async () => {
    const { users, store, note, add } = await setUp(await open())
    await add('mole')
    await add('friend')
    await add('operator', { role: 'operator', accounts: '["home"]' })
    await note(['invited', 'friend'], ['invited', 'operator'])
    const before = await store.list()
    await expect(users.delete(narrow, 'mole', true)).rejects.toMatchObject({ code: 'beyond_own_rights' })
    expect(await store.list()).toEqual(before)
  })

  test('users whose link the maker held lose passkeys, codes and tokens, also if raised later; others keep them', async () => {
    const { users, store, db, note, giveToken, add, facts } = await setUp(await open())
    await add('mole')
    const made = ['linked', 'raised']
    for (const id of made) {
      await add(id, { totp_sealed: 'sealed' })
      await giveToken(id)
      await store.replaceRecoveryCodes(id, [`code-${id}`])
      const key = { public_key: 'a2V5', counter: 0, transports: '[]', is_backed_up: 0 }
      const passkey = { id: `passkey-${id}`, user_id: id, name: 'Key', ...key, created_at: '', last_used_at: null }
      await db.insertInto('passkeys').values(passkey).execute()
    }
    await note(['invited', 'linked'], ['raised', 'linked'], ['raised', 'raised'])
    await users.delete(chief, 'mole', true)
    for (const table of ['passkeys', 'recovery_codes', 'api_tokens'] as const) {
      const rows = await db.selectFrom(table).select('user_id').execute()
      expect(rows, table).toEqual([{ user_id: 'raised' }])
    }
    expect(await store.find('linked')).toMatchObject({ disabled: 1, password_hash: null, totp_sealed: null })
    expect(await store.find('raised')).toMatchObject({ disabled: 1, password_hash: 'x', totp_sealed: 'sealed' })
    expect(facts().filter(({ type }) => type === 'token_revoked')).toMatchObject([{ data: { user_id: 'linked' } }])
  })

  test('the link of a disabled user is valid only once the user is enabled', async () => {
    const { users, add } = await setUp(await open())
    await add('ann', { disabled: 1, disabled_by: 'administrator' })
    const { link } = await users.reset(chief, 'ann')
    const given = { link_token: tokenOf(link), password }
    const tried = await Promise.allSettled([users.readLink(given.link_token), users.acceptLink(given)])
    expect(codesOf(tried)).toEqual(['link_invalid', 'link_invalid'])
    await users.change(chief, 'ann', { disabled: false })
    expect(await users.acceptLink(given)).toMatchObject({ id: 'ann' })
  })

  test('a link that is accepted while its user is demoted restores no right', async () => {
    const { users, store, hasher, addAdministrator } = await setUp(await open())
    await addAdministrator('ann')
    const { link } = await users.reset(chief, 'ann')
    vi.spyOn(hasher, 'hash').mockImplementation(async () => {
      await users.change(chief, 'ann', { role: 'viewer' })
      return 'a hash'
    })
    await users.acceptLink({ link_token: tokenOf(link), password })
    expect(await store.find('ann')).toMatchObject({ role: 'viewer', accounts: '[]', password_hash: 'a hash' })
  })

  test('callers may end no user with more rights than theirs, and not the last administrator', async () => {
    const { users, add, addAdministrator } = await setUp(await open())
    await add('near', { accounts: '["work"]' })
    await add('far', { accounts: '["home"]' })
    await users.checkMayEnd(narrow, 'near')
    await expect(users.checkMayEnd(narrow, 'far')).rejects.toMatchObject({ code: 'beyond_own_rights' })
    await expect(users.checkMayEnd(narrow, 'chief')).rejects.toMatchObject({ code: 'beyond_own_rights' })
    await expect(users.checkMayEnd(chief, 'nobody')).rejects.toMatchObject({ code: 'user_not_found' })
    await expect(users.checkMayEnd(chief, 'chief')).rejects.toMatchObject({ code: 'last_administrator' })
    await addAdministrator('disabled')
    await users.change(chief, 'disabled', { disabled: true })
    await users.checkMayEnd(chief, 'disabled')
    await addAdministrator('second')
    await users.checkMayEnd(chief, 'chief')
  })
})
