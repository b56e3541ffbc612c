/** What a provider answers is believed only when it fits; one that fails is left alone for a while. Against a real one. */
import { expect, test } from 'vitest'
import { freePort } from '../../test/support/free-port.ts'
import { clientOf, comeBack, redirectUri, secret, secrets, startProvider } from '../../test/support/oidc-client.ts'
import { oidcClientId } from '../../test/support/oidc-provider.ts'
import { OidcClient } from './oidc-client.ts'

test('an identity comes with its verified email and its groups', async () => {
  const client = clientOf((await startProvider()).url)
  const { callback, login } = await comeBack(client)
  expect(await client.identify(callback, login)).toMatchObject({
    subject: 'ann',
    email: 'ann@example.com',
    isEmailVerified: true,
    name: 'Ann',
    groups: ['staff', 'all'],
  })
})

test('a public client without a secret can be used too, and a wrong secret is the fault of the set-up', async () => {
  const provider = await startProvider({ isPublicClient: true })
  const config = { issuer: provider.url, clientId: oidcClientId, clientSecret: undefined, trustEmail: false }
  const publicClient = new OidcClient({ config: { ...config, scopes: 'openid', groupsClaim: 'groups' }, now: Date.now })
  const { callback, login } = await comeBack(publicClient)
  expect(await publicClient.identify(callback, login)).toMatchObject({ subject: 'ann', email: undefined, groups: [] })

  const wrong = clientOf((await startProvider()).url, { clientSecret: 'not-the-secret' })
  const back = await comeBack(wrong)
  await expect(wrong.identify(back.callback, back.login)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('an answer with another state, nonce, verifier or issuer, and a code that was used, are refused', async () => {
  const client = clientOf((await startProvider()).url)
  for (const changed of [{ state: secret() }, { nonce: secret() }, { verifier: secret() }]) {
    const { callback, login } = await comeBack(client)
    await expect(client.identify(callback, { ...login, ...changed })).rejects.toMatchObject({ kind: 'refused' })
  }
  const { callback, login } = await comeBack(client)
  const foreign = new URL(callback)
  foreign.searchParams.set('iss', 'http://127.0.0.1:1')
  await expect(client.identify(foreign, login)).rejects.toMatchObject({ kind: 'refused' })
  await expect(client.identify(callback, login)).resolves.toMatchObject({ subject: 'ann' })
  await expect(client.identify(callback, login)).rejects.toMatchObject({ kind: 'refused' })
})

test('cancelling at the provider counts as a refusal', async () => {
  const client = clientOf((await startProvider()).url)
  const { callback, login } = await comeBack(client, secrets(), { cancel: '1' })
  await expect(client.identify(callback, login)).rejects.toMatchObject({ kind: 'denied' })
})

test('an ID token that was changed on its way is refused, and so is an answer without end', async () => {
  const provider = await startProvider()
  const changing: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (!String(input).endsWith('/token')) return answer
    const tokens = (await answer.json()) as { id_token: string }
    const [head, claims, signature] = tokens.id_token.split('.')
    const more = { email: 'boss@example.com', email_verified: true, groups: ['admins'] }
    const other = { ...JSON.parse(Buffer.from(claims!, 'base64url').toString()), ...more }
    const id_token = [head, Buffer.from(JSON.stringify(other)).toString('base64url'), signature].join('.')
    return Response.json({ ...tokens, id_token })
  }
  const deceived = clientOf(provider.url, { fetch: changing })
  const first = await comeBack(deceived)
  await expect(deceived.identify(first.callback, first.login)).rejects.toMatchObject({ kind: 'refused' })

  let sent = 0
  const endless: typeof fetch = async (input, init) => {
    if (!String(input).endsWith('/token')) return fetch(input, init)
    const piece = Buffer.alloc(64 * 1024, ' ')
    const pull = (stream: ReadableStreamDefaultController) => {
      sent += piece.length
      stream.enqueue(piece)
      if (sent > 8 * 1024 * 1024) stream.close()
    }
    return new Response(new ReadableStream({ pull }), { headers: { 'content-type': 'application/json' } })
  }
  const flooded = clientOf(provider.url, { fetch: endless })
  const second = await comeBack(flooded)
  await expect(flooded.identify(second.callback, second.login)).rejects.toMatchObject({ name: 'OidcFault' })
  expect(sent).toBeLessThan(4 * 1024 * 1024)
})

test('a dead provider is not asked again at once, and works as soon as it is back', async () => {
  const port = await freePort()
  const clock = { now: Date.now() }
  let asked = 0
  const counting: typeof fetch = (input, init) => {
    asked += 1
    return fetch(input, init)
  }
  const client = clientOf(`http://127.0.0.1:${port}`, { now: () => clock.now, fetch: counting })
  const tryIt = () => client.authorizationUrl(redirectUri, secrets())
  const failing = await Promise.allSettled([tryIt(), tryIt(), tryIt()])
  expect(failing.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  await expect(tryIt()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('ECONNREFUSED') })
  expect(asked).toBe(1)
  clock.now += 1_000
  await expect(tryIt()).rejects.toMatchObject({ kind: 'unavailable' })
  clock.now += 1_000
  await expect(tryIt()).rejects.toMatchObject({ kind: 'unavailable' })
  expect(asked).toBe(2)

  await startProvider({ port })
  clock.now += 60_000
  expect((await tryIt()).origin).toBe(`http://127.0.0.1:${port}`)
  await tryIt()
  expect(asked).toBe(3)
  clock.now += 60 * 60_000
  await tryIt()
  expect(asked).toBe(4)
})

test('what a fault says holds no code and no token', async () => {
  const client = clientOf((await startProvider()).url)
  const { callback, login } = await comeBack(client)
  const fault = await client.identify(callback, { ...login, nonce: secret() }).catch((error: Error) => error)
  expect(fault).toBeInstanceOf(Error)
  const said = JSON.stringify(Object.getOwnPropertyNames(fault).map(name => Reflect.get(fault, name)))
  expect(said).toContain('JWT')
  for (const hidden of [callback.searchParams.get('code')!, login.verifier, login.nonce, 'eyJ']) {
    expect(said).not.toContain(hidden)
  }
})

test('an email of which the provider does not say whether it is verified counts only where it is set so', async () => {
  const provider = await startProvider()
  const isVerified = async (trustEmail: boolean, email_verified?: boolean) => {
    provider.people.set('ann', {
      email: 'ann@example.com',
      ...(email_verified === undefined ? {} : { email_verified }),
    })
    const client = clientOf(provider.url, { trustEmail })
    const { callback, login } = await comeBack(client)
    return (await client.identify(callback, login)).isEmailVerified
  }
  expect(await isVerified(false)).toBe(false)
  expect(await isVerified(true)).toBe(true)
  expect(await isVerified(true, false)).toBe(false)
})

test('groups that are to be fetched from elsewhere are not taken for none', async () => {
  const provider = await startProvider()
  provider.people.set('ann', { email: 'ann@example.com', email_verified: true, _claim_names: { groups: 'src1' } })
  const client = clientOf(provider.url)
  const { callback, login } = await comeBack(client)
  const fault = { kind: 'refused', message: expect.stringContaining('does not send the groups') }
  await expect(client.identify(callback, login)).rejects.toMatchObject(fault)
})
