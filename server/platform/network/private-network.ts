/** Suggests the range to allow for an inner address: the address alone, or the network around it. */
import { isIPv6 } from 'node:net'
import { parseAddressRange } from './address-range.ts'
import { networkOf, parseIpAddress } from './ip-address.ts'

/** Returns a range in CIDR notation without host bits: `192.168.1.77/24` is `192.168.1.0/24`. Undefined if invalid. */
export function canonicalRange(text: string): string | undefined {
  const range = parseAddressRange(text)
  if (!range) return undefined
  const address = parseIpAddress(range.network)
  return address && networkOf(address, range.bits)
}

/** Returns the likely network: a home or office network for IPv4, the link (/64) for IPv6, else the address alone. */
export function networkAround(address: string): string | undefined {
  const [alone, bits] = canonicalRange(address)?.split('/') ?? []
  if (alone === undefined) return undefined
  if (isIPv6(alone)) return canonicalRange(alone === '::1' ? alone : `${alone}/64`)
  // The neighbours of loopback and shared addresses (RFC 6598) may belong to others.
  return canonicalRange(/^(10|172|192)\./.test(alone) ? `${alone}/24` : `${alone}/${bits}`)
}
