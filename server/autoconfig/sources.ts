/**
 * The sources that may know the servers of an address, and how each is asked. Results are judged in
 * `offered-servers.ts`.
 */
import type { DiscoverySource } from '../../contract/autoconfig.ts'
import { autodiscoverRequest, readAutodiscover } from './autodiscover-config.ts'
import type { DiscoveryTimes } from './discovery-times.ts'
import { guessServers, type LookAtServer } from './guessed-servers.ts'
import { type MozillaConfig, readMozillaConfig } from './mozilla-config.ts'
import type { NameServer, SrvRecord } from './name-server.ts'
import { judgeOffers, type OfferedServer } from './offered-servers.ts'
import { type Outcome, outcomeOf, PlaceFault } from './outcome.ts'
import { digestsIn, hasDigest, readPacc } from './pacc-config.ts'
import type { ProviderTable } from './shipped-providers.ts'
import { hostNameOf, isOfRegistry, isWithin, type SoughtAddress } from './sought-address.ts'
import type { FetchDocument } from './web-documents.ts'

/** The tools that sources use. */
export interface SourceTools {
  names: NameServer
  fetchDocument: FetchDocument
  look: LookAtServer
  providers: ProviderTable
  times: DiscoveryTimes
}

export interface Source {
  source: DiscoverySource
  place: string
  /** True if it is asked only when the others soon find nothing. */
  isLast: boolean
  query(signal: AbortSignal): Promise<Outcome>
}

export function sourcesFor(address: SoughtAddress, tools: SourceTools): Source[] {
  const { domain, email } = address
  const query = `?emailaddress=${encodeURIComponent(email)}`
  const autoconfig = (url: string) => (signal: AbortSignal) => queryMozilla(url, address, tools, signal)
  const autodiscover = (host: string): Source => ({
    source: 'autodiscover',
    place: host,
    isLast: true,
    query: async signal => {
      const url = `https://${host}/autodiscover/autodiscover.xml`
      const { text } = await tools.fetchDocument({ url, body: autodiscoverRequest(email), signal })
      return outcomeOf(judgeOffers(await readAutodiscover(text), address))
    },
  })
  const soon = { isLast: false }
  return [
    { ...soon, source: 'pacc', place: `ua-auto-config.${domain}`, query: signal => queryPacc(address, tools, signal) },
    {
      ...soon,
      source: 'autoconfig',
      place: `autoconfig.${domain}`,
      query: autoconfig(`https://autoconfig.${domain}/mail/config-v1.1.xml${query}`),
    },
    {
      ...soon,
      source: 'well_known',
      place: domain,
      query: autoconfig(`https://${domain}/.well-known/autoconfig/mail/config-v1.1.xml`),
    },
    { ...soon, source: 'srv', place: `_imaps._tcp.${domain}`, query: () => queryServices(address, tools) },
    { ...soon, source: 'mx', place: domain, query: signal => queryExchangers(address, tools, signal) },
    autodiscover(`autodiscover.${domain}`),
    autodiscover(domain),
    {
      source: 'guess',
      place: `imap.${domain}, mail.${domain}, smtp.${domain}`,
      isLast: true,
      query: signal => guessServers(address, tools, signal),
    },
  ]
}

/** Returns the outcome of our own data, whose servers need no probe. */
export function shippedOutcome(config: MozillaConfig, address: SoughtAddress): Outcome {
  return outcomeOf(judgeOffers(config.offers, address, { isShipped: true, oauthIssuer: config.oauthIssuer }), {
    provider: config,
  })
}

async function queryMozilla(
  url: string,
  address: SoughtAddress,
  tools: SourceTools,
  signal: AbortSignal,
): Promise<Outcome> {
  const { text } = await tools.fetchDocument({ url, signal })
  const { offers, oauthIssuer } = await readMozillaConfig(text)
  return outcomeOf(judgeOffers(offers, address, { oauthIssuer }))
}

/** Queries the digest first: a domain without one is not asked for a document. */
async function queryPacc(address: SoughtAddress, tools: SourceTools, signal: AbortSignal): Promise<Outcome> {
  const host = `ua-auto-config.${address.domain}`
  const digests = digestsIn(await tools.names.texts(`_ua-auto-config.${address.domain}`))
  if (digests.length === 0) return { state: 'nothing', words: 'The domain publishes no digest of such a document.' }
  const url = `https://${host}/.well-known/user-agent-configuration.json`
  const { bytes, text } = await tools.fetchDocument({ url, signal })
  if (!hasDigest(bytes, digests))
    return { state: 'failed', words: 'The document is not the one that DNS names: refused.' }
  const { offers, oauthIssuer } = readPacc(text)
  return outcomeOf(judgeOffers(offers, address, { oauthIssuer }))
}

async function queryServices(address: SoughtAddress, { names }: SourceTools): Promise<Outcome> {
  const { offers, isDeclined } = await srvOffers(names, address.domain)
  if (offers.length === 0) {
    const words = isDeclined ? 'The domain says that it offers no such service.' : 'There are no such records.'
    return { state: 'nothing', words }
  }
  return outcomeOf(judgeOffers(offers, address), { isByDnsAlone: true })
}

async function queryExchangers(address: SoughtAddress, tools: SourceTools, signal: AbortSignal): Promise<Outcome> {
  const records = await tools.names.exchangers(address.domain)
  const hosts = records
    .sort((one, other) => one.priority - other.priority)
    .flatMap(({ exchange }) => hostNameOf(exchange) ?? [])
  const known = hosts.flatMap(host => tools.providers.ofExchanger(host) ?? [])[0]
  if (known) {
    const outcome = shippedOutcome(known, address)
    return outcome.state === 'found' ? { ...outcome, words: `Mail goes to ${known.name}. ${outcome.words}` } : outcome
  }
  const [host] = hosts
  if (host === undefined) return { state: 'nothing', words: 'The domain names no server that receives mail.' }
  const parent = host.slice(host.indexOf('.') + 1)
  const nothing: Outcome = {
    state: 'nothing',
    words: `Mail goes to ${host}, which does not belong to a known provider.`,
  }
  if (isWithin(host, address.domain) || hostNameOf(parent) === undefined || isOfRegistry(parent)) return nothing
  try {
    // Sent without the address, since only unsigned DNS relates this host to it.
    const outcome = await queryMozilla(`https://autoconfig.${parent}/mail/config-v1.1.xml`, address, tools, signal)
    if (outcome.state !== 'found') return outcome
    return { ...outcome, found: { ...outcome.found, isByDnsAlone: true } }
  } catch (error) {
    if (error instanceof PlaceFault && error.state === 'nothing') return nothing
    throw error
  }
}

const services = [
  { label: '_imaps._tcp', kind: 'imap', security: 'implicit' },
  { label: '_imap._tcp', kind: 'imap', security: 'starttls' },
  { label: '_submissions._tcp', kind: 'smtp', security: 'implicit' },
  { label: '_submission._tcp', kind: 'smtp', security: 'starttls' },
] as const

interface ServiceOffers {
  offers: OfferedServer[]
  /** True if a record declares that the service does not exist. */
  isDeclined: boolean
}

/** Reads SRV records of mail servers (RFC 6186, RFC 8314), and returns for each service the one to try first. */
async function srvOffers(names: Pick<NameServer, 'services'>, domain: string): Promise<ServiceOffers> {
  const answers = await Promise.all(services.map(({ label }) => names.services(`${label}.${domain}`)))
  const offers = services.flatMap(({ kind, security }, index): OfferedServer[] => {
    const record = firstOf(answers[index]!)
    return record ? [{ kind, security, host: record.name, port: record.port, auth: [] }] : []
  })
  return { offers, isDeclined: answers.flat().some(({ name }) => isNowhere(name)) }
}

/**
 * Picks the lowest priority, then the highest weight: there is one user to direct, no load to spread. A target of `.`
 * means that there is no service.
 */
function firstOf(records: readonly SrvRecord[]): SrvRecord | undefined {
  return records
    .filter(({ name }) => !isNowhere(name))
    .toSorted((one, other) => one.priority - other.priority || other.weight - one.weight)[0]
}

function isNowhere(name: string): boolean {
  return name === '' || name === '.'
}
