/** People are kept the same way on both databases. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { UserStore } from './user-store.ts'
import type { PasskeyRow, UserRow } from './user-tables.ts'

const at = '2026-01-01T00:00:00.000Z'
const user = (id: string, change: Partial<UserRow> = {}) => aUser({ id, role: 'administrator', ...change })
const passkey = (userId: string): PasskeyRow => ({
  id: `key-${userId}`,
  user_id: userId,
  name: 'Key',
  public_key: 'a2V5',
  counter: 0,
  transports: '[]',
  is_backed_up: 0,
  created_at: at,
  last_used_at: null,
})

onEachDatabase(open => {
  test('an administrator counts who can come in: by password, passkey or provider, and is not disabled', async () => {
    const db = await open()
    const store = new UserStore(db)
    await store.insert(user('invited'))
    await store.insert(user('operator', { role: 'operator', password_hash: 'x' }))
    await store.insert(user('off', { password_hash: 'x', disabled: 1 }))
    expect(await store.countAdministrators()).toBe(0)
    await store.insert(user('password', { password_hash: 'x' }))
    await store.insert(user('provider', { oidc_issuer: 'https://id.example.com', oidc_subject: '7' }))
    await store.insert(user('passkey'))
    await db.insertInto('passkeys').values(passkey('passkey')).execute()
    expect(await store.countAdministrators()).toBe(3)
    expect(await store.count()).toBe(6)
    expect(await store.countAllPasskeys()).toEqual(new Map([['passkey', 1]]))
  })

  test('an email and an identity at a provider stand for one person', async () => {
    const store = new UserStore(await open())
    await store.insert(user('ann', { oidc_issuer: 'https://id.example.com', oidc_subject: '7' }))
    await store.insert(user('bob'))
    await store.insert(user('cleo'))
    expect(await store.findByEmail('ANN@example.COM')).toMatchObject({ id: 'ann' })
    expect(await store.findByOidc('https://id.example.com', '7')).toMatchObject({ id: 'ann' })
    expect(await store.findByOidc('https://evil.example.com', '7')).toBeUndefined()
    await expect(store.insert(user('ann2', { email: 'ann@example.com' }))).rejects.toThrow()
    const same = { oidc_issuer: 'https://id.example.com', oidc_subject: '7' }
    await expect(store.update('bob', same)).rejects.toThrow()
  })

  test('a recovery code opens once, for its owner only, even when it comes five times at once', async () => {
    const store = new UserStore(await open())
    await store.insert(user('ann'))
    await store.insert(user('bob'))
    await store.replaceRecoveryCodes('ann', ['one', 'two'])
    expect(await store.takeRecoveryCode('bob', 'one')).toBe(false)
    const uses = await Promise.all(Array.from({ length: 5 }, () => store.takeRecoveryCode('ann', 'one')))
    expect(uses.filter(Boolean)).toHaveLength(1)
    expect(await store.countRecoveryCodes('ann')).toBe(1)
  })

  test('new recovery codes replace all of before, also when they are made twice at once', async () => {
    const store = new UserStore(await open())
    await store.insert(user('ann'))
    await store.replaceRecoveryCodes('ann', ['old'])
    await Promise.all(['a', 'b', 'c'].map(set => store.replaceRecoveryCodes('ann', [`${set}1`, `${set}2`])))
    expect(await store.countRecoveryCodes('ann')).toBe(2)
    expect(await store.takeRecoveryCode('ann', 'old')).toBe(false)
    await store.replaceRecoveryCodes('ann', [])
    expect(await store.countRecoveryCodes('ann')).toBe(0)
  })
})
