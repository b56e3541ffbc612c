/** Which links of a model are internal. */
import { expect, test } from 'vitest'
import { outsideAddress, ownPath } from './own-path.ts'

const origin = 'https://mail.example'

test('a path, or an address of this server, is a page', () => {
  expect(ownPath('/mail?account=a#x', origin)).toBe('/mail?account=a#x')
  expect(ownPath('https://mail.example/alerts', origin)).toBe('/alerts')
  expect(outsideAddress('https://mail.example/alerts', origin)).toBeUndefined()
})

test.each([
  '//evil.example/x',
  '/\\evil.example/x',
  '/\t/evil.example',
  'https://mail.example//evil.example',
  '/.//evil.example',
  'https://mail.example@evil.example/',
  'https://user@mail.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  'mail',
  '',
  '/api/dashboard/audit/export',
  '/docs',
])('%j is no page of ours', href => {
  expect(ownPath(href, origin)).toBeUndefined()
})

test('an address elsewhere is told with its host in ASCII', () => {
  expect(outsideAddress('https://mаil.example/login', origin)?.host).toBe('xn--mil-6cd.example')
  expect(outsideAddress('//evil.example', origin)).toBeUndefined()
  expect(outsideAddress('ftp://evil.example', origin)).toBeUndefined()
})
