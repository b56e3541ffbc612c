/** Signing in and out as a browser does it: the cookie is kept from scripts, and other pages cannot sign anybody in. */
import { expect, onTestFinished, test } from 'vitest'
import { accessApi } from '../../contract/access.ts'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { cheapHasher } from '../../test/support/passwords.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { WrongCredentials } from '../platform/http/wrong-credentials.ts'
import { createLogger } from '../platform/logger.ts'
import { Revocations } from '../users/revocations.ts'
import { UserStore } from '../users/user-store.ts'
import type { UserRow } from '../users/user-tables.ts'
import { accessRoutes } from './access-routes.ts'
import { AccessService } from './access-service.ts'
import { SessionService } from './session-service.ts'
import { SessionStore } from './session-store.ts'
import { SignInService } from './sign-in-service.ts'
import { SignInThrottle } from './sign-in-throttle.ts'

const password = 'a quiet place for letters'
const email = 'ann@example.com'

async function door({ isHttps = false, user = {} }: { isHttps?: boolean; user?: Partial<UserRow> } = {}) {
  const db = await memoryDatabase()
  const logger = createLogger('silent')
  const people = new UserStore(db)
  const hasher = cheapHasher()
  const listener = { changed: () => undefined, revoked: () => undefined }
  const sessions = new SessionService({ store: new SessionStore(db), users: people, now: Date.now, logger, listener })
  const access = new AccessService({
    revocations: new Revocations({ listener: { revoked: () => undefined }, logger: createLogger('silent') }),
    wrongKeys: new WrongCredentials({ perMinute: 20, now: Date.now }),
    sessions,
    tokens: { authenticate: () => undefined },
    apiKey: undefined,
    users: { createAdministrator: () => Promise.reject(new Error('nobody sets up here')) },
    people,
    describeServer: () => ({ version: '1.0.0', demo: false, sandbox_running: false }),
    lastEventId: () => 'log-7',
    now: Date.now,
    logger,
  })
  const signIn = new SignInService({
    users: people,
    sessions,
    hasher,
    throttle: new SignInThrottle({ now: Date.now }),
    factors: { isNeeded: row => row.totp_sealed !== null, verify: async (_user, code) => code === '123456' },
    now: Date.now,
    logger,
  })
  const outcomes: RequestOutcome[] = []
  const http = createHttpServer({
    logger,
    authenticate: credentials => access.authenticate(credentials),
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps },
    trustedProxies: [],
  })
  const describeSignIn = (host: string | undefined, sessionCookie: string | undefined) => ({
    setup_needed: false,
    passkeys: host !== undefined,
    oidc: null,
    session_end: sessions.whyEnded(sessionCookie),
  })
  accessRoutes(http, { access, signIn, sessions, describeSignIn })
  const base = await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  const ann = aUser({ email, password_hash: await hasher.hash(password), ...user })
  await people.insert(ann)
  const send = (endpoint: { method: string; path: string }, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(base + endpoint.path, {
      method: endpoint.method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return { base, send, ann, outcomes, people }
}

const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0]!.split(';')[0]!

test('the cookie of a session is not for scripts, not for other sites, and with HTTPS for this host alone', async () => {
  const plain = await door()
  const [cookie] = (
    await plain.send(accessApi.openSession, { email: ' Ann@Example.com ', password })
  ).headers.getSetCookie()
  expect(cookie).toMatch(/^rustymail_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
  const secure = await door({ isHttps: true })
  const [bound] = (await secure.send(accessApi.openSession, { email, password })).headers.getSetCookie()
  expect(bound).toMatch(
    /^__Host-rustymail_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
})

test('one signs in, is known, and signs out; the trail knows who it was from the sign-in on', async () => {
  const { send, base, ann, outcomes } = await door()
  expect(await (await send(accessApi.getSignInState)).json()).toMatchObject({ setup_needed: false, passkeys: true })
  const opened = await send(accessApi.openSession, { email, password })
  expect(opened.status).toBe(201)
  expect(await opened.json()).toMatchObject({ status: 'signed_in', session: { principal: { email, role: 'viewer' } } })
  await expect.poll(() => outcomes.at(-1)).toMatchObject({ caller: { principal: { userId: ann.id } } })
  const own = { cookie: cookieOf(opened), origin: base }
  expect(await (await send(accessApi.getSession, undefined, own)).json()).toMatchObject({
    principal: { user_id: ann.id },
  })
  const { items } = (await (await send(accessApi.listSessions, undefined, own)).json()) as { items: unknown[] }
  expect(items).toMatchObject([{ is_current: true, method: 'password' }])
  const closed = await send(accessApi.closeSession, undefined, own)
  expect([closed.status, closed.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining('Max-Age=0')])
  expect((await send(accessApi.getSession, undefined, own)).status).toBe(401)
})

test('signing out everywhere, or ending the session one is in, takes the cookie away', async () => {
  const { send, base } = await door()
  const enter = async () => ({ cookie: cookieOf(await send(accessApi.openSession, { email, password })), origin: base })
  const [one, two] = [await enter(), await enter()]
  const { items } = (await (await send(accessApi.listSessions, undefined, one)).json()) as {
    items: { id: string; is_current: boolean }[]
  }
  const { id } = items.find(session => session.is_current)!
  const ended = await send({ method: 'DELETE', path: `${accessApi.listSessions.path}/${id}` }, undefined, one)
  expect([ended.status, ended.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining('Max-Age=0')])
  expect((await send(accessApi.endAllSessions, undefined, two)).status).toBe(204)
  for (const gone of [one, two]) expect((await send(accessApi.getSession, undefined, gone)).status).toBe(401)
})

test('with a second factor no cookie comes before its code', async () => {
  const { send, ann, outcomes } = await door({ user: { totp_sealed: 'sealed' } })
  const first = await send(accessApi.openSession, { email, password })
  const answer = (await first.json()) as { status: string; challenge: string }
  expect([first.status, answer.status, first.headers.getSetCookie()]).toEqual([201, 'second_factor', []])
  // No one has signed in yet, and the trail records whose sign-in was attempted.
  await expect.poll(() => outcomes.at(-1)).toMatchObject({ code: 'second_factor', refs: { user_id: ann.id } })
  const wrong = await send(accessApi.giveSecondFactor, { challenge: answer.challenge, code: '000000' })
  expect([wrong.status, wrong.headers.getSetCookie()]).toEqual([401, []])
  const right = await send(accessApi.giveSecondFactor, { challenge: answer.challenge, code: '123456' })
  expect([right.status, right.headers.getSetCookie().length]).toEqual([201, 1])
})

test('a rejected sign-in gets no cookie, and the trail records whose account was tried', async () => {
  const { send, ann, outcomes } = await door()
  const wrong = await send(accessApi.openSession, { email, password: 'wrong' })
  expect([wrong.status, wrong.headers.getSetCookie()]).toEqual([401, []])
  await expect.poll(() => outcomes.at(-1)).toMatchObject({ code: 'sign_in_failed', refs: { user_id: ann.id } })
  for (let count = 0; count < 4; count++) await send(accessApi.openSession, { email, password: 'wrong' })
  const slowed = await send(accessApi.openSession, { email, password })
  expect([slowed.status, Number(slowed.headers.get('retry-after'))]).toEqual([
    429,
    expect.toSatisfy(value => value > 0),
  ])
})

test('a foreign page cannot sign a browser in as somebody else', async () => {
  const { send, base } = await door()
  const foreign = await send(accessApi.openSession, { email, password }, { origin: 'https://elsewhere.example' })
  expect([foreign.status, foreign.headers.getSetCookie()]).toEqual([403, []])
  expect((await send(accessApi.openSession, { email, password }, { origin: base })).status).toBe(201)
})

test('a sign-in ends the session that the browser had of another user, but not one of the same user', async () => {
  const { send, base, ann, outcomes, people } = await door()
  const bob = aUser({ id: 'b0b', email: 'bob@example.com', password_hash: ann.password_hash })
  await people.insert(bob)
  const enter = async (as: string, before?: string) => {
    const headers = before === undefined ? {} : { cookie: before, origin: base }
    return cookieOf(await send(accessApi.openSession, { email: as, password }, headers))
  }
  const status = async (cookie: string) =>
    (await send(accessApi.getSession, undefined, { cookie, origin: base })).status
  const [first, elsewhere] = [await enter(email), await enter(email)]
  const again = await enter(email, first)
  expect(await Promise.all([first, again, elsewhere].map(status))).toEqual([200, 200, 200])
  const bobs = await enter(bob.email, again)
  expect(await Promise.all([first, again, elsewhere, bobs].map(status))).toEqual([200, 401, 200, 200])
  await expect.poll(() => outcomes.filter(({ refs }) => refs?.ended_session_id)).toHaveLength(1)
  // A wrong password ends nothing.
  const wrong = { email, password: 'not the password at all' }
  await send(accessApi.openSession, wrong, { cookie: bobs, origin: base })
  expect(await status(bobs)).toBe(200)
})
