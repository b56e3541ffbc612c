/** Discovery of mail servers over the API, in a network with names of its own. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { type DiscoveryWorld, mozilla, server, startDiscoveries, step, usual } from '../support/discovery-world.ts'
import { unhurried } from '../support/named-network.ts'

let world: DiscoveryWorld

beforeAll(async () => {
  world = await startDiscoveries()
  return () => world.stop()
})

afterEach(() => world.calm())

const { path } = api.autoconfig.startDiscovery

test('the servers of a large provider are known without asking anybody', async () => {
  const found = await world.begin('Anna@GoogleMail.com')
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
  expect((await world.begin('a@outlook.com')).candidates[0]).toMatchObject({
    provider: 'Microsoft (Outlook.com, Hotmail)',
    takes_passwords: false,
  })
  expect([world.network.questions, world.network.requests, world.network.looks]).toEqual([[], [], []])
})

test('where mail signs in with Google or Microsoft, the servers found are among those that get their tokens', async () => {
  const { items } = await world.people.tell<{ items: OAuthProvider[] }>(
    world.people.admin,
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
    const { imap, smtp } = (await world.begin(email)).candidates[0]!
    const provider = items.find(each => each.id === id)!
    expect(provider.imap_hosts).toContain(imap.host)
    expect(provider.smtp_hosts).toContain(smtp!.host)
  }
})

test('the document of a domain is found, with its placeholders filled in, and nothing is guessed then', async () => {
  const user = '<authentication>password-encrypted</authentication><username>%EMAILLOCALPART%</username>'
  const found = await world.withDocument(
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
  expect(world.network.requests).toEqual([
    'GET autoconfig.example.org/mail/config-v1.1.xml?emailaddress=anna%40example.org',
  ])
  expect(step(found, 'guess').state).toBe('skipped')
  expect(world.network.looks).toEqual([])
})

test('service records are taken by priority and weight; a target of "." is no server', async () => {
  const srv = (name: string, target: string, port: number, priority = 0, weight = 0) =>
    world.network.record({ type: 'SRV', name: `${name}.example.org`, data: { target, port, priority, weight } })
  srv('_imaps._tcp', 'second.example.org', 993, 20)
  srv('_imaps._tcp', 'light.example.org', 993, 10, 1)
  srv('_imaps._tcp', 'imap.hoster.example', 1993, 10, 9)
  srv('_submissions._tcp', '.', 0)
  srv('_submission._tcp', 'smtp.hoster.example', 587)
  const found = await world.find('anna@example.org')
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
    world.network.record({ type: 'SRV', name: '_imaps._tcp.example.org', data })
  }
  expect((await world.find('anna@example.org')).candidates[0]?.imap.host).toBe(
    'a-server-with-a-long-name-17.example.org',
  )
})

test('the provider behind a domain of its own is known by where mail goes; its own document counts more', async () => {
  world.network.record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'aspmx.l.google.com' } })
  const known = await world.find('anna@example.org')
  expect(known.candidates).toMatchObject([
    {
      source: 'mx',
      provider: 'Google (Gmail, Workspace)',
      imap: { host: 'imap.gmail.com', user: 'anna@example.org' },
      is_elsewhere: false,
    },
  ])
  const both = await world.withDocument(mozilla(usual))
  expect(both.candidates.map(({ source }) => source)).toEqual(['autoconfig', 'mx'])
})

test('a hoster that is not known is asked for its document, which DNS alone vouches for', async () => {
  world.network
    .record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange: 'mx1.hoster.example' } })
    .host('autoconfig.hoster.example')
  world.network.serve = ({ host }) =>
    host === 'autoconfig.hoster.example' ? mozilla(server('imap', 'imap.hoster.example', 993)) : undefined
  const found = await world.find('anna@example.org')
  expect(found.candidates).toMatchObject([{ source: 'mx', imap: { host: 'imap.hoster.example' }, is_elsewhere: true }])
  expect(world.network.requests).toContain('GET autoconfig.hoster.example/mail/config-v1.1.xml')
})

test.each(['mailer.co.uk', 'mailer.uk.com', 'mailer.com.br', 'mailer.ne.jp'])(
  'no host "autoconfig" in the registry around the exchanger %s is asked',
  async exchange => {
    const around = exchange.slice('mailer.'.length)
    world.network
      .record({ type: 'MX', name: 'example.org', data: { preference: 10, exchange } })
      .host(`autoconfig.${around}`)
    const found = await world.find('anna@example.org')
    expect(step(found, 'mx')).toMatchObject({ state: 'nothing', words: expect.stringContaining(exchange) })
    expect(world.network.questions.filter(asked => asked.includes(around))).toEqual([])
    expect(world.network.requests.filter(asked => asked.includes(around))).toEqual([])
  },
)

test('a PACC document counts only with the digest that DNS has', async () => {
  const protocols = { imap: { host: 'imap.example.org' }, smtp: { host: 'smtp.example.org' } }
  const authentication = { 'oauth-public': { issuer: 'https://login.example.org/x' }, password: false }
  const body = JSON.stringify({ protocols, authentication, info: { provider: { name: 'X' } } })
  world.network.host('ua-auto-config.example.org')
  world.network.serve = () => ({ body })
  const [before] = await Promise.all([world.find('anna@example.org')])
  expect(step(before, 'pacc').state).toBe('nothing')
  expect(world.network.requests.filter(asked => asked.includes('ua-auto-config'))).toEqual([])

  const digest = (text: string) => `v=UAAC1; a=sha256; d=${createHash('sha256').update(text).digest('base64')}`
  world.network.record({ type: 'TXT', name: '_ua-auto-config.example.org', data: [digest('another')] })
  expect(step(await world.find('anna@example.org'), 'pacc')).toMatchObject({ state: 'failed' })

  world.network.record({ type: 'TXT', name: '_ua-auto-config.example.org', data: [digest(body)] })
  const found = await world.find('anna@example.org')
  expect(found.candidates[0]).toMatchObject({
    source: 'pacc',
    imap: { host: 'imap.example.org', port: 993, auth: ['oauth2'] },
    smtp: { host: 'smtp.example.org', port: 465 },
    takes_passwords: false,
    oauth_issuer: 'https://login.example.org/x',
  })
})

test('Autodiscover is queried with the address, escaped; servers that are not published are guessed by probing', async () => {
  world.network
    .host('autodiscover.example.org')
    .host('mail.example.org')
    .host('imap.example.org')
    .host('smtp.example.org')
  const bodies: string[] = []
  world.network.serve = ({ host, body }) => {
    if (host !== 'autodiscover.example.org') return undefined
    bodies.push(body)
    const protocol =
      '<Protocol><Type>IMAP</Type><Server>mail.example.org</Server><Port>993</Port><SSL>on</SSL></Protocol>'
    return {
      body: `<Autodiscover xmlns="a"><Response xmlns="b"><Account>${protocol}</Account></Response></Autodiscover>`,
    }
  }
  const found = await world.find("o'anna&co@example.org")
  expect(bodies[0]).toContain('<EMailAddress>o&#39;anna&#38;co@example.org</EMailAddress>')
  expect(found.candidates).toMatchObject([
    { source: 'autodiscover', imap: { host: 'mail.example.org', port: 993, tls: 'implicit' } },
    {
      source: 'guess',
      imap: { host: 'imap.example.org', port: 993, auth: ['password', 'oauth2'] },
      smtp: { host: 'smtp.example.org', port: 465, auth: ['password'] },
    },
  ])
  // Only the encrypted port of each kind.
  expect(new Set(world.network.looks)).toEqual(new Set([993, 465]))
})

test('the same servers from several sources are one, which the others confirm', async () => {
  world.network.host('example.org')
  const record = (name: string, port: number) =>
    world.network.record({ type: 'SRV', name: `${name}.example.org`, data: { target: 'mail.example.org', port } })
  record('_imaps._tcp', 993)
  record('_submissions._tcp', 465)
  const found = await world.withDocument(mozilla(usual))
  expect(found.candidates).toMatchObject([{ source: 'autoconfig', confirmed_by: ['srv'] }])
})

test('an internationalised domain is asked in its ASCII form', async () => {
  world.network.host('autoconfig.xn--bcher-kva.example')
  world.network.serve = () => mozilla(server('imap', 'imap.%EMAILDOMAIN%', 993))
  const found = await world.find('anna@bücher.example')
  expect(found.domain).toBe('xn--bcher-kva.example')
  expect(found.candidates[0]?.imap.host).toBe('imap.xn--bcher-kva.example')
})

test('hosts at private addresses are not connected to, and that is said', async () => {
  for (const name of ['autoconfig', 'imap', 'mail', 'smtp']) world.network.host(`${name}.example.net`, '192.168.7.7')
  const found = await world.find('anna@example.net')
  expect(step(found, 'autoconfig')).toMatchObject({
    state: 'failed',
    words: expect.stringContaining('private network'),
  })
  expect(step(found, 'guess')).toMatchObject({ state: 'failed', words: expect.stringContaining('private network') })
  expect([world.network.requests, world.network.looks]).toEqual([[], []])
})

test('the first good answer is there while others are silent, and these end in time', async () => {
  world.network.times = { ...unhurried, sourceMs: 2_000 }
  world.network.silent = (_, type) => type === 'SRV' || type === 'MX' || type === 'TXT'
  world.network.host('autoconfig.example.org').host('example.org')
  world.network.serve = ({ host }) => (host === 'autoconfig.example.org' ? mozilla(usual) : 'silent')
  let found = await world.begin('anna@example.org')
  while (found.candidates.length === 0) {
    expect(found.state).toBe('running')
    found = await world.people.tell(world.people.admin, 'GET', `${path}/${found.id}?since=${found.revision}&wait=10`)
  }
  expect(found.state).toBe('running')
  expect(step(found, 'srv').state).toBe('pending')
  const over = await world.find('anna@example.org')
  expect(over.id).toBe(found.id)
  expect(over.steps.filter(({ words }) => /no answer in time/i.test(words)).map(({ source }) => source)).toEqual([
    'pacc',
    'well_known',
    'srv',
    'mx',
  ])
})

test('a discovery is its caller’s alone, and not for tokens that see only some accounts', async () => {
  const found = await world.begin('anna@gmail.com')
  const other = await world.people.invite('administrator')
  expect((await world.people.ask(other.proof, 'GET', `${path}/${found.id}`)).status).toBe(404)
  const narrow = await world.people.token(['dashboard:admin'])
  const { status, text } = await world.people.ask(narrow.proof, 'POST', path, { email: 'anna@gmail.com' })
  expect([status, JSON.parse(text).code]).toEqual([403, 'beyond_own_rights'])
})
