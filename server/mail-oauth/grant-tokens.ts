/** The tokens of a grant as it is stored: sealed, with when they are refreshed. */
import type { SecretBox } from '../platform/secret-box.ts'
import { isoOf, type TimerClock } from '../platform/timer-clock.ts'
import type { OAuthTokens } from './oauth-server.ts'
import type { NewTokens } from './oauth-store.ts'
import { type OAuthGrantRow, tokenSealContext } from './oauth-tables.ts'

export interface GrantTokensOptions {
  secrets: SecretBox
  clock: TimerClock
  /** 0 to 1: spreads what falls due together. */
  random(): number
}

/** A grant that nothing uses is refreshed this often all the same: providers drop what is idle for 90 days or more. */
const keepAliveMs = 7 * 24 * 60 * 60_000
/** A used token is refreshed when between 70 % and 90 % of its life are over. */
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

  /** @param refreshBefore The sealed refresh token that stays where the provider gave no other. */
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

  /** When a token that is used is refreshed: well before its end, and not together with others of its age. */
  aheadOf({ refreshed_at: from, access_expires_at: until, refresh_sealed: sealed, refresh_at: idle }: OAuthGrantRow) {
    if (sealed === null || until === null) return idle
    const lifeMs = Date.parse(until) - Date.parse(from)
    return isoOf(Date.parse(from) + lifeMs * (aheadFrom + aheadSpread * this.#options.random()))
  }

  get #spread(): number {
    return 0.8 + 0.2 * this.#options.random()
  }
}
