/** The one place where IP addresses become bytes, and bytes addresses; and where the IPv4 addresses are found that an IPv6 address leads to. */
import { isIPv4, isIPv6 } from 'node:net'

export interface IpAddress {
  readonly family: 4 | 6
  /** 4 or 16, in network order. */
  readonly bytes: readonly number[]
}

/**
 * Undefined for what is no address. A zone (`%eth0`) is left out: it says by which interface, not where. Node's own parsers read it:
 * ipaddr.js takes `::192.0.2.1` for `::ffff:192.0.2.1`, which is another host.
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

/** IPv6 in the spelling of RFC 5952, without dotted ends. */
export function spellIpAddress({ family, bytes }: IpAddress): string {
  if (family === 4) return dotted(bytes)
  const groups = Array.from({ length: 8 }, (_item, index) =>
    ((bytes[index * 2]! << 8) | bytes[index * 2 + 1]!).toString(16),
  )
  return spelt(groups.join(':'))
}

/** Of so many bits, the others zero: `2001:db8::/32`. */
export function networkOf({ family, bytes }: IpAddress, bits: number): string {
  const kept = bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff)
  return `${spellIpAddress({ family, bytes: kept })}/${bits}`
}

/** The same host by its IPv4 address, when it is written as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2), as sockets report it. */
export function mappedIPv4({ family, bytes }: IpAddress): string | undefined {
  return family === 6 && begins(bytes, mappedPrefix) ? dotted(bytes.slice(12)) : undefined
}

/**
 * IPv4 addresses to which packets for this IPv6 address may go: by a translator or tunnel on the way, or on this host. Each of
 * them is possible, so each is to be judged. Prefixes that a network chose for its own translator (RFC 6052) cannot be known.
 */
export function embeddedIPv4({ family, bytes }: IpAddress): string[] {
  if (family === 4) return []
  const at = (...places: number[]) => dotted(places.map(place => bytes[place] ?? 0))
  const tail = at(12, 13, 14, 15)
  const found: string[] = []
  if (begins(bytes, mappedPrefix) || begins(bytes, translatedPrefix)) found.push(tail)
  // Compatible; `::` and `::1` are addresses of their own.
  if (begins(bytes, Array(12).fill(0)) && bytes.slice(12).some((byte, index) => byte > (index === 3 ? 1 : 0))) {
    found.push(tail)
  }
  // NAT64 (RFC 6052); in the part for local use (RFC 8215) the prefix may have any of the lengths that there are.
  if (begins(bytes, localNat64Prefix)) {
    const forms = [tail, at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12)]
    // One that begins with zero is no place to go to, but what stands there in another form.
    found.push(...forms.filter(form => !form.startsWith('0.')))
  } else if (begins(bytes, nat64Prefix)) found.push(tail)
  // 6to4 (RFC 3056).
  if (begins(bytes, [0x20, 0x02])) found.push(at(2, 3, 4, 5))
  // Teredo (RFC 4380): the server, and the client behind it with its bits turned over.
  if (begins(bytes, [0x20, 0x01, 0, 0])) found.push(at(4, 5, 6, 7), dotted(bytes.slice(12).map(byte => byte ^ 255)))
  // ISATAP (RFC 5214), behind any prefix.
  if (((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) found.push(tail)
  return [...new Set(found)]
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
/** SIIT: `::ffff:0:a.b.c.d` (RFC 2765; RFC 6052 in its place keeps no such prefix, but systems still know it). */
const translatedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0]
/** `64:ff9b::/32`: of it only `::/96` and `:1::/48` are given out, and the rest is no better. */
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

/** URL writes each IPv6 address in one way, a dotted tail as groups. */
function spelt(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1)
}
