/**
 * What users lose is lost everywhere immediately: through their provider, through a reset, and on a page that is open.
 */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callbackPath, startPath } from '../../server/oidc/oidc-service.ts'
import { OidcProvider, oidcClientId, oidcClientSecret } from '../support/oidc-provider.ts'
import { openStream } from '../support/open-stream.ts'
import { type People, type Proof, startApp } from '../support/people.ts'
import { PlainBrowser } from '../support/plain-browser.ts'

const password = 'letters sleep in quiet drawers'
const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)
const whoAmI = async (people: People, proof: Proof) =>
  (await people.ask(proof, 'GET', api.access.getSession.path)).status

async function startWithProvider() {
  const provider = await OidcProvider.start()
  onTestFinished(() => provider.close())
  const environment = {
    RUSTYMAIL_OIDC_ISSUER: provider.url,
    RUSTYMAIL_OIDC_CLIENT_ID: oidcClientId,
    RUSTYMAIL_OIDC_CLIENT_SECRET: oidcClientSecret,
    RUSTYMAIL_OIDC_ROLES: 'staff=operator',
    RUSTYMAIL_OIDC_ACCOUNTS: 'all',
    // Like Entra ID, which does not assert that emails are verified.
    RUSTYMAIL_OIDC_TRUST_EMAIL: 'true',
  }
  const { app, people } = await startApp({ environment })
  provider.redirectUris.push(people.url + callbackPath)
  const isPage = (next: URL) => next.origin === people.url && !next.pathname.startsWith('/api/')
  /** Signs in as Ann; returns where that ends, and what authenticates a request then. */
  const signIn = async () => {
    const browser = new PlainBrowser()
    const page = await browser.follow(await browser.visit(people.url + startPath), isPage)
    const { location } = await browser.follow(await browser.visit(page.url, { login: 'ann' }), isPage)
    const cookie = `rustymail_session=${browser.cookies.get('rustymail_session')}`
    return { end: location!.pathname + location!.search, proof: { cookie, origin: people.url } }
  }
  const join = (groups: string[]) => void provider.people.set('ann', { email: 'ann@example.com', groups })
  return { app, people, signIn, join }
}

test('session, token and password of a user without a role at the provider are shut at once, and the trail names the actor', async () => {
  const { people, signIn, join } = await startWithProvider()
  join(['staff'])
  const { proof } = await signIn()
  await people.tell(proof, 'PUT', api.profile.changePassword.path, { new_password: password })
  const wanted = { name: 'Bot', scopes: ['dashboard:read'], accounts: [] }
  const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, wanted)
  const bot = { authorization: `Bearer ${token}` }
  const withPassword = async () =>
    (await people.ask({}, 'POST', api.access.openSession.path, { email: 'ann@example.com', password })).status
  expect([await whoAmI(people, proof), await whoAmI(people, bot), await withPassword()]).toEqual([200, 200, 201])

  join([])
  expect((await signIn()).end).toBe('/?sign_in_error=not_allowed')
  expect([await whoAmI(people, proof), await whoAmI(people, bot), await withPassword()]).toEqual([401, 401, 401])
  const trail = async () => {
    const path = `${api.audit.listAudit.path}?limit=50`
    const { items } = await people.tell<{ items: { operation: string; refs: object }[] }>(people.admin, 'GET', path)
    return items.filter(({ operation }) => operation.startsWith('oidc.')).map(({ operation }) => operation)
  }
  expect(await trail()).toEqual(['oidc.disableUser'])

  join(['staff'])
  expect((await signIn()).end).toBe('/')
  expect([await whoAmI(people, bot), await withPassword()]).toEqual([200, 201])
  expect(await trail()).toEqual(['oidc.enableUser', 'oidc.disableUser'])
})

test('a reset leaves the tokens when it says nothing of them, and revokes them when it does', async () => {
  const { people } = await startApp()
  const ann = await people.invite('operator')
  const make = { name: 'Bot', scopes: ['dashboard:read'], accounts: [] }
  const { token } = await people.tell<{ token: string }>(ann.proof, 'POST', api.tokens.createToken.path, make)
  const bot = { authorization: `Bearer ${token}` }
  const stream = await openStream(people.url + api.events.streamEvents.path, bot)
  await stream.next('welcome')
  const path = fill(api.users.resetUser.path, ann.userId)
  await people.tell(people.admin, 'POST', path)
  expect([await whoAmI(people, ann.proof), await whoAmI(people, bot)]).toEqual([401, 200])
  await people.tell(people.admin, 'POST', path, { revoke_tokens: true })
  expect(await whoAmI(people, bot)).toBe(401)
  expect((await stream.next('goodbye')).data).toMatchObject({ reason: 'revoked' })
})

test('a viewer whose role changes hears of it on the stream that is open, and a viewer beside them does not', async () => {
  const { people } = await startApp()
  const [ann, bob] = [await people.invite('viewer', []), await people.invite('viewer', [])]
  const open = async (proof: Proof) => {
    const stream = await openStream(people.url + api.events.streamEvents.path, proof)
    await stream.next('welcome')
    return stream
  }
  const [own, other] = [await open(ann.proof), await open(bob.proof)]
  await people.tell(people.admin, 'PATCH', fill(api.users.changeUser.path, ann.userId), { role: 'operator' })
  await own.next('session_changed')
  // Published after the event that must not come.
  await people.tell(people.admin, 'PATCH', fill(api.users.changeUser.path, bob.userId), { name: 'Robert' })
  await other.next('session_changed')
  expect(other.events.filter(({ event }) => event === 'session_changed')).toHaveLength(1)
})

test('a token of an administrator with a list of accounts changes nothing that concerns others', async () => {
  const { people } = await startApp({ overrides: { gateway: new MemoryGateway() } })
  const server = { host: 'mail.example.com', port: 993, tls: 'implicit', password: 'x' }
  const connect = (proof: Proof, user: string) =>
    people.ask(proof, 'POST', `${api.accounts.createAccount.path}?verify=false`, {
      email: `${user}@example.com`,
      imap: { ...server, user },
    })
  const { id } = JSON.parse((await connect(people.admin, 'seen')).text) as { id: string }
  await connect(people.admin, 'hidden')
  const { proof } = await people.token(['dashboard:admin'], [id])
  const { status: config, text } = await people.ask(proof, 'GET', api.settings.getConfig.path)
  expect(config).toBe(200)
  const refused = [
    await connect(proof, 'hidden'),
    await connect(proof, 'nobody'),
    await people.ask(proof, 'POST', api.accounts.startSandbox.path),
    await people.ask(proof, 'PUT', api.settings.updateConfig.path, { ...JSON.parse(text), max_connections: 50 }),
    await people.ask(proof, 'PATCH', fill(api.accounts.updateAccount.path, id), { is_default: true }),
  ]
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
  expect(refused.map(answer => answer.text.includes('requires access to all accounts'))).not.toContain(false)
})
