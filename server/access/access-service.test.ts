/** Keys, tokens and cookies are told apart; the set-up link creates one administrator; sessions are private. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { WrongCredentials } from '../platform/http/wrong-credentials.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { Revocations } from '../users/revocations.ts'
import { UserStore } from '../users/user-store.ts'
import { AccessService } from './access-service.ts'
import { SessionService } from './session-service.ts'
import { SessionStore } from './session-store.ts'

const from = { address: '192.0.2.1', userAgent: 'Browser/1.0' }
const ann = { email: 'ann@example.com', name: 'Ann', password: 'a quiet place for letters' }
const tokenPrincipal: Principal = {
  id: 'token-1',
  name: 'Script',
  kind: 'token',
  userId: 'someone',
  scopes: new Set(['dashboard:read']),
  accounts: new Set(['a1']),
}

async function setUp(apiKey?: string) {
  const db = await memoryDatabase()
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const now = () => clock.now
  const logger = createLogger('silent')
  const people = new UserStore(db)
  const listener = { changed: () => undefined, revoked: () => undefined }
  const sessions = new SessionService({ store: new SessionStore(db), users: people, now, logger, listener })
  const asked: string[] = []
  const wrongKeys = new WrongCredentials({ perMinute: 20, now })
  const access = new AccessService({
    revocations: new Revocations({ listener: { revoked: () => undefined }, logger: createLogger('silent') }),
    wrongKeys,
    sessions,
    tokens: {
      authenticate: (token, address) => {
        asked.push(`${token} from ${address}`)
        return token === 'rm_right' ? tokenPrincipal : undefined
      },
    },
    apiKey,
    // Behaves like the user service: only the first user, and only with an acceptable password.
    users: {
      createAdministrator: async ({ email, name, password, onlyIfNone }) => {
        if (password === 'password1234') throw new Problem('password_too_common', 'Take another.')
        if (onlyIfNone && (await people.list()).length > 0) throw new Problem('setup_done', 'There is one.')
        const user = aUser({ email, name, role: 'administrator', accounts: '"all"', password_hash: password })
        await people.insert(user)
        return user
      },
    },
    people,
    describeServer: () => ({ version: '1.0.0', demo: false, sandbox_running: false }),
    lastEventId: () => 'log-7',
    now,
    logger,
  })
  const signIn = async (change: Parameters<typeof aUser>[0]) => {
    const user = aUser(change)
    await people.insert(user)
    return (await sessions.open(user, 'password', from)).principal
  }
  return { access, sessions, people, clock, asked, signIn, wrongKeys }
}

const credentials = (given: { token?: string; sessionCookie?: string }) => ({
  token: undefined,
  sessionCookie: undefined,
  address: from.address,
  ...given,
})

test('the set-up link makes an administrator, signs them in, and works once', async () => {
  const { access, people } = await setUp()
  const setup_token = access.createSetupToken()
  const { cookie, principal } = await access.setUp({ setup_token, ...ann }, from)
  expect(await access.authenticate(credentials({ sessionCookie: cookie }))).toEqual(principal)
  expect(principal).toMatchObject({ kind: 'session', name: 'Ann', scopes: everyScope, accounts: 'all' })
  const again = access.setUp({ setup_token, ...ann, email: 'eve@example.com' }, from)
  await expect(again).rejects.toMatchObject({ code: 'setup_token_invalid' })
  expect((await people.list()).map(user => user.email)).toEqual(['ann@example.com'])
})

test('of two that use the link at the same moment one becomes administrator', async () => {
  const { access, people } = await setUp()
  const setup_token = access.createSetupToken()
  const outcomes = await Promise.allSettled(
    ['ann@example.com', 'eve@example.com'].map(email => access.setUp({ setup_token, ...ann, email }, from)),
  )
  expect(outcomes.map(outcome => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await people.list()).toHaveLength(1)
})

test('a password that is refused does not use up the link', async () => {
  const { access } = await setUp()
  const setup_token = access.createSetupToken()
  const common = access.setUp({ setup_token, ...ann, password: 'password1234' }, from)
  await expect(common).rejects.toMatchObject({ code: 'password_too_common' })
  expect(await access.setUp({ setup_token, ...ann }, from)).toHaveProperty('cookie')
})

test('a set-up link is worth nothing after half an hour, after a newer one, or when there is an administrator', async () => {
  const { access, clock, people } = await setUp()
  const late = access.createSetupToken()
  clock.now += 31 * 60_000
  await expect(access.setUp({ setup_token: late, ...ann }, from)).rejects.toMatchObject({ code: 'setup_token_invalid' })
  const replaced = access.createSetupToken()
  const newest = access.createSetupToken()
  await expect(access.setUp({ setup_token: replaced, ...ann }, from)).rejects.toMatchObject({
    code: 'setup_token_invalid',
  })
  await people.insert(aUser({ role: 'administrator' }))
  await expect(access.setUp({ setup_token: newest, ...ann }, from)).rejects.toMatchObject({ code: 'setup_done' })
})

test('the API key of the environment is an administrator; every other token is looked up, with where it comes from', async () => {
  const { access, asked } = await setUp('a-key-of-the-environment')
  const key = await access.authenticate(credentials({ token: 'a-key-of-the-environment' }))
  expect(key).toMatchObject({ kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' })
  expect(asked).toEqual([])
  expect(await access.authenticate(credentials({ token: 'rm_right', sessionCookie: 'x' }))).toBe(tokenPrincipal)
  expect(await access.authenticate(credentials({ token: 'a-key-of-the-environmenT' }))).toBeUndefined()
  expect(asked).toEqual(['rm_right from 192.0.2.1', 'a-key-of-the-environmenT from 192.0.2.1'])
  const { access: without } = await setUp()
  expect(await without.authenticate(credentials({ token: '' }))).toBeUndefined()
  expect(await without.authenticate(credentials({}))).toBeUndefined()
})

test('one sees who one is: a person with email and role, a key without', async () => {
  const { access, signIn } = await setUp('a-key-of-the-environment')
  const bob = await signIn({ email: 'bob@example.com', name: 'Bob', role: 'operator', accounts: '["a1","a2"]' })
  expect((await access.view(bob)).principal).toEqual({
    id: bob.id,
    name: 'Bob',
    kind: 'session',
    scopes: ['dashboard:read', 'dashboard:operate', 'mail:meta', 'mail:read'],
    accounts: ['a1', 'a2'],
    user_id: bob.userId,
    email: 'bob@example.com',
    role: 'operator',
  })
  const key = (await access.authenticate(credentials({ token: 'a-key-of-the-environment' })))!
  expect((await access.view(key)).principal).toMatchObject({
    kind: 'api_key',
    email: null,
    role: null,
    accounts: 'all',
  })
})

test('people see and end their own sessions, administrators everybody’s, and tokens none of their owner', async () => {
  const { access, sessions, signIn } = await setUp()
  const admin = await signIn({ role: 'administrator', accounts: '"all"' })
  const bob = await signIn({ name: 'Bob' })
  const eve = await signIn({ name: 'Eve' })
  const idOf = (principal: Principal) => principal.id.slice('session-'.length)

  expect(await access.listSessions(bob)).toMatchObject([
    { user_name: 'Bob', is_current: true, ip_address: '192.0.2.1' },
  ])
  expect(await access.listSessions(admin)).toHaveLength(3)
  expect(await access.listSessions(admin, eve.userId!)).toMatchObject([{ user_name: 'Eve', is_current: false }])
  expect(JSON.stringify(await access.listSessions(admin))).not.toMatch(/hash/)
  const forbidden = { code: 'forbidden', extension: { missing_scope: 'dashboard:admin' } }
  await expect(access.listSessions(bob, eve.userId!)).rejects.toMatchObject(forbidden)
  const token = { ...tokenPrincipal, userId: bob.userId }
  await expect(access.listSessions(token)).rejects.toMatchObject({ code: 'session_needed' })

  for (const stranger of [bob, token, { ...token, scopes: everyScope }]) {
    await expect(access.endSession(stranger, idOf(admin))).rejects.toMatchObject({ code: 'session_not_found' })
  }
  await expect(access.endSession(token, idOf(bob))).rejects.toMatchObject({ code: 'session_not_found' })
  await expect(access.endAllSessions(token)).rejects.toMatchObject({ code: 'session_needed' })
  await expect(access.closeSession(token)).rejects.toMatchObject({ code: 'bad_request' })
  expect(await access.endSession(admin, idOf(eve))).toBe(false)
  expect(await access.endSession(bob, idOf(bob))).toBe(true)
  await access.endAllSessions(admin)
  expect(await sessions.list()).toEqual([])
})

test.each([
  ['made up by a person', 'seven quiet lamps by the river', false],
  ['made by a generator', '7Zq1vT0xKc9mWf3LsB8hRdY2uJpE6nAgIo5CtXwVbMk=', true],
])('where many wrong keys came from, one %s is looked at: %s', async (_name, key, isLookedAt) => {
  const { access, wrongKeys, clock } = await setUp(key)
  const ask = (address: string) => access.authenticate({ ...credentials({ token: key }), address })
  expect(ask('192.0.2.1')).toMatchObject({ kind: 'api_key' })
  for (const address of ['192.0.2.1', '192.0.2.2']) for (let count = 0; count < 20; count++) wrongKeys.note(address)
  // The key was accepted from that address before.
  expect(ask('192.0.2.1')).toMatchObject({ kind: 'api_key' })
  expect(ask('192.0.2.2') !== undefined).toBe(isLookedAt)
  expect(access.authenticate({ ...credentials({ token: 'rm_right' }), address: '192.0.2.2' })).toBe(tokenPrincipal)
  clock.now += 3_000
  expect(ask('192.0.2.2')).toMatchObject({ kind: 'api_key' })
})
