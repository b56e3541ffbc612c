/** Addresses in ASCII, which cannot be taken for one another. */
import { domainToASCII } from 'node:url'

/** RFC 5321, section 4.5.3.1.3, without the brackets. */
const maxAddress = 254
/** Letters of any script, and the signs that RFC 5322 allows outside of quotes; nothing that could be taken for the end of the address. */
const local = /^[^\s@<>()[\]\\,;:"\p{C}\p{Default_Ignorable_Code_Point}]+$/u

/** What name servers know already: small letters, and at its end no number, which might be read as one of an IP address. */
const usualDomain = /^(?:[a-z0-9_][a-z0-9._-]*\.)?[a-z]+$/

/** With its domain as name servers know it, so that one cannot be taken for another. @returns Undefined for what is no address. */
export function asciiAddress(email: string): string | undefined {
  if (Buffer.byteLength(email) > maxAddress) return undefined
  const at = email.lastIndexOf('@')
  const domain = domainOf(email)
  if (domain === undefined || !local.test(email.slice(0, at))) return undefined
  const address = `${email.slice(0, at)}@${domain}`
  return address.length > maxAddress ? undefined : address
}

/** In ASCII and small letters; undefined where there is none. */
export function domainOf(email: string): string | undefined {
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (domain === email || !local.test(domain)) return undefined
  const isUsual = usualDomain.test(domain) && !domain.includes('xn--')
  const ascii = isUsual ? domain : domainToASCII(domain)
  return /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/.test(ascii) && ascii.length <= 253 ? ascii : undefined
}
