/** Documents and addresses that nothing may come of when servers are looked for: each is refused in words. */
import { afterEach, beforeAll, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type DiscoveryWorld, mozilla, server, startDiscoveries, step, usual } from '../support/discovery-world.ts'
import { type Page, unhurried } from '../support/named-network.ts'

let world: DiscoveryWorld

beforeAll(async () => {
  world = await startDiscoveries()
  return () => world.stop()
})

afterEach(() => world.calm())

const laughs = `<!DOCTYPE x [<!ENTITY a "ha">${'bcdefgh'
  .split('')
  .map((name, index) => `<!ENTITY ${name} "${`&${'abcdefg'[index]};`.repeat(10)}">`)
  .join('')}]>`
test.each<[string, Page | 'drip', RegExp]>([
  [
    'an external entity',
    mozilla(`${usual}<x>&e;</x>`, '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
    /document type/,
  ],
  ['a billion laughs', mozilla(`<x>&h;</x>${usual}`, laughs), /document type/],
  ['an entity that is not declared', mozilla(`<x>&e;</x>${usual}`), /well-formed/],
  ['ten megabytes', { body: `<clientConfig>${' '.repeat(10 * 1024 * 1024)}</clientConfig>` }, /longer than 256 KiB/],
  ['an answer without end', 'drip', /No answer in time/],
  ['deep nesting', { body: '<a>'.repeat(100_000 / 4) + '</a>'.repeat(100_000 / 4) }, /nested more than/],
  ['very many elements', mozilla('<a/>'.repeat(5_000)), /more than 2000 elements/],
  [
    'very many attributes',
    { body: `<a ${Array.from({ length: 3_000 }, (_, index) => `a${index}=""`).join(' ')}/>` },
    /more than 2000 attributes/,
  ],
  ['broken XML', { body: '<clientConfig><emailProvider>' }, /well-formed/],
  ['other XML', { body: '<svg/>' }, /not an autoconfig document/],
  [
    'a redirect without https',
    { status: 302, headers: { location: 'http://autoconfig.example.org/x' } },
    /without https/,
  ],
  [
    'a redirect to a private address',
    { status: 301, headers: { location: 'https://inner.example.org/x' } },
    /private network/,
  ],
  [
    'a redirect to the cloud’s metadata',
    { status: 301, headers: { location: 'https://meta.example.org/x' } },
    /never connects/,
  ],
  ['a redirect to a number', { status: 301, headers: { location: 'https://10.0.0.1/x' } }, /not a usual host/],
  ['a redirect without end', { status: 301, headers: { location: '/again' } }, /not followed/],
  ['a public address as server', mozilla(server('imap', '93.184.216.34', 993)), /named by its address/],
  ['a private address as server', mozilla(server('imap', '192.168.1.1', 993)), /named by its address/],
  ['this machine as server', mozilla(server('imap', '127.0.0.1', 993)), /named by its address/],
  ['an IPv6 address as server', mozilla(server('imap', '[::1]', 993)), /named by its address/],
  ['a number in disguise', mozilla(server('imap', '0x7f.1', 993)), /not the name of a host/],
  ['control characters', mozilla(server('imap', 'imap.example.org&#10;X: y', 993)), /not the name of a host/],
  ['a port that does not exist', mozilla(server('imap', 'imap.example.org', 70_000)), /port that does not exist/],
  ['a port that is no number', mozilla(server('imap', 'imap.example.org', '99e1')), /port that does not exist/],
  [
    'no encryption',
    mozilla(server('imap', 'imap.example.org', 143, 'plain')),
    /imap\.example\.org:143 is named without encryption/,
  ],
  [
    'no way to log in',
    mozilla(server('imap', 'imap.example.org', 993, 'SSL', '<authentication>GSSAPI</authentication>')),
    /not supported \(GSSAPI\)/,
  ],
  [
    'a user with a line break',
    mozilla(server('imap', 'imap.example.org', 993, 'SSL', '<username>a b</username>')),
    /an invalid user/,
  ],
  [
    'POP3 alone',
    mozilla('<incomingServer type="pop3"><hostname>pop.example.org</hostname></incomingServer>'),
    /no IMAP server/,
  ],
  ['a failing server', { status: 500 }, /answers 500/],
])('%s is refused in words, and nothing comes of it', async (_, page, words) => {
  if (page === 'drip') world.network.times = { ...unhurried, sourceMs: 200 }
  world.network.host('inner.example.org', '10.0.0.1').host('meta.example.org', '169.254.169.254')
  const found = await world.withDocument(page)
  expect(step(found, 'autoconfig').words).toMatch(words)
  expect(found.candidates).toEqual([])
})

test('of a document the encrypted servers are offered, and the others named', async () => {
  const found = await world.withDocument(
    mozilla(server('imap', 'imap.example.org', 993) + server('smtp', 'smtp.example.org', 25, 'plain')),
  )
  expect(found.candidates).toMatchObject([{ imap: { host: 'imap.example.org' }, smtp: null }])
  expect(step(found, 'autoconfig').words).toContain('smtp.example.org:25 is named without encryption: not offered.')
})

test.each([
  'anna',
  'anna@',
  '@example.org',
  'anna@example',
  'anna@127.0.0.1',
  'anna@[127.0.0.1]',
  'anna@exa mple.org',
  'anna@example.org/x',
  'anna@localhost',
  'anna@printer.local',
  'a b@example.org',
])('no servers are looked for of %j', async email => {
  const { status, text } = await world.people.ask(world.people.admin, 'POST', api.autoconfig.startDiscovery.path, {
    email,
  })
  expect(status).toBe(400)
  expect(JSON.parse(text).errors[0].path).toBe('body.email')
  expect(world.network.questions).toEqual([])
})
