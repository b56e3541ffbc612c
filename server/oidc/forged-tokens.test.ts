/** ID tokens that anyone but the provider could have made, or made for another occasion, sign nobody in. */
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
  'without a signature': claims => `${encode({ alg: 'none' })}.${encode(claims)}.`,
  'without a signature, in other letters': claims => `${encode({ alg: 'nOnE', kid: 'own' })}.${encode(claims)}.`,
  'with the secret of the client as its key': claims => symmetric(claims, oidcClientSecret),
  'with the public key as a secret': claims =>
    symmetric(claims, own.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  'with a foreign key': claims => signed(claims, { key: foreign.privateKey }),
  'with a foreign key that it brings along': claims =>
    signed(claims, { head: { jwk: jwkOf(foreign.publicKey) }, key: foreign.privateKey }),
  'with a foreign key at an address that it names': claims =>
    signed(claims, { head: { kid: 'other', jku: 'http://127.0.0.1:9/keys' }, key: foreign.privateKey }),
  'with critical headers that nobody knows': claims => signed(claims, { head: { crit: ['exp'], exp: 1 } }),
  'of another issuer': changed(() => ({ iss: 'https://accounts.example' })),
  'of an issuer with one slash more': changed(({ iss }) => ({ iss: `${iss}/` })),
  'for another client': changed(() => ({ aud: 'another' })),
  'for several clients, by another': changed(({ aud }) => ({ aud: [aud, 'another'], azp: 'another' })),
  'for several clients, by nobody': changed(({ aud }) => ({ aud: [aud, 'another'] })),
  'that has expired': changed(() => ({ iat: now() - 7_200, exp: now() - 3_600 })),
  'that never expires': changed(() => ({ exp: undefined })),
  'that expires by a word': changed(() => ({ exp: 'never' })),
  'of the future': changed(() => ({ nbf: now() + 3_600 })),
  'of nobody': changed(() => ({ sub: undefined })),
  'of somebody without a name': changed(() => ({ sub: '' })),
  'of somebody with a number': changed(() => ({ sub: 7 })),
  'of another sign-in': changed(() => ({ nonce: 'x' })),
  'of no sign-in': changed(() => ({ nonce: undefined })),
  'of three megabytes': changed(() => ({ name: 'x'.repeat(3_000_000) })),
  'that is none': () => 'a.b.c',
  'that is left out': () => undefined as never,
}

test('an ID token that the provider did not sign, or not for this sign-in, signs nobody in', async () => {
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
