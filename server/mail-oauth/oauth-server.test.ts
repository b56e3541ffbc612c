/** What is asked of a provider, by a real one: metadata, a code, rotated refresh tokens, codes that are typed in elsewhere, revocation. */
import { beforeAll, expect, test } from 'vitest'
import { MailAuthority, mailClientId, mailClientSecret } from '../../test/support/mail-authority.ts'
import { Problem } from '../platform/problem.ts'
import type { ReadyProvider } from './oauth-provider.ts'
import { type OAuthFault, OAuthServer } from './oauth-server.ts'

const scopes = ['mail.read', 'mail.send']
const redirectUri = 'http://127.0.0.1:9/oauth/mail/callback'
const verifier = 'v'.repeat(43)
let authority: MailAuthority

beforeAll(async () => {
  authority = await MailAuthority.start()
  authority.redirectUris.push(redirectUri)
  return () => authority.close()
})

const provider = (more: Partial<ReadyProvider> = {}): ReadyProvider => ({
  ...{ id: 'example', name: 'Example', kind: 'custom', imapHosts: [], smtpHosts: [], domains: [] },
  scopes: { read: ['mail.read'], send: scopes },
  authorizationParameters: {},
  ...{ clientId: mailClientId, clientSecret: mailClientSecret, endpoints: { metadataUrl: authority.url } },
  ...more,
})
const newServer = () => new OAuthServer({ fetch, now: Date.now })
const faultOf = (asked: Promise<unknown>) =>
  asked.then(
    () => expect.fail('it was answered'),
    (error: unknown) => error as OAuthFault,
  )

/** Endpoints without those that a provider need not have. */
const endpointsAt = (url: string) => ({
  ...{ issuer: url, authorization: `${url}/auth`, token: `${url}/token`, namesIssuer: false },
  ...{ device: undefined, revocation: undefined },
})

async function signIn(server: OAuthServer, login = 'ann@test.local') {
  const asked = { redirectUri, scopes, state: 'a-state', verifier, email: login }
  const url = await server.authorizationUrl(provider(), asked)
  return server.exchange(provider(), new URL(await authority.signIn(url.href, login)), {
    state: 'a-state',
    verifier,
    scopes,
  })
}

test('a code becomes tokens; a refresh token is rotated, and one that comes twice ends all of them', async () => {
  const server = newServer()
  const first = await signIn(server)
  expect(first).toMatchObject({ scopes, subject: undefined, expiresInSeconds: 3_600 })
  expect(await authority.ownerOf(first.accessToken)).toBe('ann@test.local')
  const second = await server.refresh(provider(), first.refreshToken!, scopes)
  expect(second.refreshToken).not.toBe(first.refreshToken)
  expect(await authority.ownerOf(second.accessToken)).toBe('ann@test.local')
  const fault = await faultOf(server.refresh(provider(), first.refreshToken!, scopes))
  expect([fault.kind, fault.code]).toEqual(['revoked', 'invalid_grant'])
  expect((await faultOf(server.refresh(provider(), second.refreshToken!, scopes))).kind).toBe('revoked')
  // Its metadata was read once.
  expect(authority.requests.filter(line => line.includes('.well-known')).length).toBe(1)
})

test('a code is typed in on another device; until then the answer is to wait, and then it is good once', async () => {
  const server = newServer()
  const { deviceCode, userCode, verificationUri, intervalSeconds } = await server.beginDevice(provider(), ['mail.read'])
  expect(intervalSeconds).toBeGreaterThanOrEqual(1)
  expect((await faultOf(server.pollDevice(provider(), deviceCode, scopes))).code).toBe('authorization_pending')
  await authority.typeIn(verificationUri, userCode, 'bob@test.local')
  const { accessToken } = await server.pollDevice(provider(), deviceCode, ['mail.read'])
  expect(await authority.ownerOf(accessToken)).toBe('bob@test.local')
  expect((await faultOf(server.pollDevice(provider(), deviceCode, scopes))).kind).toBe('revoked')
})

test('what was granted is revoked at the provider', async () => {
  const server = newServer()
  const { refreshToken } = await signIn(server)
  expect(await server.revoke(provider(), refreshToken!)).toBe(true)
  expect((await faultOf(server.refresh(provider(), refreshToken!, scopes))).kind).toBe('revoked')
})

test('why it fails is told apart, without a secret', async () => {
  const server = newServer()
  const wrong = provider({ id: 'wrong', clientSecret: 'not-the-secret' })
  expect((await faultOf(server.refresh(wrong, 'refresh-canary', scopes))).kind).toBe('client')
  const echo = { error: 'invalid_request', error_description: `refresh-canary ${mailClientSecret}` }
  authority.onToken = () => ({ status: 400, body: echo })
  const refused = await faultOf(server.refresh(provider(), 'refresh-canary', scopes))
  expect(refused.kind).toBe('refused')
  expect(refused.message).not.toMatch(new RegExp(`canary|${mailClientSecret}`))
  authority.onToken = () => ({ status: 429, body: { error: 'slow' }, headers: { 'retry-after': '17' } })
  const slow = await faultOf(server.refresh(provider(), 'r', scopes))
  expect([slow.kind, slow.retryAfterSeconds]).toEqual(['away', 17])
  authority.onToken = () => ({ status: 200, body: { access_token: 'x', token_type: 'mac' } })
  expect((await faultOf(server.refresh(provider(), 'r', scopes))).kind).toBe('refused')
  // Errors of Microsoft that require a new sign-in.
  for (const error of ['interaction_required', 'consent_required', 'login_required']) {
    authority.onToken = () => ({ status: 400, body: { error } })
    const { kind, code } = await faultOf(server.refresh(provider(), 'r', scopes))
    expect([kind, code]).toEqual(['revoked', error])
  }
  authority.onToken = undefined
  const nobody = provider({ id: 'nobody', endpoints: { metadataUrl: 'http://127.0.0.1:9' } })
  expect((await faultOf(server.refresh(nobody, 'r', scopes))).kind).toBe('away')
})

test('requests to a provider whose endpoints are known pass the guard, with or without a secret', async () => {
  const url = 'https://provider.example'
  const known = endpointsAt(url)
  const bodies: string[] = []
  const server = new OAuthServer({
    fetch: async (_url, { body } = {}) => {
      bodies.push(String(body))
      throw new TypeError('nobody answers', { cause: new Problem('address_refused', 'Not that address.') })
    },
    now: Date.now,
  })
  const ask = (more: Partial<ReadyProvider>) =>
    server.refresh(provider({ endpoints: known, ...more }), 'r', scopes).catch((error: unknown) => error)
  expect(await ask({ id: 'with' })).toMatchObject({ code: 'address_refused' })
  expect(await ask({ id: 'without', clientSecret: undefined })).toMatchObject({ code: 'address_refused' })
  expect(bodies.map(body => body.includes(mailClientSecret))).toEqual([true, false])
  const optional = { device: `${url}/device/auth`, revocation: `${url}/revocation` }
  expect(await server.revoke(provider({ id: 'none', endpoints: known }), 'r')).toBe(false)
  const revoked = server.revoke(provider({ id: 'some', endpoints: { ...known, ...optional } }), 'r')
  await expect(revoked).rejects.toMatchObject({ code: 'address_refused' })
  const looks = [known, { ...known, ...optional }].map((endpoints, at) =>
    server.look(provider({ id: `l${at}`, endpoints })),
  )
  expect((await Promise.all(looks)).map(({ hasDeviceFlow }) => hasDeviceFlow)).toEqual([false, true])
})

test('a provider that is away is told apart from one that refuses, also by the page of a proxy and when the browser returns', async () => {
  const url = 'https://provider.example'
  const endpoints = endpointsAt(url)
  let answer = new Response()
  const server = new OAuthServer({ fetch: async () => answer, now: Date.now })
  const kindOf = async (status: number) => {
    answer = new Response('<html>Sorry</html>', { status, headers: { 'content-type': 'text/html' } })
    return (await faultOf(server.refresh(provider({ endpoints }), 'r', scopes))).kind
  }
  expect([await kindOf(502), await kindOf(429), await kindOf(404)]).toEqual(['away', 'away', 'refused'])
  const returned = async (error: string) => {
    const callback = new URL(`${redirectUri}?error=${error}&state=a-state`)
    return (await faultOf(server.exchange(provider({ endpoints }), callback, { state: 'a-state', verifier, scopes })))
      .kind
  }
  expect(await returned('temporarily_unavailable')).toBe('away')
  expect(await returned('server_error')).toBe('away')
  expect(await returned('access_denied')).toBe('denied')
  expect(await returned('invalid_scope')).toBe('refused')
})

test('the metadata of 100 providers is kept, and read again for the one that was read first', async () => {
  const server = newServer()
  const reads = async (id: string) => {
    const before = authority.requests.length
    await server.look(provider({ id }))
    return authority.requests.length - before
  }
  for (let number = 0; number < 100; number++) await server.look(provider({ id: `p${number}` }))
  expect([await reads('p0'), await reads('p99')]).toEqual([0, 0])
  await server.look(provider({ id: 'another' }))
  expect([await reads('p99'), await reads('p0')]).toEqual([0, 1])
})
