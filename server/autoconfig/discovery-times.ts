/** How long the parts of a look for servers may take, in milliseconds. */

export interface DiscoveryTimes {
  /** The last sources are asked when the others have found nothing so soon. */
  readonly lastAfterMs: number
  /** For one source; the last ones have what is left of the whole. */
  readonly sourceMs: number
  /** For TLS from the first byte, before STARTTLS is looked for under the same names. */
  readonly lookMs: number
  readonly wholeMs: number
}

export const usualTimes: DiscoveryTimes = { lastAfterMs: 400, sourceMs: 4_000, lookMs: 1_600, wholeMs: 5_000 }
