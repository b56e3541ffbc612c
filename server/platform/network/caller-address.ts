/**
 * Addresses of callers: normalization, the networks by which they are rate-limited, and detection of untrusted proxies.
 */
import { isIPv4 } from 'node:net'
import type { Logger } from '../logger.ts'
import { mappedIPv4, networkOf, parseIpAddress, spellIpAddress } from './ip-address.ts'

/** Characters of an address; longer than any valid one with brackets, zone and port. */
const maxLength = 100
/** Entries of X-Forwarded-For that are evaluated, from the end; earlier ones are ignored. */
const maxHops = 20
const mappedStart = '::ffff:'
/** Shared key of all invalid addresses, so that a caller cannot get a limit of its own by sending nonsense. */
const nowhere = 'unknown'

/**
 * Normalizes an address as written by sockets and proxies: with a port (`192.0.2.1:80`, `[2001:db8::1]:80`), in
 * brackets, in quotes, after `for=`, with a zone, or IPv4-mapped. Undefined if it is invalid.
 */
export function normaliseAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  // Fast path for the spelling of dual-stack sockets, used for each request.
  if (text.startsWith(mappedStart) && isIPv4(text.slice(mappedStart.length))) return text.slice(mappedStart.length)
  if (text.length > maxLength) return undefined
  const bare = text
    .trim()
    .replace(/^for=/i, '')
    .replace(/^"(.*)"$/, '$1')
  const inside = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(bare)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(bare)?.[1] ?? bare
  const address = parseIpAddress(inside)
  // IPv4-mapped IPv6 (`::ffff:10.0.0.1`, in any spelling) is IPv4.
  return address && (mappedIPv4(address) ?? spellIpAddress(address))
}

interface Whence {
  /** Address at the other end of the connection. */
  peer: string | undefined
  /** X-Forwarded-For, believed only as far as trusted proxies wrote it. */
  forwarded: string | string[] | undefined
  trusted: { has(address: string): boolean }
}

/** Returns the nearest address that is not a trusted proxy; for an invalid entry, that of the proxy which added it. */
export function addressBehind({ peer, forwarded, trusted }: Whence): string {
  let address = normaliseAddress(peer ?? '') ?? ''
  if (forwarded === undefined || !trusted.has(address)) return address
  const hops = [forwarded].flat().join(',').split(',').slice(-maxHops)
  for (const hop of hops.reverse()) {
    const before = normaliseAddress(hop)
    if (before === undefined) return address
    address = before
    if (!trusted.has(address)) return address
  }
  return address
}

/** Returns an IPv4 address, or the /64 of IPv6, which belongs to one household or machine (RFC 6177). */
export function placeOf(address: string): string {
  return networksOf(address)[0]
}

/** Returns an IPv4 address, or the IPv6 /48 network that one customer may get: 65,536 /64 networks. */
export function siteOf(address: string): string {
  const [place, site] = networksOf(address)
  return site ?? place
}

/**
 * Returns networks from narrow to wide: just the address for IPv4; the /64, /48 and /32 (a whole provider) for IPv6.
 */
export function networksOf(address: string): [place: string, ...wider: string[]] {
  // Already normalized, as Node accepts no other spelling.
  if (isIPv4(address)) return [address]
  const normal = parseIpAddress(normaliseAddress(address) ?? '')
  if (normal === undefined) return [nowhere]
  if (normal.family === 4) return [spellIpAddress(normal)]
  return [networkOf(normal, 64), networkOf(normal, 48), networkOf(normal, 32)]
}

interface ForwardedWatcherOptions {
  trustedProxies: { has(address: string): boolean }
  logger: Logger
  now: () => number
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Minimum interval of log lines. */
const quietMs = 60 * 60_000

/**
 * Warns if headers that only a proxy sets come from a peer that is not a trusted proxy: all clients behind it share one
 * address and its limits.
 */
export class ForwardedWatcher {
  readonly #options: ForwardedWatcherOptions
  #quietUntil = 0
  /** The peer of a proxied server is nearly always the same. */
  #lastTrusted: string | undefined

  constructor(options: ForwardedWatcherOptions) {
    this.#options = options
  }

  /** @param peer Address at the other end of the connection, not a forwarded one. */
  notice(headers: Headers, peer: string | undefined): void {
    const header = forwardedIn(headers)
    if (header === undefined || peer === undefined || peer === this.#lastTrusted) return
    const { trustedProxies, logger, now } = this.#options
    if (now() < this.#quietUntil) return
    if (trustedProxies.has(peer)) {
      this.#lastTrusted = peer
      return
    }
    this.#quietUntil = now() + quietMs
    logger.warn(
      { peer, header },
      'a request came through an untrusted proxy, so all clients behind it share one address and its limits: if the proxy is yours, add its address to RUSTYMAIL_TRUSTED_PROXIES',
    )
  }
}

function forwardedIn(headers: Headers): string | undefined {
  if (headers['x-forwarded-for'] !== undefined) return 'x-forwarded-for'
  if (headers.forwarded !== undefined) return 'forwarded'
  if (headers['x-real-ip'] !== undefined) return 'x-real-ip'
  return headers['x-forwarded-proto'] === undefined ? undefined : 'x-forwarded-proto'
}
