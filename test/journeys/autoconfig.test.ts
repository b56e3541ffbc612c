/** Addresses whose servers are looked for in a network with names of its own, over the API; and documents that are refused. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { Discovery, DiscoveryStep } from '../../contract/autoconfig.ts'
import { api } from '../../contract/index.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { greetingImap, greetingSmtp, NamedNetwork, type Page, unhurried } from '../support/named-network.ts'
import { type People, runApp } from '../support/people.ts'

const domains = ['example.org', 'example.net', 'hoster.example', 'xn--bcher-kva.example']
let network: NamedNetwork
let people: People

beforeAll(async () => {
  const names = domains.flatMap(name => [name, `*.${name}`])
  network = new NamedNetwork({ names, mail: { 993: greetingImap, 465: greetingSmtp } })
  const { people: made, stop } = await runApp({ overrides: { discovery: await network.start() } })
  people = made
  return async () => {
    await stop()
    await network.stop()
  }
})

afterEach(() => {
  network.records.clear()
  for (const list of [network.questions, network.requests, network.looks]) list.length = 0
  network.serve = () => undefined
  network.silent = () => false
  network.times = unhurried
})

const { path } = api.autoconfig.startDiscovery

async function begin(email: string): Promise<Discovery> {
  return people.tell<Discovery>(people.admin, 'POST', path, { email })
}

/** Asks until it is over, as the page does. */
async function find(email: string): Promise<Discovery> {
  let found = await begin(email)
  while (found.state === 'running') {
    found = await people.tell(people.admin, 'GET', `${path}/${found.id}?since=${found.revision}&wait=10`)
  }
  return found
}

function step(found: Discovery, source: DiscoveryStep['source'], place?: string): DiscoveryStep {
  return found.steps.find(each => each.source === source && (!place || each.place === place))!
}

function mozilla(servers: string, more = ''): Page {
  const provider = `<emailProvider id="x"><domain>example.org</domain><displayName>X</displayName>${servers}</emailProvider>`
  return {
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0"?>${more}<clientConfig>${provider}</clientConfig>`,
  }
}

function server(kind: 'imap' | 'smtp', host: string, port: string | number, socket = 'SSL', more = ''): string {
  const tag = kind === 'imap' ? 'incomingServer' : 'outgoingServer'
  return `<${tag} type="${kind}"><hostname>${host}</hostname><port>${port}</port><socketType>${socket}</socketType>${more}</${tag}>`
}

const usual = server('imap', 'mail.example.org', 993) + server('smtp', 'mail.example.org', 465)

/** One document at the first place of a domain. */
async function withDocument(page: Page | 'drip' | 'silent', email = 'anna@example.org'): Promise<Discovery> {
  network.host('autoconfig.example.org')
  network.serve = ({ host }) => (host === 'autoconfig.example.org' ? page : undefined)
  return find(email)
}

test('the servers of a large provider are known without asking anybody', async () => {
  const found = await begin('Anna@GoogleMail.com')
  expect(found.state).toBe('finished')
  expect(found.candidates).toHaveLength(1)
  expect(found.candidates[0]).toMatchObject({
    source: 'shipped',
    imap: {
      host: 'imap.gmail.com',
      port: 993,
      tls: 'implicit',
      user: 'Anna@GoogleMail.com',
      auth: ['password', 'oauth2'],
    },
    smtp: { host: 'smtp.gmail.com', port: 465, tls: 'implicit' },
    provider: 'Google (Gmail, Workspace)',
    oauth_issuer: 'https://accounts.google.com',
    takes_passwords: true,
  })
  expect(new Set(found.steps.slice(1).map(({ state }) => state))).toEqual(new Set(['skipped']))
  expect((await begin('a@outlook.com')).candidates[0]).toMatchObject({
    provider: 'Microsoft (Outlook.com, Hotmail)',
    takes_passwords: false,
  })
  expect([network.questions, network.requests, network.looks]).toEqual([[], [], []])
})

test('where mail signs in with Google or Microsoft, the servers found are among those that get their tokens', async () => {
  const { items } = await people.tell<{ items: OAuthProvider[] }>(
    people.admin,
    'GET',
    api.mailOAuth.listOAuthProviders.path,
  )
  const cases = {
    'a@gmail.com': 'google',
    'a@outlook.com': 'microsoft',
    'a@hotmail.com': 'microsoft',
    'a@live.com': 'microsoft',
  }
  for (const [email, id] of Object.entries(cases)) {
    const { imap, smtp } = (await begin(email)).candidates[0]!
    const provider = items.find(each => each.id === id)!
    expect(provider.imap_hosts).toContain(imap.host)
    expect(provider.smtp_hosts).toContain(smtp!.host)
  }
})

test('the document of a domain is found, with its placeholders filled in, and nothing is guessed then', async () => {
  const user = '<authentication>password-encrypted</authentication><username>%EMAILLOCALPART%</username>'
  const found = await withDocument(
    mozilla(
      server('imap', 'imap.%EMAILDOMAIN%', 143, 'STARTTLS', user) +
        server('imap', 'imap.%EMAILDOMAIN%', 993, 'SSL', user),
    ),
  )
  expect(found.candidates).toMatchObject([
    {
      source: 'autoconfig',
      imap: { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'anna', auth: ['password'] },
      smtp: null,
      user_form: 'local_part',
      is_elsewhere: false,
    },
  ])
  expect(network.requests).toEqual(['GET autoconfig.example.org/mail/config-v1.1.xml?emailaddress=anna%40example.org'])
  expect(step(found, 'guess').state).toBe('skipped')
  expect(network.looks).toEqual([])
})

test('service records are taken by priority and weight; a target of "." is no server', async () => {
  const srv = (name: string, target: string, port: number, priority = 0, weight = 0) =>
    network.record({ type: 'SRV', name: `${name}.example.org`, data: { target, port, priority, weight } })
  srv('_imaps._tcp', 'second.example.org', 993, 20)
  srv('_imaps._tcp', 'light.example.org', 993, 10, 1)
  srv('_imaps._tcp', 'imap.hoster.example', 1993, 10, 9)
  srv('_submissions._tcp', '.', 0)
  srv('_submission._tcp', 'smtp.hoster.example', 587)
  const found = await find('anna@example.org')
  expect(found.candidates).toMatchObject([
    {
      source: 'srv',
      imap: { host: 'imap.hoster.example', port: 1993, tls: 'implicit' },
      smtp: { host: 'smtp.hoster.example', port: 587, tls: 'starttls' },
      is_elsewhere: true,
    },
  ])
})

test('an answer of the name server that is too long for a datagram is asked for over TCP', async () => {
  for (let count = 0; count < 18; count++) {
    const data = {
      target: `a-server-with-a-long-name-${count}.example.org`,
      port: 993,
      priority: 20 - count,
      weight: 0,
    }
    network.record({ type: 'SRV', name: '_imaps._tcp.example.org', data })
  }
  expect((await find('anna@example.org')).candidates[0]?.imap.host).toBe('a-server-with-a-long-name-17.example.org')
})

test('the provider behind a domain of its own is known by where mail goes; its own document counts more', async () => {
  network.record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'aspmx.l.google.com' } })
  const known = await find('anna@example.org')
  expect(known.candidates).toMatchObject([
    {
      source: 'mx',
      provider: 'Google (Gmail, Workspace)',
      imap: { host: 'imap.gmail.com', user: 'anna@example.org' },
      is_elsewhere: false,
    },
  ])
  const both = await withDocument(mozilla(usual))
  expect(both.candidates.map(({ source }) => source)).toEqual(['autoconfig', 'mx'])
})

test('a hoster that is not known is asked for its document, which DNS alone vouches for', async () => {
  network
    .record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'mx1.hoster.example' } })
    .host('autoconfig.hoster.example')
  network.serve = ({ host }) =>
    host === 'autoconfig.hoster.example' ? mozilla(server('imap', 'imap.hoster.example', 993)) : undefined
  const found = await find('anna@example.org')
  expect(found.candidates).toMatchObject([{ source: 'mx', imap: { host: 'imap.hoster.example' }, is_elsewhere: true }])
})

test('a PACC document counts only with the digest that DNS has', async () => {
  const protocols = { imap: { host: 'imap.example.org' }, smtp: { host: 'smtp.example.org' } }
  const authentication = { 'oauth-public': { issuer: 'https://login.example.org/x' }, password: false }
  const body = JSON.stringify({ protocols, authentication, info: { provider: { name: 'X' } } })
  network.host('ua-auto-config.example.org')
  network.serve = () => ({ body })
  const [before] = await Promise.all([find('anna@example.org')])
  expect(step(before, 'pacc').state).toBe('nothing')
  expect(network.requests.filter(asked => asked.includes('ua-auto-config'))).toEqual([])

  const digest = (text: string) => `v=UAAC1; a=sha256; d=${createHash('sha256').update(text).digest('base64')}`
  network.record({ type: 'TXT', name: '_ua-auto-config.example.org', data: [digest('another')] })
  expect(step(await find('anna@example.org'), 'pacc')).toMatchObject({ state: 'failed' })

  network.record({ type: 'TXT', name: '_ua-auto-config.example.org', data: [digest(body)] })
  const found = await find('anna@example.org')
  expect(found.candidates[0]).toMatchObject({
    source: 'pacc',
    imap: { host: 'imap.example.org', port: 993, auth: ['oauth2'] },
    smtp: { host: 'smtp.example.org', port: 465 },
    takes_passwords: false,
    oauth_issuer: 'https://login.example.org/x',
  })
})

test('Autodiscover is asked with the address, escaped; what nobody publishes is guessed by looking', async () => {
  network.host('autodiscover.example.org').host('mail.example.org').host('imap.example.org').host('smtp.example.org')
  const bodies: string[] = []
  network.serve = ({ host, body }) => {
    if (host !== 'autodiscover.example.org') return undefined
    bodies.push(body)
    const protocol =
      '<Protocol><Type>IMAP</Type><Server>mail.example.org</Server><Port>993</Port><SSL>on</SSL></Protocol>'
    return {
      body: `<Autodiscover xmlns="a"><Response xmlns="b"><Account>${protocol}</Account></Response></Autodiscover>`,
    }
  }
  const found = await find("o'anna&co@example.org")
  expect(bodies[0]).toContain('<EMailAddress>o&#39;anna&#38;co@example.org</EMailAddress>')
  expect(found.candidates).toMatchObject([
    { source: 'autodiscover', imap: { host: 'mail.example.org', port: 993, tls: 'implicit' } },
    {
      source: 'guess',
      imap: { host: 'imap.example.org', port: 993, auth: ['password', 'oauth2'] },
      smtp: { host: 'smtp.example.org', port: 465, auth: ['password'] },
    },
  ])
  // Of each kind the encrypted port alone.
  expect(new Set(network.looks)).toEqual(new Set([993, 465]))
})

test('the same servers from several sources are one, which the others confirm', async () => {
  network.host('example.org')
  const record = (name: string, port: number) =>
    network.record({ type: 'SRV', name: `${name}.example.org`, data: { target: 'mail.example.org', port } })
  record('_imaps._tcp', 993)
  record('_submissions._tcp', 465)
  const found = await withDocument(mozilla(usual))
  expect(found.candidates).toMatchObject([{ source: 'autoconfig', confirmed_by: ['srv'] }])
})

test('an internationalised domain is asked in its ASCII form', async () => {
  network.host('autoconfig.xn--bcher-kva.example')
  network.serve = () => mozilla(server('imap', 'imap.%EMAILDOMAIN%', 993))
  const found = await find('anna@bücher.example')
  expect(found.domain).toBe('xn--bcher-kva.example')
  expect(found.candidates[0]?.imap.host).toBe('imap.xn--bcher-kva.example')
})

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
    /user that no server has/,
  ],
  [
    'POP3 alone',
    mozilla('<incomingServer type="pop3"><hostname>pop.example.org</hostname></incomingServer>'),
    /no IMAP server/,
  ],
  ['a failing server', { status: 500 }, /answers 500/],
])('%s is refused in words, and nothing comes of it', async (_, page, words) => {
  if (page === 'drip') network.times = { ...unhurried, sourceMs: 200 }
  network.host('inner.example.org', '10.0.0.1').host('meta.example.org', '169.254.169.254')
  const found = await withDocument(page)
  expect(step(found, 'autoconfig').words).toMatch(words)
  expect(found.candidates).toEqual([])
})

test('of a document the encrypted servers are offered, and the others named', async () => {
  const found = await withDocument(
    mozilla(server('imap', 'imap.example.org', 993) + server('smtp', 'smtp.example.org', 25, 'plain')),
  )
  expect(found.candidates).toMatchObject([{ imap: { host: 'imap.example.org' }, smtp: null }])
  expect(step(found, 'autoconfig').words).toContain('smtp.example.org:25 is named without encryption: not offered.')
})

test('hosts at private addresses are not connected to, and that is said', async () => {
  for (const name of ['autoconfig', 'imap', 'mail', 'smtp']) network.host(`${name}.example.net`, '192.168.7.7')
  const found = await find('anna@example.net')
  expect(step(found, 'autoconfig')).toMatchObject({
    state: 'failed',
    words: expect.stringContaining('private network'),
  })
  expect(step(found, 'guess')).toMatchObject({ state: 'failed', words: expect.stringContaining('private network') })
  expect([network.requests, network.looks]).toEqual([[], []])
})

test('the first good answer is there while others are silent, and these end in time', async () => {
  network.times = { ...unhurried, sourceMs: 2_000 }
  network.silent = (_, type) => type === 'SRV' || type === 'MX' || type === 'TXT'
  network.host('autoconfig.example.org').host('example.org')
  network.serve = ({ host }) => (host === 'autoconfig.example.org' ? mozilla(usual) : 'silent')
  let found = await begin('anna@example.org')
  while (found.candidates.length === 0) {
    expect(found.state).toBe('running')
    found = await people.tell(people.admin, 'GET', `${path}/${found.id}?since=${found.revision}&wait=10`)
  }
  expect(found.state).toBe('running')
  expect(step(found, 'srv').state).toBe('pending')
  const over = await find('anna@example.org')
  expect(over.id).toBe(found.id)
  expect(over.steps.filter(({ words }) => /no answer in time/i.test(words)).map(({ source }) => source)).toEqual([
    'pacc',
    'well_known',
    'srv',
    'mx',
  ])
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
  const { status, text } = await people.ask(people.admin, 'POST', path, { email })
  expect(status).toBe(400)
  expect(JSON.parse(text).errors[0].path).toBe('body.email')
  expect(network.questions).toEqual([])
})

test('a discovery is its caller’s alone, and not for tokens that see only some accounts', async () => {
  const found = await begin('anna@gmail.com')
  const other = await people.invite('administrator')
  expect((await people.ask(other.proof, 'GET', `${path}/${found.id}`)).status).toBe(404)
  const narrow = await people.token(['dashboard:admin'])
  const { status, text } = await people.ask(narrow.proof, 'POST', path, { email: 'anna@gmail.com' })
  expect([status, JSON.parse(text).code]).toEqual([403, 'beyond_own_rights'])
})
