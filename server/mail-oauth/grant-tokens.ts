/** The tokens of a stored grant: sealed, with the time of their next refresh. */
import type { SecretBox } from '../platform/secret-box.ts'
import { isoOf, type TimerClock } from '../platform/timer-clock.ts'
import type { OAuthTokens } from './oauth-server.ts'
import type { NewTokens } from './oauth-store.ts'
import { type OAuthGrantRow, tokenSealContext } from './oauth-tables.ts'

export interface GrantTokensOptions {
  secrets: SecretBox
  clock: TimerClock
  /** 0 to 1: jitter that spreads refreshes due at the same time. */
  random(): number
}

/** How often an unused grant is refreshed, in ms, since providers drop what is idle for 90 days or more. */
const keepAliveMs = 7 * 24 * 60 * 60_000
/** A used token is refreshed after between 70 % and 90 % of its lifetime. */
const aheadFrom = 0.7
const aheadSpread = 0.2

export class GrantTokens {
  readonly #options: GrantTokensOptions

  constructor(options: GrantTokensOptions) {
    this.#options = options
  }

  open(row: OAuthGrantRow, kind: 'refresh' | 'access'): string {
    const sealed = kind === 'refresh' ? row.refresh_sealed! : row.access_sealed
    return this.#options.secrets.open(sealed, tokenSealContext(row.id, kind))
  }

  /** @param refreshBefore The sealed refresh token to keep if the provider issued no other. */
  columnsOf(id: string, tokens: OAuthTokens, refreshBefore: string | null): NewTokens {
    const { secrets, clock } = this.#options
    const now = clock.now()
    const { accessToken, refreshToken, expiresInSeconds, scopes } = tokens
    const refresh_sealed =
      refreshToken === undefined ? refreshBefore : secrets.seal(refreshToken, tokenSealContext(id, 'refresh'))
    return {
      scopes: scopes.join(' '),
      refresh_sealed,
      access_sealed: secrets.seal(accessToken, tokenSealContext(id, 'access')),
      access_expires_at: expiresInSeconds === undefined ? null : isoOf(now + expiresInSeconds * 1_000),
      refreshed_at: isoOf(now),
      refresh_at: refresh_sealed === null ? null : isoOf(now + keepAliveMs * this.#spread),
    }
  }

  /** Returns when a used token is refreshed: well before its end, and spread among others of its age. */
  aheadOf({ refreshed_at: from, access_expires_at: until, refresh_sealed: sealed, refresh_at: idle }: OAuthGrantRow) {
    if (sealed === null || until === null) return idle
    const lifeMs = Date.parse(until) - Date.parse(from)
    return isoOf(Date.parse(from) + lifeMs * (aheadFrom + aheadSpread * this.#options.random()))
  }

  get #spread(): number {
    return 0.8 + 0.2 * this.#options.random()
  }
}
