/** Parses and formats IP addresses, and finds IPv4 addresses embedded in IPv6 ones; nothing else does. */
import { isIPv4, isIPv6 } from 'node:net'

export interface IpAddress {
  readonly family: 4 | 6
  /** 4 or 16 bytes, in network order. */
  readonly bytes: readonly number[]
}

/**
 * Parses an address; undefined if it is invalid. A zone (`%eth0`) is dropped, since it names an interface, not a host.
 * Uses Node's parsers: ipaddr.js takes `::192.0.2.1` for `::ffff:192.0.2.1`, which is another host.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bare = text.split('%')[0] ?? ''
  if (isIPv4(bare)) return { family: 4, bytes: bare.split('.').map(Number) }
  if (!isIPv6(bare)) return undefined
  const [head = '', tail] = spelt(bare).split('::')
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length
  const groups = [...first, ...Array<number>(zeros).fill(0), ...last]
  return { family: 6, bytes: groups.flatMap(group => [group >> 8, group & 255]) }
}

/** Formats an address; IPv6 in the canonical form of RFC 5952, without dotted suffixes. */
export function spellIpAddress({ family, bytes }: IpAddress): string {
  if (family === 4) return dotted(bytes)
  const groups = Array.from({ length: 8 }, (_item, index) =>
    ((bytes[index * 2]! << 8) | bytes[index * 2 + 1]!).toString(16),
  )
  return spelt(groups.join(':'))
}

/** Returns the network of an address, with the other bits zero: `2001:db8::/32`. */
export function networkOf({ family, bytes }: IpAddress, bits: number): string {
  const kept = bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff)
  return `${spellIpAddress({ family, bytes: kept })}/${bits}`
}

/**
 * Returns the IPv4 address of an IPv4-mapped one, `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2), as sockets report it.
 */
export function mappedIPv4({ family, bytes }: IpAddress): string | undefined {
  return family === 6 && begins(bytes, mappedPrefix) ? dotted(bytes.slice(12)) : undefined
}

/**
 * Returns the IPv4 addresses to which packets for an IPv6 address may be routed, by a translator or tunnel on the way
 * or on this host. All have to be checked. Network-specific translator prefixes (RFC 6052) cannot be known.
 */
export function embeddedIPv4({ family, bytes }: IpAddress): string[] {
  if (family === 4) return []
  const at = (...places: number[]) => dotted(places.map(place => bytes[place] ?? 0))
  const tail = at(12, 13, 14, 15)
  const found: string[] = []
  if (begins(bytes, mappedPrefix) || begins(bytes, translatedPrefix)) found.push(tail)
  // IPv4-compatible, except `::` and `::1`.
  if (begins(bytes, Array(12).fill(0)) && bytes.slice(12).some((byte, index) => byte > (index === 3 ? 1 : 0))) {
    found.push(tail)
  }
  // NAT64 (RFC 6052); in the local-use range (RFC 8215), the prefix may have any of the defined lengths.
  if (begins(bytes, localNat64Prefix)) {
    const forms = [tail, at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12)]
    // Candidates that begin with zero are not routable, but artifacts of another prefix length.
    found.push(...forms.filter(form => !form.startsWith('0.')))
  } else if (begins(bytes, nat64Prefix)) found.push(tail)
  // 6to4 (RFC 3056).
  if (begins(bytes, [0x20, 0x02])) found.push(at(2, 3, 4, 5))
  // Teredo (RFC 4380): the server, and the client with its bits inverted.
  if (begins(bytes, [0x20, 0x01, 0, 0])) found.push(at(4, 5, 6, 7), dotted(bytes.slice(12).map(byte => byte ^ 255)))
  // ISATAP (RFC 5214), with any prefix.
  if (((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) found.push(tail)
  return [...new Set(found)]
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
/** SIIT prefix, `::ffff:0:a.b.c.d` (RFC 2765; obsoleted by RFC 6052, but still supported by systems). */
const translatedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0]
/** `64:ff9b::/32`; only its `::/96` and `:1::/48` are assigned, and the rest is treated the same. */
const nat64Prefix = [0, 0x64, 0xff, 0x9b]
const localNat64Prefix = [...nat64Prefix, 0, 1]

function begins(bytes: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte)
}

function dotted(bytes: readonly number[]): string {
  return bytes.join('.')
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
}

/** Normalizes an IPv6 address by URL, which also converts a dotted suffix to groups. */
function spelt(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1)
}
