/** Which range to allow for an inner address: the address alone, or the network in which it is likely to stay. */
import { isIPv6 } from 'node:net'
import { parseAddressRange } from './address-range.ts'
import { networkOf, parseIpAddress } from './ip-address.ts'

/** In the usual notation, bits beyond the prefix zero: `192.168.1.77/24` is `192.168.1.0/24`. Undefined for what is no range. */
export function canonicalRange(text: string): string | undefined {
  const range = parseAddressRange(text)
  if (!range) return undefined
  const address = parseIpAddress(range.network)
  return address && networkOf(address, range.bits)
}

/** The network that one is likely to mean: a home or office network of IPv4, a link of IPv6, else the address alone. */
export function networkAround(address: string): string | undefined {
  const [alone, bits] = canonicalRange(address)?.split('/') ?? []
  if (alone === undefined) return undefined
  if (isIPv6(alone)) return canonicalRange(alone === '::1' ? alone : `${alone}/64`)
  // Of this machine and of shared address space (RFC 6598) the neighbours are somebody else's.
  return canonicalRange(/^(10|172|192)\./.test(alone) ? `${alone}/24` : `${alone}/${bits}`)
}
