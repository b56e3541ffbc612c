/**
 * Judges what a source offers: only encrypted servers with valid names and supported login methods pass. The rest is
 * reported, not offered.
 */
import { isIP } from 'node:net'
import type { DiscoveredServer } from '../../contract/autoconfig.ts'
import { hostNameOf, type SoughtAddress } from './sought-address.ts'
import { shownText } from './xml-document.ts'

export interface OfferedServer {
  kind: 'imap' | 'smtp'
  host: string
  port: number
  security: 'implicit' | 'starttls' | 'none'
  /** May contain placeholders of Mozilla's format; undefined means the address. */
  user?: string | undefined
  /** The source's names of login methods; empty if it does not say. */
  auth: readonly string[]
}

/** The settings of an address, without their source. */
export interface FoundSettings {
  imap: DiscoveredServer
  smtp: DiscoveredServer | null
  oauthIssuer: string | null
}

export interface Judged {
  settings: FoundSettings | undefined
  /** The reasons why servers are not offered, a sentence each. */
  refused: readonly string[]
}

/** Upper bound of servers read from one file. */
const mostServers = 40
const mostRefusals = 3

const waysIn: Readonly<Record<string, DiscoveredServer['auth'][number]>> = {
  'password-cleartext': 'password',
  'password-encrypted': 'password',
  // Older names of the same.
  plain: 'password',
  secure: 'password',
  oauth2: 'oauth2',
}

/**
 * Returns the best server of each kind: implicit TLS before STARTTLS (RFC 8314), otherwise in the order of the source.
 * @param isShipped True for our own data, which alone may name a server on this machine.
 */
export function judgeOffers(
  offers: readonly OfferedServer[],
  address: SoughtAddress,
  { isShipped = false, oauthIssuer }: { isShipped?: boolean; oauthIssuer?: string | undefined } = {},
): Judged {
  const refused = new Set<string>()
  const best = (kind: OfferedServer['kind']) => {
    const good: DiscoveredServer[] = []
    for (const offer of offers.slice(0, mostServers)) {
      if (offer.kind !== kind) continue
      const judged = judge(offer, address, isShipped)
      if (typeof judged === 'string') refused.add(judged)
      else good.push(judged)
    }
    return good.find(({ tls }) => tls === 'implicit') ?? good[0]
  }
  const [imap, smtp] = [best('imap'), best('smtp')]
  return {
    settings: imap && { imap, smtp: smtp ?? null, oauthIssuer: issuerOf(oauthIssuer) },
    refused: [...refused].slice(0, mostRefusals),
  }
}

function judge(offer: OfferedServer, address: SoughtAddress, isShipped: boolean): DiscoveredServer | string {
  const name = filled(offer.host, address)
  const number = name.replace(/^\[|\]$/g, '')
  const isOwnMachine = isShipped && number === '127.0.0.1'
  if (isIP(number) > 0 && !isOwnMachine) {
    return `The server ${shownText(number)} is named by its address, and no certificate proves whose it is: not offered.`
  }
  const host = isOwnMachine ? number : hostNameOf(name)
  if (host === undefined) return `${nameOf(name)} is not the name of a host: not offered.`
  const { port, security } = offer
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return `${host} is named with a port that does not exist: not offered.`
  if (security === 'none') return `${host}:${port} is named without encryption: not offered.`
  const auth = waysOf(offer.auth)
  if (auth.length === 0) {
    return `${host}:${port} allows only ways to log in that are not supported (${shownText(offer.auth.join(', '))}): not offered.`
  }
  const user = filled(offer.user ?? '%EMAILADDRESS%', address)
  if (!/^[^\s\p{C}]{1,320}$/u.test(user)) return `${host}:${port} is named with an invalid user: not offered.`
  return { host, port, tls: security, user, auth }
}

function nameOf(name: string): string {
  return shownText(name) === '' ? 'A server without a name' : `“${shownText(name)}”`
}

function waysOf(names: readonly string[]): DiscoveredServer['auth'] {
  if (names.length === 0) return ['password']
  const ways = names.map(name => waysIn[name.toLowerCase()]).filter(way => way !== undefined)
  return [...new Set(ways)]
}

function filled(text: string, { email, localPart, domain }: SoughtAddress): string {
  return text
    .trim()
    .replaceAll(/%(EMAILADDRESS|EMAILLOCALPART|EMAILDOMAIN)%/g, (_, name: string) =>
      name === 'EMAILADDRESS' ? email : name === 'EMAILDOMAIN' ? domain : localPart,
    )
}

/** Returns the issuer's URL: Mozilla's format names a host, PACC a URL. */
function issuerOf(text: string | undefined): string | null {
  if (text === undefined) return null
  const url = URL.parse(/^https?:/i.test(text) ? text : `https://${text}`)
  if (url?.protocol !== 'https:' || url.username !== '' || hostNameOf(url.hostname) === undefined) return null
  return url.href.length > 300 ? null : url.href.replace(/\/$/, '')
}
