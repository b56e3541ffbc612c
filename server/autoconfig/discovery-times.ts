/** Timeouts of the parts of a discovery, in milliseconds. */

export interface DiscoveryTimes {
  /** The time without results after which the last sources are asked. */
  readonly lastAfterMs: number
  /** Timeout of one source; the last ones have what is left of the whole. */
  readonly sourceMs: number
  /** Timeout for implicit TLS, before STARTTLS is tried under the same names. */
  readonly lookMs: number
  readonly wholeMs: number
}

export const usualTimes: DiscoveryTimes = { lastAfterMs: 400, sourceMs: 4_000, lookMs: 1_600, wholeMs: 5_000 }
