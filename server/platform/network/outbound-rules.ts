/** Rules for addresses of user-supplied servers: inner addresses may be connected to only if allowed. */
import { AddressRanges, parseAddressRange } from './address-range.ts'
import { embeddedIPv4, mappedIPv4, parseIpAddress } from './ip-address.ts'

/** Always forbidden: aliases of this host, link-local (used for cloud metadata), multicast, reserved (RFC 6890). */
const forbidden = rangesOf([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Metadata services outside the link-local range: Alibaba Cloud, Azure, AWS and Google over IPv6.
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])
/** Forbidden unless allowed: this machine and private networks. */
const inner = rangesOf([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
  // Local-use NAT64 (RFC 8215).
  '64:ff9b:1::/48',
])

export type Verdict = 'open' | 'inner' | 'forbidden'

/** Parses ranges. @throws Error for an invalid one */
export function rangesOf(texts: readonly string[]): AddressRanges {
  return new AddressRanges(
    texts.map(text => {
      const range = parseAddressRange(text)
      if (!range) throw new Error(`${text} is not an address or a range such as 10.0.0.0/8`)
      return range
    }),
  )
}

/**
 * Returns the strictest verdict for an address and the IPv4 addresses embedded in it.
 * @param address An IP address, not a name.
 */
export function judgeAddress(address: string): Verdict {
  const places = placesOf(address)
  if (places.some(place => forbidden.has(place))) return 'forbidden'
  return places.some(place => inner.has(place)) ? 'inner' : 'open'
}

/** Returns those of the addresses reachable through an address that would have to be allowed. */
export function closedPlaces(address: string, allowed: AddressRanges): string[] {
  return placesOf(address).filter(place => inner.has(place) && !allowed.has(place))
}

/** Returns an address and those embedded in it; an invalid one counts as 0.0.0.0, which is forbidden. */
function placesOf(text: string): string[] {
  const address = parseIpAddress(text)
  if (!address) return ['0.0.0.0']
  const mapped = mappedIPv4(address)
  return mapped === undefined ? [text, ...embeddedIPv4(address)] : [mapped]
}
