/** Refreshes that meet another process, or another sign-in, at the worst moments. */
import { expect, test, vi } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { grantWorld } from '../../test/support/grant-world.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { patience } from '../../test/support/patience.ts'
import { OAuthFault } from './oauth-server.ts'

const hour = 3_600_000
const imap = { grantId: 'a', part: 'imap', host: 'imap.gmail.com' } as const

test('what another process refreshed just before the lock is used, and the lock given back', async () => {
  const { clock, provider, store, keeper, process, grant } = await grantWorld(await memoryDatabase())
  await grant('a')
  clock.at += hour
  const lock = store.lock.bind(store)
  vi.spyOn(store, 'lock').mockImplementationOnce(async (...args) => {
    await process().accessToken(imap)
    return lock(...args)
  })
  expect(await keeper.accessToken(imap)).toBe('access-a-2')
  expect(provider.requests.length).toBe(1)
  expect(await store.find('a')).toMatchObject({ locked_by: null, locked_until: null })
})

test('access that another process lost just before the lock is not refreshed, and the lock given back', async () => {
  const { clock, provider, store, keeper, process, grant } = await grantWorld(await memoryDatabase())
  await grant('a')
  clock.at += hour
  provider.fault = new OAuthFault('revoked', new Error('invalid_grant'), [])
  const lock = store.lock.bind(store)
  vi.spyOn(store, 'lock').mockImplementationOnce(async (...args) => {
    await process()
      .accessToken(imap)
      .catch(() => undefined)
    return lock(...args)
  })
  await expect(keeper.accessToken(imap)).rejects.toMatchObject({ code: 'mail_login_refused' })
  expect(provider.requests.length).toBe(1)
  expect(await store.find('a')).toMatchObject({ state: 'revoked', locked_by: null })
})

test('after a new sign-in during a refresh, its token is used, and what the old one became is dropped', async () => {
  const db = await memoryDatabase()
  const { clock, provider, store, keeper, grant } = await grantWorld(db)
  await grant('a')
  clock.at += hour
  const held = Promise.withResolvers<void>()
  provider.hold = () => held.promise
  const asked = keeper.accessToken(imap)
  await expect.poll(() => provider.requests.length, { timeout: patience }).toBe(1)
  const renewed = keeper.newRow(
    { ...provider.issue('other'), accessToken: 'access-of-the-sign-in' },
    (await store.find('a'))!,
  )
  await store.replace(db, renewed)
  held.resolve()
  expect(await asked).toBe('access-of-the-sign-in')
  expect(await keeper.accessToken(imap)).toBe('access-of-the-sign-in')
})

test('a revocation that fails is tried three times, later and later, and not after a stop', async () => {
  const db = await memoryDatabase()
  const { clock, provider, keeper, grant, settle } = await grantWorld(db)
  const revoke = vi.spyOn(provider.server, 'revoke').mockRejectedValue(new Error('the provider said no'))
  const release = async (name: string) => {
    await grant(name)
    const revocation = await db.transaction().execute(transaction => keeper.release(transaction, name))
    revocation()
    await expect.poll(() => revoke.mock.calls.length, { timeout: patience }).toBeGreaterThan(0)
  }
  await release('a')
  await clock.pass(4_999, settle)
  expect(revoke).toHaveBeenCalledTimes(1)
  await clock.pass(1, settle)
  expect(revoke).toHaveBeenCalledTimes(2)
  await clock.pass(hour, settle)
  expect(revoke).toHaveBeenCalledTimes(3)
  revoke.mockClear()
  await release('b')
  // The clock stands still.
  await keeper.stop()
  expect(revoke).toHaveBeenCalledTimes(1)
})

test('a grant is used by the one who obtained it, for one account', async () => {
  const db = await memoryDatabase()
  const { provider, keeper, store, connect } = await grantWorld(db)
  const about = { id: 'a', provider: 'google', account_id: null, made_by: 'token-1', granted_by: 'Ann' }
  await store.insert(keeper.newRow(provider.issue('a'), { ...about, use_for: 'send' }))
  for (const id of ['one', 'two']) await connect(id)
  const isNone = { code: 'oauth_grant_not_found' }
  expect(await keeper.providerOf(principalOf('token-1'), 'a')).toBe('google')
  await expect(keeper.providerOf(principalOf('token-2'), 'a')).rejects.toMatchObject(isNone)
  await expect(keeper.providerOf(principalOf('token-1'), 'b')).rejects.toMatchObject(isNone)
  const bind = (id: string) => db.transaction().execute(transaction => keeper.bind(transaction, 'a', id))
  await bind('one')
  await expect(bind('two')).rejects.toMatchObject(isNone)
  expect(await store.find('a')).toMatchObject({ account_id: 'one' })
  // It belongs to the account from now on.
  await expect(keeper.providerOf(principalOf('token-1'), 'a')).rejects.toMatchObject(isNone)
})
