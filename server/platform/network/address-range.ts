/** Configured addresses and ranges, such as `10.0.0.0/8`; IPv4-mapped IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { normaliseAddress } from './caller-address.ts'

export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6'
  readonly network: string
  readonly bits: number
}

/** Bits before the IPv4 address in `::ffff:0:0/96` (RFC 4291, section 2.5.5.2). */
const mappedBits = 96

/** Parses an address or a range; undefined if it is neither. Bits beyond the prefix are ignored. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text)
  if (!match) return undefined
  const [, network = '', length] = match
  if (isIPv4(network)) return range('ipv4', network, length, 32)
  if (!isIPv6(network)) return undefined
  const found = range('ipv6', network, length, 128)
  const inner = found && found.bits >= mappedBits ? (normaliseAddress(network) ?? network) : network
  return isIPv4(inner) ? range('ipv4', inner, found && String(found.bits - mappedBits), 32) : found
}

function range(
  family: AddressRange['family'],
  network: string,
  length: string | undefined,
  most: number,
): AddressRange | undefined {
  const bits = length === undefined ? most : Number(length)
  return bits > most ? undefined : { family, network, bits }
}

export class AddressRanges {
  /** Separate lists, since a `BlockList` matches IPv4 addresses with wide IPv6 ranges. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  constructor(ranges: Iterable<AddressRange>) {
    for (const { family, network, bits } of ranges) this.#lists[family].addSubnet(network, bits, family)
  }

  /** Whether an address is in one of the ranges; false for invalid addresses. */
  has(address: string): boolean {
    const normal = normaliseAddress(address)
    if (normal === undefined) return false
    return isIPv4(normal) ? this.#lists.ipv4.check(normal, 'ipv4') : this.#lists.ipv6.check(normal, 'ipv6')
  }
}
