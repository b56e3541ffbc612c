/** Creations are recorded with their maker, bounded, and an ended maker creates no more. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { madeUsersOn } from '../../test/support/made-users.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { TokenStore } from '../tokens/token-store.ts'
import { PasskeyStore } from './passkey-store.ts'
import { maxActionsOfUser, UserActionStore } from './user-action-store.ts'
import { UserService } from './user-service.ts'
import { UserStore } from './user-store.ts'

async function setUp(db: Database) {
  const { hub } = await startHub(db)
  const store = new UserStore(db)
  const made = madeUsersOn(db)
  const users = new UserService({
    store,
    passkeys: new PasskeyStore(db),
    made,
    hub,
    hasher: { hash: async () => 'a hash' },
    now: Date.now,
    logger: createLogger('silent'),
    baseUrl: () => 'https://mail.example.com',
    accountIds: async () => new Set(),
    ended: async () => undefined,
    changed: async () => undefined,
    openSessions: async () => [],
  })
  await store.insert(aUser({ id: 'boss', role: 'administrator', accounts: '"all"', password_hash: 'x' }))
  await store.insert(aUser({ id: 'chief', role: 'administrator', accounts: '"all"', password_hash: 'x' }))
  await store.insert(aUser({ id: 'ann', password_hash: 'x' }))
  const none = { expires_at: null, last_used_at: null, last_used_address: null, oauth_client: null }
  const row = { id: '1', token_hash: '1', prefix: 'rm_', user_id: 'boss', name: 'Bot', created_at: '', ...none }
  await new TokenStore(db).insert({ ...row, scopes: '[]', accounts: '[]', allowed_addresses: '[]' }, db)
  return { db, store, made, users }
}

const session: Principal = {
  id: 'session-7',
  name: 'Boss',
  kind: 'session',
  userId: 'boss',
  scopes: everyScope,
  accounts: 'all',
}
const token: Principal = { ...session, id: 'token-1', kind: 'token' }
const raised = { role: 'administrator', disabled: false } as const
const invitation = { email: 'mole@example.com', name: 'Mole', role: 'viewer', accounts: [] } as const
const endings: Record<string, [Principal, (scene: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>]> = {
  'a token that was revoked': [token, ({ db }) => new TokenStore(db).delete('1', db)],
  'a token whose owner was disabled': [token, ({ store }) => store.update('boss', { disabled: 1 })],
  'a person who was disabled': [session, ({ store }) => store.update('boss', { disabled: 1 })],
  'a person who was deleted': [session, ({ store }) => store.delete('boss')],
  'a token whose owner was demoted': [token, ({ store }) => store.update('boss', { role: 'operator' })],
  'a person who was demoted': [session, ({ store }) => store.update('boss', { role: 'operator' })],
}

onEachDatabase(open => {
  test('a person who was disabled or demoted meanwhile deletes nobody', async () => {
    const { users, store } = await setUp(await open())
    await store.update('boss', { role: 'operator' })
    await expect(users.delete(session, 'ann')).rejects.toMatchObject({ code: 'forbidden' })
    await store.update('boss', { role: 'administrator', disabled: 1 })
    await expect(users.delete(session, 'ann')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(await store.find('ann')).toMatchObject({ disabled: 0 })
  })

  test('what a provider changes by its groups is recorded as a deed of no user', async () => {
    const { db, users } = await setUp(await open())
    const provider = { ...session, id: 'oidc', kind: 'api_key', userId: null } as const
    await users.change(provider, 'ann', { role: 'administrator' }, 'provider')
    expect(await db.selectFrom('made_users').selectAll().execute()).toEqual([])
    await users.change(session, 'ann', { role: 'viewer' })
    await users.change(session, 'ann', { role: 'administrator' })
    expect(await db.selectFrom('made_users').select(['maker', 'deed']).execute()).toEqual([
      { maker: 'user-boss', deed: 'raised' },
    ])
  })

  test.each(Object.entries(endings))(
    '%s while its request was under way invites, resets and raises nobody',
    async (name, [principal, end]) => {
      const scene = await setUp(await open())
      const { users, store } = scene
      await store.update('ann', { disabled: 1, disabled_by: 'administrator' })
      await end(scene)
      const before = await store.list()
      const isDemoted = name.endsWith('demoted')
      const late = await Promise.allSettled([
        users.invite(principal, { ...invitation, accounts: [] }),
        users.reset(principal, 'ann'),
        users.change(principal, 'ann', { role: 'operator' }),
        users.change(principal, 'ann', { disabled: false }),
        // What was taken from them they do not take back.
        ...(isDemoted ? [users.change(principal, 'boss', raised)] : []),
      ])
      const code = isDemoted ? 'forbidden' : 'unauthorized'
      expect(late.map(result => result.status === 'rejected' && result.reason.code)).toEqual(late.map(() => code))
      expect(await store.list()).toEqual(before)
    },
  )

  test('a deed is noted for the token or person that did it, the same one once', async () => {
    const { users, made } = await setUp(await open())
    await users.change(token, 'ann', { name: 'Anna' })
    expect(await made.list({ tokenId: '1' })).toEqual([])
    await users.change(token, 'ann', { role: 'operator' })
    await users.change(token, 'ann', { role: 'viewer' })
    await users.change(token, 'ann', { role: 'operator' })
    await users.reset(session, 'ann')
    expect(await made.list({ tokenId: '1' })).toMatchObject([{ user_id: 'ann', deeds: ['raised'] }])
    expect((await made.list({ userId: 'boss' })).map(({ deeds }) => deeds.sort())).toEqual([['raised', 'reset']])
    await users.delete({ ...session, userId: 'chief' }, 'ann')
    expect(await made.list({ userId: 'boss' })).toEqual([])
  })

  test('what was done by those whose link the maker held counts too, from then on', async () => {
    const { db, store, made, users } = await setUp(await open())
    for (const id of ['mole', 'trudy', 'victim', 'friend']) await store.insert(aUser({ id, password_hash: 'x' }))
    const note = (maker: string, by: string, deed: string, user_id: string, second: number) =>
      db.transaction().execute(transaction => {
        const at = new Date(second * 1000).toISOString()
        return new UserActionStore(db).note({ maker, maker_user_id: by, deed, user_id, at }, transaction)
      })
    await note('user-mole', 'mole', 'invited', 'friend', 1)
    await note('token-1', 'boss', 'invited', 'mole', 2)
    await note('user-mole', 'mole', 'reset', 'trudy', 3)
    await note('user-trudy', 'trudy', 'raised', 'victim', 4)
    await note('user-victim', 'victim', 'reset', 'chief', 5)
    // They go round in a circle.
    await note('user-trudy', 'trudy', 'reset', 'mole', 6)
    const expected = [
      { user_id: 'mole', deeds: ['invited', 'reset'] },
      { user_id: 'trudy', deeds: ['reset'] },
      { user_id: 'victim', deeds: ['raised'] },
    ]
    expect(await made.list({ tokenId: '1' })).toMatchObject(expected)
    expect((await made.list({ userId: 'mole' })).map(({ user_id }) => user_id)).toEqual(['friend', 'trudy', 'victim'])
    await users.delete({ ...session, userId: 'chief' }, 'boss', true)
    const disabled = (await store.list()).filter(user => user.disabled).map(({ id }) => id)
    expect(disabled.sort()).toEqual(['mole', 'trudy', 'victim'])
  })

  test('of one user the latest deeds are kept', async () => {
    const { db } = await setUp(await open())
    const store = new UserActionStore(db)
    for (let count = 0; count < maxActionsOfUser + 5; count++) {
      const at = new Date(count).toISOString()
      const row = { maker: `token-${count}`, maker_user_id: 'boss', deed: 'raised', user_id: 'ann', at }
      await db.transaction().execute(transaction => store.note(row, transaction))
    }
    const kept = (await store.listBy({ userId: 'boss' })).map(({ maker }) => maker)
    expect(kept).toEqual(Array.from({ length: maxActionsOfUser }, (_, index) => `token-${index + 5}`))
  })
})
