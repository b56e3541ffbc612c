import { expect, test } from 'vitest'
import { readMozillaConfig } from './mozilla-config.ts'
import { judgeOffers } from './offered-servers.ts'
import { readProviderFiles, ShippedProviders } from './shipped-providers.ts'
import { hostNameOf, parseSoughtAddress } from './sought-address.ts'
import { shippedOutcome } from './sources.ts'

const ports = { imap: { implicit: [993], starttls: [143] }, smtp: { implicit: [465], starttls: [587] } }
const files = await readProviderFiles()

test.each([...files])('%s is right, read as any document of a stranger', async (file, text) => {
  const config = await readMozillaConfig(text)
  expect(file).toBe(`${config.id}.xml`)
  expect(config.name).not.toBe('')
  expect(config.domains).not.toHaveLength(0)
  for (const domain of [...config.domains, ...config.mxDomains]) expect(hostNameOf(domain)).toBe(domain)
  const address = parseSoughtAddress(`anna@${config.domains[0]}`)
  const isOwnMachine = config.offers.some(({ host }) => host === '127.0.0.1')
  const { settings, refused } = judgeOffers(config.offers, address, { isShipped: isOwnMachine })
  expect(refused).toEqual([])
  expect(settings?.smtp).not.toBeNull()
  expect(['anna', address.email]).toContain(settings?.imap.user)
  for (const { kind, host, port, security } of config.offers) {
    if (isOwnMachine) continue
    expect(hostNameOf(host)).toBe(host)
    expect(security === 'none' ? [] : ports[kind][security]).toContain(port)
  }
  const takesOauth = config.offers.some(({ auth }) => auth.includes('OAuth2'))
  expect(config.oauthIssuer !== undefined).toBe(takesOauth)
  if (config.oauthIssuer) expect(hostNameOf(config.oauthIssuer)).toBe(config.oauthIssuer)
  if (config.documentationUrl) expect(new URL(config.documentationUrl).protocol).toBe('https:')
})

test('no domain and no mail exchanger belongs to two of them', async () => {
  const { all } = await new ShippedProviders().table()
  expect(all.length).toBeGreaterThan(80)
  for (const names of [all.flatMap(({ domains }) => domains), all.flatMap(({ mxDomains }) => mxDomains)]) {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  }
})

test.each([
  ['aspmx.l.google.com', 'gmail.com'],
  ['smtp.google.com', 'gmail.com'],
  ['example-org.mail.protection.outlook.com', 'office365.com'],
  ['outlook-com.olc.protection.outlook.com', 'outlook.com'],
  ['in1-smtp.messagingengine.com', 'fastmail.com'],
  ['mx01.mail.icloud.com', 'icloud.com'],
  ['mail.protonmail.ch', 'proton.me'],
  ['mx.zoho.eu', 'imappro.zoho.eu'],
  ['aspmx1.migadu.com', 'migadu.com'],
  ['mxext1.mailbox.org', 'mailbox.org'],
  ['mx00.kundenserver.de', 'ionos.de'],
  ['notgoogle.com', undefined],
])('mail that goes to %s is of %s', async (exchanger, id) => {
  const table = await new ShippedProviders().table()
  expect(table.ofExchanger(exchanger)?.id).toBe(id)
})

test('iCloud logs in to IMAP with the name before the @; Proton is on this machine, and only our own data may say so', async () => {
  const table = await new ShippedProviders().table()
  expect(shippedOutcome(table.ofDomain('icloud.com')!, parseSoughtAddress('anna@icloud.com'))).toMatchObject({
    found: { settings: { imap: { user: 'anna' }, smtp: { user: 'anna@icloud.com', port: 587 } } },
  })
  const proton = table.ofDomain('proton.me')!
  const address = parseSoughtAddress('anna@proton.me')
  expect(shippedOutcome(proton, address)).toMatchObject({
    found: { settings: { imap: { host: '127.0.0.1', port: 1143, tls: 'starttls' } } },
  })
  expect(judgeOffers(proton.offers, address).settings).toBeUndefined()
})
