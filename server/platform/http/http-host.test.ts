/** The host names that the server answers to: addresses, localhost, and configured ones. */
import { expect, test } from 'vitest'
import { AllowedHosts, refuseSeveralHosts } from './http-form.ts'

const hosts = new AllowedHosts(['mail.example.com', 'Box', 'box.local', '.inner.example', 'dotted.example.'])

test.each([
  '127.0.0.1',
  '127.0.0.1:9437',
  '192.0.2.7:1',
  '[::1]',
  '[::1]:9437',
  '[2001:db8::1]:80',
  'localhost',
  'localhost:9437',
  'LOCALHOST',
  'localhost.',
  'app.localhost:80',
  'mail.example.com',
  'Mail.Example.COM:8443',
  'mail.example.com.',
  'box:9437',
  'box.local',
  'a.inner.example',
  'b.a.inner.example:80',
  'dotted.example',
])('%s is answered', host => expect(hosts.allows(host)).toBe(true))

test('what was allowed before stands for nothing else, however many spellings came', () => {
  for (let port = 1; port <= 300; port++) expect(hosts.allows(`mail.example.com:${port}`)).toBe(true)
  for (const host of ['mail.example.com:1', 'mail.example.com:299']) expect(hosts.allows(host)).toBe(true)
  for (const host of ['mail.example.com:1.evil.example', 'mail.example.com:1@evil.example', 'ail.example.com:1']) {
    for (let turn = 0; turn < 2; turn++) expect(hosts.allows(host)).toBe(false)
  }
})

test.each([
  'evil.example',
  'evil.example:9437',
  'mail.example.com.evil.example',
  'xmail.example.com',
  'inner.example',
  'evilinner.example',
  'localhost.evil.example',
  'notlocalhost',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io',
  '0x7f000001',
  '127.1',
  '[evil.example]',
  '[::1].evil.example',
  'user@localhost',
  'localhost@evil.example',
  'localhost/evil',
  'localhost\\evil.example',
  'localhost evil.example',
  '',
  ':9437',
])('%s is not answered', host => {
  expect(hosts.allows(host)).toBe(false)
  expect(hosts.refusalOf({ host })).toMatchObject({ code: 'host_not_allowed', status: 421 })
})

test('each name that a request gives must be allowed, and a request may give none', () => {
  expect(hosts.refusalOf({})).toBeUndefined()
  expect(hosts.refusalOf({ ':authority': 'mail.example.com' })).toBeUndefined()
  for (const [authority, host] of [
    ['mail.example.com', 'evil.example'],
    ['evil.example', 'mail.example.com'],
  ]) {
    expect(hosts.refusalOf({ ':authority': authority, host })?.message).toContain('evil.example')
  }
})

test('a target that is a whole address gives a name too', () => {
  const host = 'localhost'
  expect(hosts.refusalOf({ host }, 'http://evil.example/health/live')?.message).toContain('evil.example')
  expect(hosts.refusalOf({ host }, 'HTTP://user@localhost/')).toMatchObject({ code: 'host_not_allowed' })
  expect(hosts.refusalOf({ host }, 'http://mail.example.com:80/?a=http://evil.example')).toBeUndefined()
  for (const target of ['/x?u=http://evil.example/', '//evil.example/', '*']) {
    expect(hosts.refusalOf({ host }, target)).toBeUndefined()
  }
})

test('a request gives one Host, however it is spelled', () => {
  expect(refuseSeveralHosts(['Accept', 'Host', 'Host', 'localhost', 'Xost', 'host'])).toBeUndefined()
  expect(refuseSeveralHosts(['Host', 'localhost', 'hOSt', 'localhost'])).toMatchObject({ status: 400 })
})

test('what is refused is told which name to allow where, and nothing else of what it sent', () => {
  expect(hosts.refusalOf({ host: 'mail.example.org:8080' })?.message).toMatch(
    /host name mail\.example\.org is not allowed\. .*RUSTYMAIL_ALLOWED_HOSTS/,
  )
  expect(hosts.refusalOf({ host: '<script>' })?.message).toContain('?script?')
})

test('a star answers by every name, and makes none of them ours', () => {
  const any = new AllowedHosts(['*'])
  expect(any.allows('evil.example')).toBe(true)
  expect(any.refusalOf({ host: 'evil.example' })).toBeUndefined()
  expect(any.isOurs('evil.example')).toBe(false)
  expect(any.isOurs('localhost:80')).toBe(true)
})
