/**
 * Determines whether a message really came from the domain in From, as verified by the account's own mail server only.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { type Address, AuthResult, type SenderAuth } from '../../contract/mail.ts'
import { type AuthClaim, type AuthField, type HeaderField, readAuthField, readFields } from '../imap/header-fields.ts'
import { domainOf } from './ascii-address.ts'
import { unsignedFields } from './unsigned-fields.ts'

/**
 * @param head The beginning of the message, as far as it was read.
 * @param border Undefined when no server is trusted.
 * @returns Null unless the account's own server reported something.
 */
export function senderAuth(
  head: string,
  from: readonly Address[],
  border: BorderServers | undefined,
): SenderAuth | null {
  if (!border) return null
  const claims = trustedClaims(readFields(head), border)
  if (!claims) return null
  const domain = from.length === 1 ? (domainOf(from[0]!.email) ?? null) : null
  const [spf, dkim, dmarc] = [resultOf(claims, 'spf'), resultOf(claims, 'dkim'), resultOf(claims, 'dmarc')]
  const verdict = verdictOf(claims, domain)
  const unsigned = verdict === 'verified' && domain !== null ? unsignedBy(claims, domain, head) : []
  return { verdict, domain, spf, dkim, dmarc, unsigned }
}

/** A message without a signature that only the servers of its domain may send (SPF) came from them as it is. */
function unsignedBy(claims: readonly AuthClaim[], domain: string, head: string): SenderAuth['unsigned'] {
  const isAligned = (other: string) => other.includes('.') && (isWithin(domain, other) || isWithin(other, domain))
  const passed = claims.filter(({ result }) => result === 'pass')
  const isSent = passed.some(claim => claim.method === 'spf' && domainsOf(claim).some(isAligned))
  const isSigned = passed.some(claim => {
    const domains = claim.method === 'dkim' ? domainsOf(claim) : []
    return claim.method === 'dkim' && (domains.length === 0 || domains.some(isAligned))
  })
  return isSent && !isSigned ? [] : unsignedFields(head, isAligned)
}

/**
 * Returns the claims of the topmost trusted field; undefined when there is none. Servers prepend fields, so nothing
 * below a foreign Received counts. Where a border writes consecutive fields, one per method, the first one per method
 * wins.
 */
function trustedClaims(fields: readonly HeaderField[], border: BorderServers): AuthClaim[] | undefined {
  let claims: AuthClaim[] | undefined
  for (const { name, value } of fields) {
    const field = name === 'authentication-results' ? readAuthField(value) : undefined
    const isOurs = field !== undefined && isTrusted(field, border)
    if (claims && !isOurs) return claims
    if (name === 'received' && !isOwnMachine(value, border)) return undefined
    if (!isOurs) continue
    const before = claims ?? []
    claims = [...before, ...field.claims.filter(({ method }) => !before.some(claim => claim.method === method))]
    if (border.isSingle) return claims
  }
  return claims
}

function isTrusted({ serverId }: AuthField, { serverIds, isExact, isUnnamed }: BorderServers): boolean {
  if (serverId === undefined) return isUnnamed
  return serverIds.some(id => (isExact ? lowerAscii(serverId) === id : isWithin(serverId, id)))
}

/** True for a machine without a name or with an IP address, which is internal: border servers identify themselves. */
function isOwnMachine(received: string, { machines }: BorderServers): boolean {
  const [, by] = /\bby\s{1,10}([^\s;()]{1,255})/i.exec(received.replaceAll(/\([^()]*\)/g, ' ')) ?? []
  if (by === undefined || /^[\d.:a-f[\]]+$/i.test(by) || !by.includes('.')) return true
  return machines.some(machine => isWithin(by, machine))
}

function resultOf(claims: readonly AuthClaim[], method: string): AuthResult | null {
  const results = claims.filter(claim => claim.method === method).map(({ result }) => toResult(result))
  // One valid signature of several is enough.
  return results.includes('pass') ? 'pass' : (results[0] ?? null)
}

function toResult(word: string): AuthResult | null {
  const known = word === 'hardfail' ? 'fail' : word
  return AuthResult.options.find(option => option === known) ?? null
}

function verdictOf(claims: readonly AuthClaim[], domain: string | null): SenderAuth['verdict'] {
  if (domain === null) return 'unverified'
  const dmarc = claims.filter(({ method }) => method === 'dmarc')
  const isAbout = dmarc.every(({ properties }) => domainOf(`@${bareDomain(properties.get('header.from'))}`) === domain)
  // If results contradict each other, the worse one counts.
  if (isAbout && dmarc.some(({ result }) => result === 'fail')) return 'failed'
  if (isAbout && dmarc.length > 0 && dmarc.every(({ result }) => result === 'pass')) return 'verified'
  if (dmarc.some(({ result }) => result !== 'none' && result !== 'bestguesspass')) return 'unverified'
  return claims.some(claim => speaksFor(claim, domain)) ? 'verified' : 'unverified'
}

/** True for a signature or envelope sender of the domain or a parent domain. */
function speaksFor(claim: AuthClaim, domain: string): boolean {
  return claim.result === 'pass' && domainsOf(claim).some(signed => signed.includes('.') && isWithin(domain, signed))
}

/** Returns the domains that a claim names: of a signature, or of the envelope sender. */
function domainsOf({ method, properties }: AuthClaim): string[] {
  const of = method === 'dkim' ? ['header.d', 'header.i'] : method === 'spf' ? ['smtp.mailfrom'] : []
  return of.flatMap(name => domainOf(`@${bareDomain(properties.get(name))}`) || [])
}

function bareDomain(address = ''): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

/** Servers whose Authentication-Results are trusted: those of known providers, and those named by an administrator. */
interface BorderServers {
  /** Authserv-ids, or their suffixes unless `isExact`. */
  serverIds: readonly string[]
  /** True when it removes forged fields of these very names only. */
  isExact: boolean
  /** True when its field names no authserv-id. */
  isUnnamed: boolean
  /** True when it writes one field for all methods, so that a second one is forged. */
  isSingle: boolean
  /** Suffixes of its host names in `by` of Received. */
  machines: readonly string[]
}

/** A mail server trusted by an administrator: the IMAP host, and the authserv-id of its fields. */
export interface NamedAuthServer {
  imapHost: string
  serverId: string
}

/**
 * Border servers by suffix of the IMAP host. Each adds the field to all incoming mail and removes forged ones of its
 * own name (RFC 8601, section 5).
 */
const known: readonly [imapHosts: readonly string[], servers: BorderServers][] = [
  [
    ['gmail.com', 'googlemail.com'],
    { ...of('google.com', 'googlemail.com'), serverIds: ['mx.google.com'], isExact: true },
  ],
  [
    ['outlook.com', 'office365.com', 'hotmail.com'],
    {
      ...of('outlook.com', 'office365.com', 'exchangelabs.com'),
      serverIds: ['mx.microsoft.com'],
      isExact: true,
      isUnnamed: true,
    },
  ],
  [['fastmail.com'], of('messagingengine.com', 'fastmail.com')],
  [['mail.yahoo.com', 'aol.com'], of('yahoo.com', 'aol.com')],
  [['mail.me.com', 'icloud.com'], { ...of('icloud.com', 'me.com', 'apple.com'), isSingle: false }],
  [
    ['zoho.com', 'zoho.eu', 'zoho.in'],
    of('zohomail.com', 'zoho.com', 'zoho.eu', 'zohomail.eu', 'zoho.in', 'zohomail.in'),
  ],
  [['gmx.net', 'gmx.com', 'web.de'], of('gmx.net', 'gmx.com', 'web.de', 'kundenserver.de')],
]

/** @param named Takes precedence over known providers. */
export function borderOf(imapHost: string, named: readonly NamedAuthServer[]): BorderServers | undefined {
  const ids = named.filter(pair => pair.imapHost === lowerAscii(imapHost)).map(({ serverId }) => lowerAscii(serverId))
  const machines = [lowerAscii(imapHost), ...ids]
  if (ids.length > 0) return { serverIds: ids, isExact: true, isUnnamed: false, isSingle: false, machines }
  return known.find(([hosts]) => hosts.some(host => isWithin(imapHost, host)))?.[1]
}

function isWithin(name: string, domain: string): boolean {
  const small = lowerAscii(name)
  return small === domain || small.endsWith(`.${domain}`)
}

function of(...domains: string[]): BorderServers {
  return { serverIds: domains, isExact: false, isUnnamed: false, isSingle: true, machines: domains }
}
