/** Which addresses may be connected to when a person named the server: not this network's inner parts, unless allowed. */
import { AddressRanges, parseAddressRange } from './address-range.ts'
import { embeddedIPv4, mappedIPv4, parseIpAddress } from './ip-address.ts'

/** Never: this host by another name, link-local (cloud metadata lives there), multicast, reserved (RFC 6890). */
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
/** Only when allowed: this machine itself and private networks. */
const inner = rangesOf([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
  // A translator of this network (RFC 8215).
  '64:ff9b:1::/48',
])

export type Verdict = 'open' | 'inner' | 'forbidden'

/** @throws Error for what is no range. */
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
 * The worst of what may be reached by it: an address that carries IPv4 addresses is judged as each of them too.
 * @param address A number, not a name.
 */
export function judgeAddress(address: string): Verdict {
  const places = placesOf(address)
  if (places.some(place => forbidden.has(place))) return 'forbidden'
  return places.some(place => inner.has(place)) ? 'inner' : 'open'
}

/** Of the places that may be reached by it, those that would have to be allowed. */
export function closedPlaces(address: string, allowed: AddressRanges): string[] {
  return placesOf(address).filter(place => inner.has(place) && !allowed.has(place))
}

/** Itself and what it carries; what is no address leads nowhere. */
function placesOf(text: string): string[] {
  const address = parseIpAddress(text)
  if (!address) return ['0.0.0.0']
  const mapped = mappedIPv4(address)
  return mapped === undefined ? [text, ...embeddedIPv4(address)] : [mapped]
}
