/**
 * Anyone who guesses, from however many addresses or behind a proxy, is throttled; valid callers get in; more tokens
 * are not more streams.
 */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startApp } from '../support/people.ts'
import { headOf, openRaw } from '../support/raw-http.ts'
import { administrator } from '../support/signed-in.ts'

const apiKey = 'seven quiet lamps by the river'
const environment = {
  RUSTYMAIL_TRUSTED_PROXIES: '127.0.0.1',
  RUSTYMAIL_API_KEY: apiKey,
  // The default.
  RUSTYMAIL_RATE_LIMIT: '6000',
}
const from = (address: string) => ({ 'x-forwarded-for': address })
const signIn = api.access.openSession.path
const stats = api.metrics.getStats.path

/** Returns how many guesses at passwords, each with another email, are checked. */
async function guessesFrom(addressOf: (index: number) => string, count: number): Promise<number> {
  const { people } = await startApp({ environment })
  const statuses: number[] = []
  for (let index = 0; index < count; index++) {
    const guess = { email: `nobody-${index}@example.com`, password: 'not the right password' }
    statuses.push((await people.ask(from(addressOf(index)), 'POST', signIn, guess)).status)
  }
  const right = { email: administrator.email, password: administrator.password }
  expect((await people.ask(from('203.0.113.9'), 'POST', signIn, right)).status).toBe(201)
  expect(new Set(statuses)).toEqual(new Set([401, 429]))
  return statuses.filter(status => status === 401).length
}

test('a proxy that adds the port does not make its caller a new address at each attempt', async () => {
  expect(await guessesFrom(index => `198.51.100.7:${50_000 + index}`, 14)).toBeLessThanOrEqual(11)
})

test('nor does one that writes what cannot be read', async () => {
  expect(await guessesFrom(index => `someone-${index}`, 14)).toBeLessThanOrEqual(11)
})

test('65,536 networks of one IPv6 site are one guesser', async () => {
  expect(await guessesFrom(index => `2001:db8:7:${(index + 1).toString(16)}::1`, 30)).toBeLessThanOrEqual(24)
})

test('wrong keys are slowed down, and right ones are let in behind the same address', async () => {
  const { people } = await startApp({ environment })
  const { proof } = await people.token(['dashboard:read'])
  const ask = (address: string, key: object, path = stats) => people.ask({ ...from(address), ...key }, 'GET', path)
  expect((await ask('192.0.2.1', { 'x-api-key': apiKey })).status).toBe(200)
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    const statuses: number[] = []
    for (let index = 0; index < 25; index++) {
      const key = index % 2 ? { 'x-api-key': `wrong-${index}` } : { authorization: `Bearer wrong-${index}` }
      statuses.push((await ask(`${address}:${index + 1}`, key)).status)
    }
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401))
    expect(statuses).toContain(429)
  }
  const refused = await ask('192.0.2.2', { 'x-api-key': 'wrong' })
  expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, expect.any(Number)])
  expect(JSON.parse(refused.text).code).toBe('too_many_attempts')
  // Tokens cannot be guessed, so they are still checked; this key could be, but it was accepted from there before.
  expect((await ask('192.0.2.2', proof)).status).toBe(200)
  expect((await ask('192.0.2.1', { 'x-api-key': apiKey })).status).toBe(200)
  expect((await ask('192.0.2.3', { 'x-api-key': apiKey })).status).toBe(200)
  // Public endpoints answer callers that bring a wrong key.
  expect((await ask('192.0.2.2', { 'x-api-key': 'wrong' }, api.access.getSignInState.path)).status).toBe(200)
  expect((await ask('192.0.2.2', { cookie: people.admin.cookie! })).status).toBe(200)
  // Later readers find only the address.
  expect((await ask('[2001:DB8:0::7]:4711', proof)).status).toBe(200)
  const { text } = await people.ask(people.admin, 'GET', api.clients.listClients.path)
  expect(text).toContain('"ip_address":"2001:db8::7"')
})

test('a person has so many event streams, by however many tokens', async () => {
  const { people } = await startApp({ environment: { RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: '3' } })
  const open = async (proof: Record<string, string>) => {
    const { statuses } = await openRaw(people.url, headOf('GET', api.events.streamEvents.path, proof))
    return (await statuses(1))[0]
  }
  for (let count = 0; count < 3; count++) expect(await open((await people.token(['dashboard:read'])).proof)).toBe(200)
  expect(await open((await people.token(['dashboard:read'])).proof)).toBe(429)
  expect(await open({ cookie: people.admin.cookie! })).toBe(429)
  const other = await people.invite('viewer')
  expect(await open({ cookie: other.proof.cookie! })).toBe(200)
})
