/** Says when headers that only a proxy sets come from a peer that is not a trusted proxy: all people behind it share one address, and its limits. */

import type { Logger } from '../logger.ts'
import type { AddressRanges } from '../network/address-range.ts'

export interface ForwardedWatcherOptions {
  trustedProxies: AddressRanges
  logger: Logger
  now: () => number
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** One line in this time, whoever sends what. */
const quietMs = 60 * 60_000

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
