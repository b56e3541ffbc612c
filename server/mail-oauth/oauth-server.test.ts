/** What is asked of a provider, by a real one: metadata, a code, rotated refresh tokens, codes that are typed in elsewhere, revocation. */
import { beforeAll, expect, test } from 'vitest'
import { MailAuthority, mailClientId, mailClientSecret } from '../../test/support/mail-authority.ts'
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
