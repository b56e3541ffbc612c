/** Where callers come from: addresses in one spelling, the networks by which they are counted, and proxies that nobody named. */
import { isIPv4 } from 'node:net'
import type { Logger } from '../logger.ts'
import { mappedIPv4, networkOf, parseIpAddress, spellIpAddress } from './ip-address.ts'

/** Longer than any address with brackets, zone and port. */
const maxLength = 100
/** Proxies that one request may have come by; what a client wrote in front of that is not looked at. */
const maxHops = 20
const mappedStart = '::ffff:'
/** What is no address counts as one place, so that nobody gets a place of their own by writing nonsense. */
const nowhere = 'unknown'

/**
 * An address as sockets and proxies write it: with a port (`192.0.2.1:80`, `[2001:db8::1]:80`), in brackets, in quotes, behind
 * `for=`, with a zone, or IPv4 inside IPv6. Undefined for what is no address.
 */
export function normaliseAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  // As a socket that takes both families has it, for each request.
  if (text.startsWith(mappedStart) && isIPv4(text.slice(mappedStart.length))) return text.slice(mappedStart.length)
  if (text.length > maxLength) return undefined
  const bare = text
    .trim()
    .replace(/^for=/i, '')
    .replace(/^"(.*)"$/, '$1')
  const inside = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(bare)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(bare)?.[1] ?? bare
  const address = parseIpAddress(inside)
  // IPv4 inside IPv6 (`::ffff:10.0.0.1`, in whatever way it is written) is IPv4.
  return address && (mappedIPv4(address) ?? spellIpAddress(address))
}

interface Whence {
  /** At the other end of the connection. */
  peer: string | undefined
  /** X-Forwarded-For, of whatever is believed only as far as trusted proxies wrote it. */
  forwarded: string | string[] | undefined
  trusted: { has(address: string): boolean }
}

/** The address nearest to us that no trusted proxy has. What cannot be read counts as the address of the proxy that passed it on. */
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

/** An IPv6 network of 64 bits belongs to one household or machine, which may use any address of it (RFC 6177). */
export function placeOf(address: string): string {
  return networksOf(address)[0]
}

/** Of IPv6, the 48 bits that one customer may get: 65,536 networks of 64. */
export function siteOf(address: string): string {
  const [place, site] = networksOf(address)
  return site ?? place
}

/** From narrow to wide: an IPv4 address alone; of IPv6 the networks of 64, 48 and 32 bits, the last being a whole provider's. */
export function networksOf(address: string): [place: string, ...wider: string[]] {
  // In its one spelling already, as Node takes no other.
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

/** One line in this time, whatever is sent. */
const quietMs = 60 * 60_000

/**
 * Says when headers that only a proxy sets come from a peer that is not a trusted proxy: all people behind it share
 * one address, and its limits.
 */
export class ForwardedWatcher {
  readonly #options: ForwardedWatcherOptions
  #quietUntil = 0
  /** The peer of a proxied server is nearly always the same. */
  #lastTrusted: string | undefined

  constructor(options: ForwardedWatcherOptions) {
    this.#options = options
  }

  /** @param peer At the other end of the connection, whatever was passed on. */
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
