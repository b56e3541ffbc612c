/** Which keys of the environment are refused at the start, and which are known to be random without a closer look. */
import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { faultOfApiKey, looksRandom } from './api-key-strength.ts'

test.each([
  'passwordpassword1234',
  'correcthorsebatterystaple',
  '12345678901234567890',
  'a'.repeat(40),
  '0123456789abcdef0123456789abcdef',
  'deadbeefdeadbeefdeadbeefdeadbeef',
  'abcdefghijklmnopqrstuvwxyzABCDEFGH0',
  'qwertyuiopasdfghjklzxcvbnm',
  'rustymailrustymailrustymail',
  'p4ssw0rdp4ssw0rdp4ssw0rd1234',
  '00000000000000000000000000000001',
  'supersecretapikey12345',
])('%s is refused, and the words say how to make a better one', async key => {
  expect(looksRandom(key)).toBe(false)
  expect(await faultOfApiKey(key)).toMatch(/^RUSTYMAIL_API_KEY .*openssl rand -base64 32$/)
})

const generators: Record<string, () => string> = {
  'openssl rand -base64 32': () => randomBytes(32).toString('base64'),
  'openssl rand -hex 20': () => randomBytes(20).toString('hex'),
  '128 bits in hexadecimal': () => randomBytes(16).toString('hex'),
  '128 bits in capitals': () => randomBytes(16).toString('hex').toUpperCase(),
  '128 bits for addresses': () => randomBytes(16).toString('base64url'),
  'a UUID': () => randomUUID(),
}

test.each(Object.entries(generators))('%s passes, and mostly without a closer look', async (_name, make) => {
  const keys = Array.from({ length: 1_000 }, make)
  expect(keys.filter(looksRandom).length).toBeGreaterThan(600)
  const others = keys.filter(key => !looksRandom(key)).slice(0, 5)
  expect(await Promise.all(others.map(faultOfApiKey))).toEqual(others.map(() => undefined))
})

test('a phrase of many words passes too, but is not taken for random', async () => {
  for (const phrase of ['seven quiet lamps by the river', 'ThisIsMyVeryLongApiKey2024ForMail']) {
    expect([looksRandom(phrase), await faultOfApiKey(phrase)]).toEqual([false, undefined])
  }
})
