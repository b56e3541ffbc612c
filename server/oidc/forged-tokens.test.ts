/** ID tokens that the provider did not sign, or signed for another sign-in, are rejected. */
import { createHmac, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { OidcProvider, oidcClientId, oidcClientSecret } from '../../test/support/oidc-provider.ts'
import { PlainBrowser } from '../../test/support/plain-browser.ts'
import { OidcClient } from './oidc-client.ts'

type Part = Record<string, unknown>
type Forge = (claims: Part) => string

const redirectUri = 'http://127.0.0.1:9/back'
const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const [own, foreign] = [pair(), pair()]
const jwkOf = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' })
const encode = (part: Part) => Buffer.from(JSON.stringify(part)).toString('base64url')

function signed(claims: Part, { head = {}, key = own.privateKey }: { head?: Part; key?: KeyObject } = {}): string {
  const body = `${encode({ alg: 'RS256', kid: 'own', ...head })}.${encode(claims)}`
  return `${body}.${createSign('RSA-SHA256').update(body).sign(key, 'base64url')}`
}

function symmetric(claims: Part, secret: string | Buffer): string {
  const body = `${encode({ alg: 'HS256', kid: 'own' })}.${encode(claims)}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

async function identify(provider: OidcProvider, forge: Forge) {
  const through: typeof fetch = async (input, init) => {
    if (String(input).endsWith('/jwks')) return Response.json({ keys: [jwkOf(own.publicKey)] })
    const answer = await fetch(input, init)
    if (!String(input).endsWith('/token')) return answer
    const tokens = (await answer.json()) as { id_token: string }
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1]!, 'base64url').toString()) as Part
    return Response.json({ ...tokens, id_token: forge(claims) })
  }
  const { url: issuer } = provider
  const config = { issuer, clientId: oidcClientId, clientSecret: oidcClientSecret, trustEmail: false }
  const client = new OidcClient({
    config: { ...config, scopes: 'openid email', groupsClaim: 'groups' },
    now: Date.now,
    fetch: through,
  })
  const [state, nonce, verifier] = [1, 2, 3].map(() => randomBytes(32).toString('base64url')) as [
    string,
    string,
    string,
  ]
  const login = { state, nonce, verifier }
  const browser = new PlainBrowser()
  const page = await browser.follow(await browser.visit(await client.authorizationUrl(redirectUri, login)))
  const isBack = (next: URL) => next.href.startsWith(redirectUri)
  const { location } = await browser.follow(await browser.visit(page.url, { login: 'ann' }), isBack)
  return client.identify(location!, login)
}

const now = () => Math.floor(Date.now() / 1_000)
const changed = (change: (claims: Part) => Part): Forge => {
  return claims => signed(JSON.parse(JSON.stringify({ ...claims, ...change(claims) })))
}

const forgeries: Record<string, Forge> = {
  'unsigned (`none`)': claims => `${encode({ alg: 'none' })}.${encode(claims)}.`,
  'unsigned, `none` in mixed case': claims => `${encode({ alg: 'nOnE', kid: 'own' })}.${encode(claims)}.`,
  'HS256 with the client secret': claims => symmetric(claims, oidcClientSecret),
  'HS256 with the public key as the secret': claims =>
    symmetric(claims, own.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  'signed by another key': claims => signed(claims, { key: foreign.privateKey }),
  'signed by the key in its own `jwk` header': claims =>
    signed(claims, { head: { jwk: jwkOf(foreign.publicKey) }, key: foreign.privateKey }),
  'signed by a key at its own `jku`': claims =>
    signed(claims, { head: { kid: 'other', jku: 'http://127.0.0.1:9/keys' }, key: foreign.privateKey }),
  'with unknown critical headers': claims => signed(claims, { head: { crit: ['exp'], exp: 1 } }),
  'of another issuer': changed(() => ({ iss: 'https://accounts.example' })),
  'of the issuer with a trailing slash': changed(({ iss }) => ({ iss: `${iss}/` })),
  'for another client': changed(() => ({ aud: 'another' })),
  'for several clients, authorized party another': changed(({ aud }) => ({ aud: [aud, 'another'], azp: 'another' })),
  'for several clients, without an authorized party': changed(({ aud }) => ({ aud: [aud, 'another'] })),
  expired: changed(() => ({ iat: now() - 7_200, exp: now() - 3_600 })),
  'without an expiry': changed(() => ({ exp: undefined })),
  'with text as its expiry': changed(() => ({ exp: 'never' })),
  'not yet valid': changed(() => ({ nbf: now() + 3_600 })),
  'without a subject': changed(() => ({ sub: undefined })),
  'with an empty subject': changed(() => ({ sub: '' })),
  'with a number as its subject': changed(() => ({ sub: 7 })),
  'with the nonce of another sign-in': changed(() => ({ nonce: 'x' })),
  'without a nonce': changed(() => ({ nonce: undefined })),
  'of three megabytes': changed(() => ({ name: 'x'.repeat(3_000_000) })),
  'not a JWT': () => 'a.b.c',
  missing: () => undefined as never,
}

test('an ID token that the provider did not sign, or not for this sign-in, is rejected', async () => {
  const provider = await OidcProvider.start()
  onTestFinished(() => provider.close())
  provider.redirectUris.push(redirectUri)
  provider.people.set('ann', { email: 'ann@example.com', email_verified: true })
  expect(await identify(provider, signed)).toMatchObject({ subject: 'ann' })
  for (const [name, forge] of Object.entries(forgeries)) {
    const outcome = await identify(provider, forge).catch((error: { name: string }) => error.name)
    expect([name, outcome]).toEqual([name, 'OidcFault'])
  }
})
