/** Whether a message came from the domain that its From names, as the mail server of the account found it: nobody else is believed. */
import { type Address, AuthResult, type SenderAuth } from '../../contract/mail.ts'
import { type AuthClaim, type AuthField, type HeaderField, readAuthField, readFields } from '../imap/header-fields.ts'
import { domainOf } from './ascii-address.ts'

/**
 * @param head The beginning of the message, as far as it was read.
 * @param border Undefined where it is not known who may say so.
 * @returns Null unless the account's own server said something.
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
  return { verdict: verdictOf(claims, domain), domain, spf, dkim, dmarc }
}

/**
 * Those of the topmost field that the border wrote; undefined when it wrote none. Each server puts its fields above those that were
 * there: so nothing counts below a Received of somebody else's machine. Of fields that follow each other, where a border writes one
 * for each method, the first counts for a method.
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

function isTrusted({ serverId }: AuthField, { serverIds, isUnnamed }: BorderServers): boolean {
  if (serverId === undefined) return isUnnamed
  return serverIds.some(id => isWithin(serverId, id))
}

/** One without a name, or with an address, is inside of the provider: those at the border say who they are. */
function isOwnMachine(received: string, { machines }: BorderServers): boolean {
  const [, by] = /\bby\s{1,10}([^\s;()]{1,255})/i.exec(received.replaceAll(/\([^()]*\)/g, ' ')) ?? []
  if (by === undefined || /^[\d.:a-f[\]]+$/i.test(by) || !by.includes('.')) return true
  return machines.some(machine => isWithin(by, machine))
}

function resultOf(claims: readonly AuthClaim[], method: string): AuthResult | null {
  const results = claims.filter(claim => claim.method === method).map(({ result }) => toResult(result))
  // Of several signatures one that is good is enough.
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
  // Of two that do not agree the worse one counts.
  if (isAbout && dmarc.some(({ result }) => result === 'fail')) return 'failed'
  if (isAbout && dmarc.length > 0 && dmarc.every(({ result }) => result === 'pass')) return 'verified'
  if (dmarc.some(({ result }) => result !== 'none' && result !== 'bestguesspass')) return 'unverified'
  return claims.some(claim => speaksFor(claim, domain)) ? 'verified' : 'unverified'
}

/** A signature, or a sender of the envelope, of the domain itself or of one that it is a part of. */
function speaksFor({ method, result, properties }: AuthClaim, domain: string): boolean {
  if (result !== 'pass') return false
  const of = method === 'dkim' ? ['header.d', 'header.i'] : method === 'spf' ? ['smtp.mailfrom'] : []
  return of.some(name => {
    const signed = domainOf(`@${bareDomain(properties.get(name))}`)
    return signed?.includes('.') && isWithin(domain, signed)
  })
}

function bareDomain(address = ''): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

/** Whose Authentication-Results count: the border servers of known providers, and those that an administrator names. */
interface BorderServers {
  /** Names by which it signs what it found, or the ends of such names. */
  serverIds: readonly string[]
  /** Whether its field names nobody. */
  isUnnamed: boolean
  /** Whether it writes one field for all methods, so that a second one is a stranger's. */
  isSingle: boolean
  /** Ends of the names of its machines, in `by` of Received. */
  machines: readonly string[]
}

/** A mail server that an administrator believes: by the name of its IMAP server, and what its fields begin with. */
export interface NamedAuthServer {
  imapHost: string
  serverId: string
}

/**
 * Of IMAP servers, by the ends of their names. Each of these writes the field into all that comes from outside and takes forged
 * ones of its own name out (RFC 8601, section 5).
 */
const known: readonly [imapHosts: readonly string[], servers: BorderServers][] = [
  [['gmail.com', 'googlemail.com'], { ...of('google.com', 'googlemail.com'), serverIds: ['mx.google.com'] }],
  [
    ['outlook.com', 'office365.com', 'hotmail.com'],
    { ...of('outlook.com', 'office365.com', 'exchangelabs.com'), serverIds: ['mx.microsoft.com'], isUnnamed: true },
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

/** @param named They come before what is known. */
export function borderOf(imapHost: string, named: readonly NamedAuthServer[]): BorderServers | undefined {
  const ids = named
    .filter(pair => pair.imapHost === imapHost.toLowerCase())
    .map(({ serverId }) => serverId.toLowerCase())
  if (ids.length > 0)
    return { serverIds: ids, isUnnamed: false, isSingle: false, machines: [imapHost.toLowerCase(), ...ids] }
  return known.find(([hosts]) => hosts.some(host => isWithin(imapHost, host)))?.[1]
}

function isWithin(name: string, domain: string): boolean {
  const small = name.toLowerCase()
  return small === domain || small.endsWith(`.${domain}`)
}

function of(...domains: string[]): BorderServers {
  return { serverIds: domains, isUnnamed: false, isSingle: true, machines: domains }
}
