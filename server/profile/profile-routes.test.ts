/** The profile and passkeys over HTTP: a passkey opens a session with which one can change one's own ways in. */
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { afterEach, expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { cheapHasher } from '../../test/support/passwords.ts'
import { SoftPasskey } from '../../test/support/soft-passkey.ts'
import { SessionService } from '../access/session-service.ts'
import { SessionStore } from '../access/session-store.ts'
import { SignInThrottle } from '../access/sign-in-throttle.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { PasskeyStore } from '../users/passkey-store.ts'
import { UserStore } from '../users/user-store.ts'
import { PasskeyService } from './passkey-service.ts'
import { profileRoutes } from './profile-routes.ts'
import { ProfileService } from './profile-service.ts'
import { SecondFactorService } from './second-factor-service.ts'
import { TotpStore } from './totp-store.ts'

const origin = 'http://localhost:8080'
let http: HttpServer | undefined
afterEach(() => http?.fastify.close())

async function serve() {
  const { hub, db } = await startHub()
  const shared = { now: Date.now, logger: createLogger('silent') }
  const users = new UserStore(db)
  const listener = { changed: () => undefined, revoked: () => undefined }
  const sessions = new SessionService({ ...shared, store: new SessionStore(db), users, listener })
  const passkeys = new PasskeyService({ ...shared, store: new PasskeyStore(db), users, origin: () => origin })
  const secrets = new SecretBox(randomBytes(32))
  const factors = new SecondFactorService({ ...shared, store: new TotpStore(db), users, secrets })
  const [hasher, throttle] = [cheapHasher(), new SignInThrottle(shared)]
  const changed = (userId: string) => sessions.userChanged(userId)
  const profile = new ProfileService({ ...shared, users, factors, passkeys, hasher, throttle, sessions, hub, changed })
  const server = createHttpServer({
    logger: shared.logger,
    authenticate: ({ sessionCookie }) => (sessionCookie ? sessions.authenticate(sessionCookie) : undefined),
    observe: () => undefined,
    origins: { publicUrl: origin, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  http = server
  const view = async ({ id, name, userId }: { id: string; name: string; userId: string | null }) => ({
    principal: {
      id,
      name,
      kind: 'session' as const,
      scopes: [],
      accounts: [],
      user_id: userId,
      email: null,
      role: null,
    },
    server: { version: '1', demo: false, sandbox_running: false },
    last_event_id: null,
  })
  profileRoutes(server, { profile, passkeys, sessions, access: { view } })
  const user = aUser()
  await users.insert(user)
  const { cookie } = await sessions.open(user, 'link', { address: '192.0.2.1', userAgent: 'test' })
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    session = cookie,
  ) => {
    const answer = await server.fastify.inject({
      method,
      url: `/api/dashboard/${path}`,
      headers: { origin, ...(session ? { cookie: `rustymail_session=${session}` } : {}) },
      ...(body ? { payload: body } : {}),
    })
    return { status: answer.statusCode, body: answer.body ? answer.json() : undefined, cookies: answer.cookies }
  }
  return { send, user }
}

test('a passkey is added, opens a session of its own without a user name, and is removed', async () => {
  const { send, user } = await serve()
  const passkey = new SoftPasskey(origin)
  const begun = await send('POST', 'profile/passkeys/challenge', {})
  const { challenge_id, options } = begun.body
  const added = await send('POST', 'profile/passkeys', { challenge_id, name: 'Key', response: passkey.create(options) })
  expect([begun.status, added.status, added.body.id]).toEqual([201, 201, passkey.id])

  const asked = await send('POST', 'session/passkey/challenge', undefined, '')
  const response = passkey.get(asked.body.options)
  const signedIn = await send('POST', 'session/passkey', { challenge_id: asked.body.challenge_id, response }, '')
  expect(signedIn).toMatchObject({ status: 201, body: { principal: { user_id: user.id } } })
  const [cookie] = signedIn.cookies
  expect(cookie).toMatchObject({ name: 'rustymail_session', httpOnly: true, sameSite: 'Lax' })

  const seen = await send('GET', 'profile', undefined, cookie!.value)
  expect(seen.body).toMatchObject({ user_id: user.id, passkeys: [{ id: passkey.id, name: 'Key' }] })
  expect(await send('POST', `profile/passkeys/${passkey.id}/remove`, {})).toMatchObject({
    status: 409,
    body: { code: 'last_way_in' },
  })
  expect((await send('PUT', 'profile/password', { new_password: 'letters sleep in quiet drawers' })).status).toBe(204)
  expect(
    (
      await send('POST', `profile/passkeys/${passkey.id}/remove`, {
        current_password: 'letters sleep in quiet drawers',
      })
    ).status,
  ).toBe(204)
  expect((await send('GET', 'profile', undefined, cookie!.value)).status).toBe(401)
})

test('an anonymous caller gets nothing, and no session by guessing', async () => {
  const { send } = await serve()
  expect((await send('GET', 'profile', undefined, '')).status).toBe(401)
  const { challenge_id, options } = (await send('POST', 'session/passkey/challenge', undefined, '')).body
  const response = new SoftPasskey(origin).get(options)
  const refused = await send('POST', 'session/passkey', { challenge_id, response }, '')
  expect(refused).toMatchObject({ status: 401, body: { code: 'sign_in_failed' }, cookies: [] })
})

test('an authenticator is set up with its code, and what is no code is told as such', async () => {
  const { send } = await serve()
  const { secret, qr_svg } = (await send('POST', 'profile/totp', {})).body
  expect(qr_svg).toContain('<svg')
  const confirm = (code: string) => send('POST', 'profile/totp/confirm', { code })
  // Digits of another script are as many characters, but more bytes.
  expect(await confirm('００５９２４')).toMatchObject({ status: 403, body: { code: 'code_wrong' } })
  const { status, body } = await confirm(new TOTP({ secret }).generate())
  expect([status, body.recovery_codes.length]).toEqual([200, 10])
  expect((await send('POST', 'profile/totp/remove', {})).status).toBe(204)
  expect((await send('PATCH', 'profile', { name: 'Anna Berg' })).body).toMatchObject({
    name: 'Anna Berg',
    has_totp: false,
  })
})
