/** Which range to allow for an inner address: the address alone, or the network in which it is likely to stay. */
import { isIPv6 } from 'node:net'
import { parseAddressRange } from './address-range.ts'
import { parseIpAddress } from './ip-address.ts'

/** In the usual notation, bits beyond the prefix zero: `192.168.1.77/24` is `192.168.1.0/24`. Undefined for what is no range. */
export function canonicalRange(text: string): string | undefined {
  const range = parseAddressRange(text)
  if (!range) return undefined
  const { family, network, bits } = range
  const bytes = (parseIpAddress(network)?.bytes ?? []).map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return byte & (0xff << (8 - kept)) & 0xff
  })
  return `${family === 'ipv4' ? bytes.join('.') : textOf6(bytes)}/${bits}`
}

/** The network that one is likely to mean: a home or office network of IPv4, a link of IPv6, else the address alone. */
export function networkAround(address: string): string | undefined {
  const [alone, bits] = canonicalRange(address)?.split('/') ?? []
  if (alone === undefined) return undefined
  if (isIPv6(alone)) return canonicalRange(alone === '::1' ? alone : `${alone}/64`)
  // Of this machine and of shared address space (RFC 6598) the neighbours are somebody else's.
  return canonicalRange(/^(10|172|192)\./.test(alone) ? `${alone}/24` : `${alone}/${bits}`)
}

function textOf6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_item, index) =>
    ((bytes[index * 2]! << 8) | bytes[index * 2 + 1]!).toString(16),
  )
  return hostOf(groups.join(':'))
}

function hostOf(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1)
}
