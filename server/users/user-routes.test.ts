/**
 * Users over HTTP: an administrator invites, the person signs up by the link, and revoked rights are gone immediately.
 */
import { expect, onTestFinished, test } from 'vitest'
import { usersApi } from '../../contract/users.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { madeUsersOn } from '../../test/support/made-users.ts'
import { cheapHasher } from '../../test/support/passwords.ts'
import { AccessService } from '../access/access-service.ts'
import { linkRoutes } from '../access/link-routes.ts'
import { SessionService } from '../access/session-service.ts'
import { SessionStore } from '../access/session-store.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { WrongCredentials } from '../platform/http/wrong-credentials.ts'
import { createLogger } from '../platform/logger.ts'
import { PasskeyStore } from './passkey-store.ts'
import { Revocations } from './revocations.ts'
import { userRoutes } from './user-routes.ts'
import { UserService } from './user-service.ts'
import { UserStore } from './user-store.ts'

const password = 'three quiet letters under a bridge'
const bearer = { authorization: 'Bearer the-api-key' }

async function door() {
  const { hub, db } = await startHub()
  const shared = { now: Date.now, logger: createLogger('silent') }
  const people = new UserStore(db)
  const revoked: string[] = []
  const listener = { changed: () => undefined, revoked: (id: string) => void revoked.push(id) }
  const sessions = new SessionService({ ...shared, store: new SessionStore(db), users: people, listener })
  const users = new UserService({
    ...shared,
    store: people,
    passkeys: new PasskeyStore(db),
    made: madeUsersOn(db),
    hub,
    hasher: cheapHasher(),
    baseUrl: () => 'http://mail.example.com',
    accountIds: async () => new Set(['work']),
    ended: id => sessions.endAllOf(id, 'ended_by_administrator'),
    changed: id => sessions.userChanged(id),
    openSessions: id => sessions.list(id),
  })
  const revocations = new Revocations({ ...shared, listener })
  const access = new AccessService({
    revocations,
    wrongKeys: new WrongCredentials({ perMinute: 20, now: Date.now }),
    ...shared,
    sessions,
    tokens: { authenticate: () => undefined },
    apiKey: 'the-api-key',
    users,
    people,
    describeServer: () => ({ version: '1.0.0', demo: false, sandbox_running: false }),
    lastEventId: () => 'log-7',
  })
  const outcomes: RequestOutcome[] = []
  const http = createHttpServer({
    logger: shared.logger,
    authenticate: credentials => access.authenticate(credentials),
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  userRoutes(http, { users, revocations, opened: async () => [] })
  linkRoutes(http, { users, sessions, access })
  const base = await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  const send = async (
    { method, path }: { method: string; path: string },
    body?: unknown,
    headers: Record<string, string> = bearer,
  ) => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await fetch(base + path, { method, headers: { ...type, ...headers }, ...json })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), answer }
  }
  return { send, outcomes, revoked, access }
}

test('an invited user signs in by the link with a session of their own, which ends when they are disabled', async () => {
  const { send, outcomes, revoked, access } = await door()
  const wanted = { email: ' Ann@Example.com ', name: 'Ann', role: 'operator', accounts: ['work'] }
  const invited = await send(usersApi.inviteUser, wanted)
  expect([invited.status, invited.body.user.email]).toEqual([201, 'ann@example.com'])
  await expect
    .poll(() => outcomes.at(-1))
    .toMatchObject({ operation: 'users.inviteUser', refs: { user_id: invited.body.user.id } })
  const link_token = invited.body.link.split('#')[1]
  expect((await send(usersApi.readLink, { link_token }, {})).body).toMatchObject({ name: 'Ann' })

  const entered = await send(usersApi.acceptLink, { link_token, password }, {})
  const user_id = invited.body.user.id
  expect(entered.status).toBe(201)
  expect(entered.body.principal).toMatchObject({ kind: 'session', user_id, role: 'operator', accounts: ['work'] })
  await expect
    .poll(() => outcomes.at(-1))
    .toMatchObject({ operation: 'users.acceptLink', caller: { principal: { userId: user_id } } })
  const sessionCookie = /^rustymail_session=([^;]+)/.exec(entered.answer.headers.getSetCookie()[0] ?? '')?.[1]
  const authenticate = () => access.authenticate({ token: undefined, sessionCookie, address: '127.0.0.1' })
  expect(await authenticate()).toMatchObject({ name: 'Ann' })
  expect((await send(usersApi.listUsers)).body.items).toMatchObject([{ status: 'active', sessions: 1 }])

  const path = usersApi.changeUser.path.replace('{user_id}', user_id)
  expect((await send({ method: 'PATCH', path }, { name: 'Anna' })).body).toMatchObject({ name: 'Anna' })
  expect(await authenticate()).toMatchObject({ name: 'Anna' })
  expect((await send({ method: 'PATCH', path }, { disabled: true })).status).toBe(200)
  expect(await authenticate()).toBeUndefined()
  expect(revoked).toEqual([entered.body.principal.id])
  expect((await send({ method: 'DELETE', path })).status).toBe(204)
  expect((await send({ method: 'POST', path: `${path}/reset` })).body).toMatchObject({ code: 'user_not_found' })
})

test('a reset ends the sessions; with its link one is in again', async () => {
  const { send, revoked } = await door()
  const invited = await send(usersApi.inviteUser, { email: 'a@b.c', name: 'Ann', role: 'viewer', accounts: [] })
  const tokenOf = ({ body }: { body: { link: string } }) => body.link.split('#')[1]
  const first = await send(usersApi.acceptLink, { link_token: tokenOf(invited), password }, {})
  const path = usersApi.resetUser.path.replace('{user_id}', invited.body.user.id)
  const reset = await send({ method: 'POST', path })
  expect(reset.body.user).toMatchObject({ status: 'invited', sessions: 0 })
  expect(revoked).toEqual([first.body.principal.id])
  expect((await send(usersApi.acceptLink, { link_token: tokenOf(reset), password }, {})).status).toBe(201)
})
