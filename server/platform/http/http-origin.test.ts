/** Which pages may act with a session: our own alone, by the address that browsers see. */
import { expect, test } from 'vitest'
import { type Origins, refuseForeignOrigin } from './http-origin.ts'

const plain: Origins = { publicUrl: undefined, allowed: ['https://friend.example'], isHttps: false }
const tls: Origins = { ...plain, isHttps: true }
const proxied: Origins = { ...tls, publicUrl: 'https://mail.example.com/' }

const asked = (origins: Origins, origin: string, host: object = { host: 'mail.example.com' }) => {
  try {
    refuseForeignOrigin({ method: 'POST', headers: { origin, ...host } }, origins)
    return 'let in'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each([
  ['without HTTPS', plain],
  ['with a certificate', tls],
  ['behind a proxy with HTTPS', proxied],
])('%s our own page may act, others may not, nor those that may call us with a token', (_name, origins) => {
  expect(asked(origins, 'https://mail.example.com')).toBe('let in')
  expect(asked(origins, 'https://mail.example.com', { ':authority': 'mail.example.com' })).toBe('let in')
  for (const foreign of [
    'https://friend.example',
    'https://evil.example',
    'http://friend.example',
    'null',
    'https://mail.example.com:8443',
  ]) {
    expect(asked(origins, foreign)).toBe('origin_not_allowed')
  }
})

test('a page without HTTPS of our own name is ours only where there is no HTTPS', () => {
  const own = 'http://mail.example.com'
  expect(asked(plain, own)).toBe('let in')
  expect(asked(tls, own)).toBe('origin_not_allowed')
  expect(asked(tls, own, { ':authority': 'mail.example.com' })).toBe('origin_not_allowed')
  expect(asked(proxied, own)).toBe('origin_not_allowed')
  expect(asked({ ...proxied, allowed: [own] }, own)).toBe('origin_not_allowed')
})
