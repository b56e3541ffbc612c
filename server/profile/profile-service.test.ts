/** People change their own ways in, with their password asked again; what could lock them out or let others in is refused. */
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { cheapHasher } from '../../test/support/passwords.ts'
import { SoftPasskey } from '../../test/support/soft-passkey.ts'
import type { SessionRow } from '../access/session-tables.ts'
import { SignInThrottle } from '../access/sign-in-throttle.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { anonymous, type Caller, everyScope } from '../platform/principal.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { PasskeyStore } from '../users/passkey-store.ts'
import { UserStore } from '../users/user-store.ts'
import type { UserRow } from '../users/user-tables.ts'
import { PasskeyService } from './passkey-service.ts'
import { ProfileService } from './profile-service.ts'
import { SecondFactorService } from './second-factor-service.ts'
import { TotpStore } from './totp-store.ts'

const origin = 'https://mail.example.com'
const password = 'a quiet place for letters'
const confirmation = { current_password: password }

async function setUp(db: Database, change: Partial<UserRow> = {}) {
  const { hub, facts } = await startHub(db)
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const now = () => clock.now
  const logger = createLogger('silent')
  const users = new UserStore(db)
  const hasher = cheapHasher()
  const passkeys = new PasskeyService({ store: new PasskeyStore(db), users, origin: () => origin, now, logger })
  const factors = new SecondFactorService({
    store: new TotpStore(db),
    users,
    secrets: new SecretBox(randomBytes(32)),
    now,
    logger,
  })
  const session = aSession(new Date(clock.now).toISOString())
  const ended: string[][] = []
  const changed: string[] = []
  const profile = new ProfileService({
    users,
    factors,
    passkeys,
    hasher,
    throttle: new SignInThrottle({ now }),
    sessions: {
      endAllOf: async (userId, _why, except) => void ended.push([userId, except ?? 'none']),
      find: async id => (id === session.id ? session : undefined),
    },
    hub,
    changed: async userId => void changed.push(userId),
    now,
    logger,
  })
  const user = aUser({ password_hash: await hasher.hash(password), ...change })
  await users.insert(user)
  return { profile, user, users, hasher, passkeys, facts, ended, changed, clock, db, caller: callerOf(user) }
}

function callerOf(user: UserRow, kind: 'session' | 'token' | 'api_key' = 'session'): Caller {
  const userId = kind === 'api_key' ? null : user.id
  const principal = { id: `${kind}-1`, name: user.name, kind, userId, scopes: everyScope, accounts: 'all' as const }
  return { principal, address: '192.0.2.1', userAgent: 'test' }
}

function aSession(created_at: string): SessionRow {
  const times = { created_at, last_seen_at: created_at, expires_at: '2027-01-01T00:00:00.000Z' }
  const from = { ip_address: '192.0.2.1', user_agent: 'test' }
  return { id: '1', token_hash: 'x', user_id: 'u', method: 'oidc', ...from, ...times }
}

async function addPasskey({ profile, caller }: Awaited<ReturnType<typeof setUp>>, given = confirmation) {
  const passkey = new SoftPasskey(origin)
  const { challenge_id, options } = await profile.beginPasskey(caller, given, origin)
  return profile.addPasskey(caller, { challenge_id, name: 'Telephone', response: passkey.create(options) })
}

async function addTotp({ profile, caller, clock }: Awaited<ReturnType<typeof setUp>>) {
  const { secret } = await profile.beginTotp(caller, confirmation)
  const code = TOTP.generate({ secret: new TOTP({ secret }).secret, timestamp: clock.now })
  return profile.confirmTotp(caller, code)
}

onEachDatabase(open => {
  test('a changed password ends the other sessions and links that would set another', async () => {
    const it = await setUp(await open())
    const { profile, caller, user, users, hasher, ended, facts } = it
    await users.insertLink({ token_hash: 'aa', user_id: user.id, expires_at: '2027-01-01T00:00:00.000Z' })
    await profile.changePassword(caller, { ...confirmation, new_password: 'letters sleep in quiet drawers' })
    const after = await users.find(user.id)
    expect(await hasher.verify('letters sleep in quiet drawers', after?.password_hash)).toBe(true)
    expect(await users.findLink('aa')).toBeUndefined()
    expect(ended).toEqual([[user.id, '1']])
    expect(facts()).toMatchObject([{ type: 'user_updated', data: { user_id: user.id, changed: ['password'] } }])
    expect(JSON.stringify(facts())).not.toContain('argon2')
  })

  test('an authenticator is there after a right code, with ten recovery codes, and gone when it is taken off', async () => {
    const it = await setUp(await open())
    const { profile, caller } = it
    expect(new Set(await addTotp(it)).size).toBe(10)
    expect(await profile.get(caller.principal)).toMatchObject({ has_totp: true, recovery_codes_left: 10 })
    await expect(profile.beginTotp(caller, confirmation)).rejects.toMatchObject({ code: 'totp_exists' })
    expect(await profile.renewRecoveryCodes(caller, confirmation)).toHaveLength(10)
    expect(await profile.get(caller.principal)).toMatchObject({ recovery_codes_left: 10 })
    await profile.removeTotp(caller, confirmation)
    expect(await profile.get(caller.principal)).toMatchObject({ has_totp: false, recovery_codes_left: 0 })
    await expect(profile.renewRecoveryCodes(caller, confirmation)).rejects.toMatchObject({ code: 'bad_request' })
  })

  test('a user without password and provider cannot remove the last passkey, not even two at the same moment', async () => {
    const it = await setUp(await open(), { password_hash: null })
    const { profile, caller } = it
    const [first, second] = [await addPasskey(it), await addPasskey(it)]
    const both = [first, second].map(({ id }) => profile.removePasskey(caller, id, {}))
    expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const { passkeys } = await profile.get(caller.principal)
    expect(passkeys).toHaveLength(1)
    await expect(profile.removePasskey(caller, passkeys[0]!.id, {})).rejects.toMatchObject({ code: 'last_way_in' })
    await profile.changePassword(caller, { new_password: 'letters sleep in quiet drawers' })
    const current_password = 'letters sleep in quiet drawers'
    await profile.removePasskey(caller, passkeys[0]!.id, { current_password })
    expect(await profile.get(caller.principal)).toMatchObject({ has_password: true, passkeys: [] })
  })
})

test('a provider is a way in as well: the last passkey may go', async () => {
  const link = { oidc_issuer: 'https://id.example.com', oidc_subject: '7' }
  const it = await setUp(await memoryDatabase(), { password_hash: null, ...link })
  const { id } = await addPasskey(it)
  await it.profile.removePasskey(it.caller, id, {})
  expect(await it.profile.get(it.caller.principal)).toMatchObject({ oidc: true, passkeys: [] })
})

test('a user cannot remove another’s passkey', async () => {
  const it = await setUp(await memoryDatabase())
  const { id } = await addPasskey(it)
  const other = aUser({ password_hash: it.user.password_hash })
  await it.users.insert(other)
  await expect(it.profile.removePasskey(callerOf(other), id, confirmation)).rejects.toMatchObject({
    code: 'passkey_not_found',
  })
  expect((await it.profile.get(it.caller.principal)).passkeys).toHaveLength(1)
})

test('the password is asked before anything that lets in or keeps out, and wrong ones are counted', async () => {
  const { profile, caller, user, users } = await setUp(await memoryDatabase())
  const wrong = { current_password: 'not the one' }
  // None at all is no guess.
  for (let count = 0; count < 10; count++) {
    await expect(profile.beginTotp(caller, {})).rejects.toMatchObject({ code: 'password_wrong' })
  }
  const attempts = [
    () => profile.changePassword(caller, { ...wrong, new_password: 'letters sleep in quiet drawers' }),
    () => profile.removeTotp(caller, wrong),
    () => profile.beginPasskey(caller, wrong, origin),
    () => profile.beginTotp(caller, wrong),
  ]
  for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'password_wrong' })
  // Even the right one has to wait now, here; from elsewhere it has not.
  await expect(profile.renewRecoveryCodes(caller, confirmation)).rejects.toMatchObject({ code: 'too_many_attempts' })
  await profile.beginTotp({ ...caller, address: '198.51.100.7' }, confirmation)
  expect(await users.find(user.id)).toMatchObject({ password_hash: user.password_hash })
})

test('a passkey is removed only with the password, or soon after the sign-in where there is none', async () => {
  const it = await setUp(await memoryDatabase())
  const { id } = await addPasskey(it)
  for (const given of [{}, { current_password: 'not the one' }]) {
    await expect(it.profile.removePasskey(it.caller, id, given)).rejects.toMatchObject({ code: 'password_wrong' })
  }
  await it.profile.removePasskey(it.caller, id, confirmation)
  const other = await setUp(await memoryDatabase(), { password_hash: null, oidc_subject: '7', oidc_issuer: 'x' })
  const passkey = await addPasskey(other)
  other.clock.now += 10 * 60_000
  const late = other.profile.removePasskey(other.caller, passkey.id, {})
  await expect(late).rejects.toMatchObject({ code: 'recent_sign_in_required' })
})

test('a password that is easy to guess is not taken', async () => {
  const { profile, caller, user, users, ended } = await setUp(await memoryDatabase(), { name: 'Bartholomew' })
  for (const new_password of ['password1234', 'Bartholomew12']) {
    const attempt = profile.changePassword(caller, { ...confirmation, new_password })
    await expect(attempt).rejects.toMatchObject({ code: 'password_too_common' })
  }
  expect(await users.find(user.id)).toMatchObject({ password_hash: user.password_hash })
  expect(ended).toEqual([])
})

test('a token or an API key changes nothing here, and does not even see it', async () => {
  const { profile, user } = await setUp(await memoryDatabase())
  for (const kind of ['token', 'api_key'] as const) {
    const caller = callerOf(user, kind)
    const attempts = [
      profile.get(caller.principal),
      profile.rename(caller, 'Ben'),
      profile.changePassword(caller, { ...confirmation, new_password: 'letters sleep in quiet drawers' }),
      profile.beginTotp(caller, confirmation),
      profile.confirmTotp(caller, '123456'),
      profile.removeTotp(caller, confirmation),
      profile.renewRecoveryCodes(caller, confirmation),
      profile.beginPasskey(caller, confirmation, origin),
      profile.addPasskey(caller, { challenge_id: 'a', name: 'Key', response: {} }),
      profile.removePasskey(caller, 'a', confirmation),
    ]
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'session_needed' })
  }
  await expect(profile.get(anonymous)).rejects.toMatchObject({ code: 'session_needed' })
})

test('a reset or a ban that comes while something is under way is not undone by it', async () => {
  const it = await setUp(await memoryDatabase())
  const { profile, caller, user, users } = it
  const passkey = new SoftPasskey(origin)
  const { challenge_id, options } = await profile.beginPasskey(caller, confirmation, origin)
  const underWay = profile.changePassword(caller, { ...confirmation, new_password: 'letters sleep in quiet drawers' })
  await users.update(user.id, { password_hash: null })
  await expect(underWay).rejects.toMatchObject({ code: 'unauthorized' })
  expect(await users.find(user.id)).toMatchObject({ password_hash: null })
  await users.update(user.id, { disabled: 1 })
  const adding = profile.addPasskey(caller, { challenge_id, name: 'Key', response: passkey.create(options) })
  await expect(adding).rejects.toMatchObject({ code: 'unauthorized' })
})

test('a new name is seen by open sessions and by user administrators', async () => {
  const { profile, caller, user, changed, facts } = await setUp(await memoryDatabase())
  expect(await profile.rename(caller, 'Anna Berg')).toMatchObject({ name: 'Anna Berg', has_password: true })
  expect(changed).toEqual([user.id])
  expect(facts()).toMatchObject([{ type: 'user_updated', data: { name: 'Anna Berg', changed: ['name'] } }])
})

test('a user without a password adds a way to sign in only shortly after a sign-in; one with a password need not be', async () => {
  const it = await setUp(await memoryDatabase(), { password_hash: null, oidc_issuer: 'https://id', oidc_subject: '7' })
  const { profile, caller, clock, users, user } = it
  clock.now += 10 * 60_000
  const tries = [
    () => profile.changePassword(caller, { new_password: 'letters sleep in quiet drawers' }),
    () => profile.beginTotp(caller, {}),
    () => profile.removeTotp(caller, {}),
    () => profile.renewRecoveryCodes(caller, {}),
    () => profile.beginPasskey(caller, {}, origin),
    // Nor does a password help if the user has none.
    () => profile.beginPasskey(caller, confirmation, origin),
  ]
  for (const attempt of tries) await expect(attempt()).rejects.toMatchObject({ code: 'recent_sign_in_required' })
  const stranger = { ...caller, principal: { ...caller.principal, id: 'session-2' } }
  clock.now -= 60_000
  await expect(profile.beginTotp(stranger, {})).rejects.toMatchObject({ code: 'recent_sign_in_required' })
  await addPasskey(it)
  await profile.changePassword(caller, { new_password: 'letters sleep in quiet drawers' })
  expect((await users.find(user.id))?.password_hash).toMatch(/^\$argon2id/)

  clock.now += 60 * 60_000
  const again = { current_password: 'letters sleep in quiet drawers' }
  expect(await profile.beginTotp(caller, again)).toMatchObject({ secret: expect.any(String) })
})
