/** Parses and validates an address whose servers are to be discovered, with its domain in ASCII. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { badInput, type Problem } from '../platform/problem.ts'

export interface SoughtAddress {
  /** The address as typed. */
  email: string
  localPart: string
  /** The domain in ASCII (IDNA), lower case. */
  domain: string
}

const hostNameRe =
  /^(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** Matches names outside the public DNS (RFC 6761, RFC 6762, RFC 8375, RFC 9476), for which nothing can be found. */
const privateTopRe = /(^|\.)(localhost|local|internal|invalid|onion|alt|home\.arpa)$/
/** Matches two letters below any TLD, and the second-level words that countries use. */
const registryRe =
  /^(?:[a-z]{2}\.[a-z0-9-]+|(?:com|net|org|edu|gov|govt|gob|gouv|mil|int|info|biz|name|pro|web|nom|asso|ltd|plc|sch|school|nhs|police|asn|gen|mod|coop|firm|store|press)\.[a-z]{2})$/

/** @throws Problem bad_request. */
export function parseSoughtAddress(email: string): SoughtAddress {
  const at = email.lastIndexOf('@')
  const [localPart, typed] = [email.slice(0, at), email.slice(at + 1)]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  if (at < 1 || localPart.length > 64 || /[\s@"\\<>,;:()[\]\x00-\x1f\x7f]/.test(localPart)) {
    throw wrong('enter one full address, such as anna@example.org')
  }
  const domain = hostNameOf(typed)
  if (domain === undefined) throw wrong('the part after the @ is not a domain name')
  if (privateTopRe.test(domain)) throw wrong(`nothing is published about ${domain}; enter the servers yourself`)
  return { email, localPart, domain }
}

/**
 * Returns a name of at least two labels in ASCII and lower case; undefined for anything else, including IP addresses.
 */
export function hostNameOf(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  if (text.length > 253 || /[\s\x00-\x1f\x7f%/?#@:\\[\]]/.test(text)) return undefined
  const name = domainToASCII(text).toLowerCase().replace(/\.$/, '')
  return isIP(name) === 0 && hostNameRe.test(name) ? name : undefined
}

/** Returns true if a host is the domain itself or below it. */
export function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

/**
 * Returns true if names below it belong to different people, as with `co.uk`, `uk.com` and `asso.fr`. Judged by its
 * form, without a complete list: a hoster taken for a registry is merely not asked.
 */
export function isOfRegistry(domain: string): boolean {
  return registryRe.test(domain)
}

function wrong(message: string): Problem {
  return badInput('body.email', message)
}
