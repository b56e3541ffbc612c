/** Back-off for grants that could not be refreshed: a minute, doubled after each further failure. Per process. */
import { doubledMs } from '../platform/doubling.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import { OAuthFault } from './oauth-server.ts'
import type { OAuthGrantRow } from './oauth-tables.ts'

interface Rest {
  /** A new sign-in changes the refresh token, and ends the rest. */
  refreshSealed: string | null
  provider: string
  failures: number
  until: number
  error: unknown
}

const firstRestMs = 60_000
const maxRestMs = 60 * 60_000
/** Grants whose failures are remembered; beyond it the oldest are evicted. */
const maxRests = 10_000

export class GrantRests {
  readonly #clock: Pick<TimerClock, 'now'>
  readonly #rests = new Map<string, Rest>()

  constructor(clock: Pick<TimerClock, 'now'>) {
    this.#clock = clock
  }

  /** Records a failure. @returns Until when it is not refreshed ahead of its end, in epoch milliseconds. */
  note({ id, provider, refresh_sealed: refreshSealed }: OAuthGrantRow, error: unknown): number {
    const known = this.#rests.get(id)
    const failures = known?.refreshSealed === refreshSealed ? known.failures : 0
    const until = this.#clock.now() + doubledMs(failures, firstRestMs, maxRestMs)
    this.#rests.delete(id)
    const [oldest] = this.#rests.keys()
    if (this.#rests.size >= maxRests && oldest !== undefined) this.#rests.delete(oldest)
    this.#rests.set(id, { refreshSealed, provider, failures: failures + 1, until, error })
    return until
  }

  /** @throws The error of the last refresh, while the grant rests for it. */
  refuseAtRest({ id, refresh_sealed }: OAuthGrantRow): void {
    const rest = this.#rests.get(id)
    if (rest === undefined || rest.refreshSealed !== refresh_sealed || this.#clock.now() >= rest.until) return
    // A fault of the provider makes the provider rest: for all of its grants, and for a shorter time.
    if (rest.error instanceof OAuthFault && (rest.error.kind === 'away' || rest.error.kind === 'client')) return
    throw rest.error
  }

  forget(grantId: string): void {
    this.#rests.delete(grantId)
  }

  forgetAllOf(providerId: string): void {
    for (const [id, { provider }] of this.#rests) if (provider === providerId) this.#rests.delete(id)
  }
}
