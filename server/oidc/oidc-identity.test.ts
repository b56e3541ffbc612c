/** What is believed of an identity, and what a fault says of it, where a provider tells more than it should. */
import { createSign, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { clientOf, comeBack, redirectUri, secrets, startProvider } from '../../test/support/oidc-client.ts'
import { oidcClientId, oidcClientSecret } from '../../test/support/oidc-provider.ts'

/** Returns a `fetch` that adds to the user info, which is not signed. */
function telling(more: object): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, init)
    if (!String(input).endsWith('/me')) return answer
    return Response.json({ ...((await answer.json()) as object), ...more })
  }
}

test('an email from the ID token is not verified by what is said of another one elsewhere', async () => {
  const provider = await startProvider({ tellsInIdToken: true })
  // Without groups in the ID token, the user info is requested too.
  provider.people.set('ann', { email: 'boss@example.com' })
  const client = clientOf(provider.url, { fetch: telling({ email: 'ann@example.com', email_verified: true }) })
  const { callback, login } = await comeBack(client)
  const identity = await client.identify(callback, login)
  expect(identity).toMatchObject({ email: 'boss@example.com', isEmailVerified: false })
})

test('at most a thousand groups are read, from a claim of any name', async () => {
  const provider = await startProvider({ tellsInIdToken: true })
  provider.people.set('ann', { email: 'ann@example.com' })
  const groups = Array.from({ length: 1_001 }, (_, number) => `group ${number}`)
  const client = clientOf(provider.url, { groupsClaim: 'constructor', fetch: telling({ constructor: groups }) })
  const { callback, login } = await comeBack(client)
  expect((await client.identify(callback, login)).groups).toEqual(groups.slice(0, 1_000))
})

test('a provider that repeats what it was sent does not bring the secret into a fault', async () => {
  const provider = await startProvider()
  const repeating: typeof fetch = async (input, init) => {
    if (!String(input).endsWith('/token')) return fetch(input, init)
    const { headers, body } = init as { headers: Record<string, string>; body: unknown }
    const said = `${new Headers(headers).get('authorization')} ${String(body)} ${oidcClientSecret}`
    return Response.json({ error: 'invalid_request', error_description: said }, { status: 400 })
  }
  const client = clientOf(provider.url, { fetch: repeating })
  const { callback, login } = await comeBack(client)
  const fault = await client.identify(callback, login).catch((error: Error) => error)
  expect(fault).toMatchObject({ message: expect.stringContaining('[secret]') })
  const basic = Buffer.from(`${oidcClientId}:${oidcClientSecret}`).toString('base64')
  for (const hidden of [oidcClientSecret, basic, login.verifier, callback.searchParams.get('code')!]) {
    expect((fault as Error).message).not.toContain(hidden)
  }
})

test('where one address serves many tenants, none but a configured one vouches for anybody', async () => {
  const base = 'https://login.microsoftonline.com'
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const login = secrets()
  const tokenOf = (tenant: string) => {
    const now = Math.floor(Date.now() / 1_000)
    const times = { iat: now, exp: now + 600 }
    const claims = {
      iss: `${base}/${tenant}/v2.0`,
      tid: tenant,
      sub: 'ann',
      aud: oidcClientId,
      nonce: login.nonce,
      ...times,
    }
    const parts = [
      { alg: 'RS256', kid: 'one' },
      { ...claims, email: 'boss@example.com', groups: [] },
    ]
    const signed = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`
  }
  const identify = async (configured: string, tenant: string) => {
    const answering: typeof fetch = async input => {
      const { pathname } = new URL(String(input))
      if (pathname.endsWith('/keys')) {
        return Response.json({
          keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }],
        })
      }
      if (pathname.endsWith('/token')) {
        return Response.json({ access_token: 'a', token_type: 'bearer', id_token: tokenOf(tenant) })
      }
      const name = configured === 'common' ? '{tenantid}' : configured
      const places = { authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token` }
      return Response.json({ issuer: `${base}/${name}/v2.0`, jwks_uri: `${base}/keys`, ...places })
    }
    const callback = new URL(`${redirectUri}?${new URLSearchParams({ code: 'c', state: login.state })}`)
    return clientOf(`${base}/${configured}/v2.0`, { fetch: answering }).identify(callback, login)
  }
  expect(await identify('ours', 'ours')).toMatchObject({ issuer: `${base}/ours/v2.0`, subject: 'ann' })
  const foreign = { kind: 'refused', message: expect.stringContaining('a foreign issuer') }
  await expect(identify('common', 'theirs')).rejects.toMatchObject(foreign)
  await expect(identify('ours', 'theirs')).rejects.toMatchObject({ kind: 'refused' })
})
