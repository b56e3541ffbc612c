/** Normalises email addresses to ASCII domains, so that look-alikes differ. */
import { asciiName } from '../platform/network/ascii-name.ts'

/** Maximum length (RFC 5321, section 4.5.3.1.3) without the angle brackets. */
const maxAddress = 254
/**
 * Letters of any script and unquoted characters of RFC 5322; nothing that could be mistaken for the end of the address.
 */
const local = /^[^\s@<>()[\]\\,;:"\p{C}\p{Default_Ignorable_Code_Point}]+$/u

/** Domains already in canonical form: lower case, and without a final number, which could be part of an IP address. */
const usualDomain = /^(?:[a-z0-9_][a-z0-9._-]*\.)?[a-z]+$/

/** Returns the address with its domain in ASCII. @returns Undefined when it is no valid address. */
export function asciiAddress(email: string): string | undefined {
  if (Buffer.byteLength(email) > maxAddress) return undefined
  const at = email.lastIndexOf('@')
  const domain = domainOf(email)
  if (domain === undefined || !local.test(email.slice(0, at))) return undefined
  const address = `${email.slice(0, at)}@${domain}`
  return address.length > maxAddress ? undefined : address
}

/** Returns the domain in ASCII and lower case; undefined when there is none. */
export function domainOf(email: string): string | undefined {
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (domain === email || !local.test(domain)) return undefined
  const isUsual = usualDomain.test(domain) && !domain.includes('xn--')
  const ascii = isUsual ? domain : asciiName(domain)
  return /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/.test(ascii) && ascii.length <= 253 ? ascii : undefined
}
