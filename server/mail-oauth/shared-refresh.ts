/**
 * Refreshes grants: once for all callers that wait for one, across processes. A rotated refresh token is stored before
 * its access token is used.
 */
import { randomUUID } from 'node:crypto'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { isoOf, pauseOn, type TimerClock } from '../platform/timer-clock.ts'
import { elsewhere, gone, revoked } from './grant-problems.ts'
import { GrantRests } from './grant-rests.ts'
import type { GrantTokens } from './grant-tokens.ts'
import type { ReadyProvider } from './oauth-provider.ts'
import { OAuthFault, type OAuthServer, type OAuthTokens, wantsPerson } from './oauth-server.ts'
import type { OAuthStore } from './oauth-store.ts'
import { isLocked, type OAuthGrantRow } from './oauth-tables.ts'
import { type ProviderPace, providerProblem } from './provider-pace.ts'

/** Why a token that seems valid is not wanted any more. */
export type Unwanted = { token: string; because: 'rejected' | 'ahead' } | undefined

export interface SharedRefreshOptions {
  store: OAuthStore
  server: Pick<OAuthServer, 'refresh'>
  tokens: GrantTokens
  clock: TimerClock
  logger: Logger
  paceOf(providerId: string): ProviderPace
  /** @throws Problem in the form for an account that cannot log in. */
  providerOf(row: OAuthGrantRow): ReadyProvider
  /** Called when the access of an account was revoked or has expired. */
  lost(accountId: string): void
  stopped: AbortSignal
}

/** Upper bound of one refresh in ms; after it another process considers the holder dead. */
const lockMs = 60_000
/** How often, and for how long, another process's refresh is polled, in ms. */
const lookEveryMs = 250
const waitForOtherMs = 30_000
/** Milliseconds between refreshes because of rejected tokens: a rejection soon after one is not due to the token. */
const rejectedAgainMs = 5 * 60_000
/** A token counts as expired if less of its life is left: a minute, or a tenth of a short life. */
const marginMs = 60_000
const storeTries = 5
const storeAgainMs = 1_000

export class SharedRefresh {
  readonly #options: SharedRefreshOptions
  readonly #holder = randomUUID()
  readonly #flights = new Map<string, Promise<OAuthGrantRow>>()
  /** By grant, when it was last refreshed because a mail server rejected its token. */
  readonly #rejectedAt = new Map<string, number>()
  readonly #rests: GrantRests

  constructor(options: SharedRefreshOptions) {
    this.#options = options
    this.#rests = new GrantRests(options.clock)
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#flights.values())
  }

  forget(grantId: string): void {
    this.#rejectedAt.delete(grantId)
    this.#rests.forget(grantId)
  }

  /** Called when the provider or its client has changed. */
  forgetRestsOf(providerId: string): void {
    this.#rests.forgetAllOf(providerId)
  }

  /**
   * Coalesces concurrent callers.
   * @throws Problem mail_login_refused if the grant is no longer valid, or why it cannot be refreshed now.
   */
  once(grantId: string, unwanted: Unwanted): Promise<OAuthGrantRow> {
    const running = this.#flights.get(grantId)
    if (running) return running
    const flight = this.#refresh(grantId, unwanted).finally(() => this.#flights.delete(grantId))
    this.#flights.set(grantId, flight)
    return flight
  }

  async #refresh(grantId: string, unwanted: Unwanted): Promise<OAuthGrantRow> {
    const giveUpAt = this.#options.clock.now() + waitForOtherMs
    for (;;) {
      const known = await this.#whenFree(grantId, giveUpAt)
      // Another process was faster, or a flight here that ended before this caller's read returned.
      if (this.isValid(known, unwanted)) return known
      const provider = this.#options.providerOf(known)
      try {
        this.#rests.refuseAtRest(known)
        const refreshed = await this.#options
          .paceOf(provider.id)
          .run(() => this.#refreshInTurn(provider, grantId, unwanted))
        if (refreshed) return refreshed
      } catch (error) {
        // The pace has recorded the fault; waiting callers get it in words.
        throw error instanceof OAuthFault ? providerProblem(provider.name, error) : error
      }
    }
  }

  /** Waits until no other process refreshes the grant, outside the queue, whose places others need. */
  async #whenFree(grantId: string, giveUpAt: number): Promise<OAuthGrantRow> {
    const { store, clock } = this.#options
    for (;;) {
      const row = await store.find(grantId)
      if (!row) throw gone()
      if (!isLocked(row, clock.now())) return row
      if (clock.now() > giveUpAt) throw elsewhere()
      await pauseOn(clock, lookEveryMs, this.#options.stopped)
      if (this.#options.stopped.aborted) throw new Problem('draining', 'RustyMail is stopping.')
    }
  }

  /** @returns Undefined if another process was faster. */
  async #refreshInTurn(
    provider: ReadyProvider,
    grantId: string,
    unwanted: Unwanted,
  ): Promise<OAuthGrantRow | undefined> {
    const { store, clock } = this.#options
    const now = clock.now()
    const locked = await store.lock(grantId, this.#holder, isoOf(now), isoOf(now + lockMs))
    return locked && this.#refreshLocked(provider, locked, unwanted)
  }

  /** @param row The grant as locked, with the previous process that had locked it and did not finish. */
  async #refreshLocked(provider: ReadyProvider, row: OAuthGrantRow, unwanted: Unwanted): Promise<OAuthGrantRow> {
    const { store, server, clock } = this.#options
    try {
      // Another process, or a new sign-in, was faster.
      if (this.isValid(row, unwanted)) {
        await store.unlock(row.id, this.#holder)
        return row
      }
    } catch (error) {
      await store.unlock(row.id, this.#holder)
      throw error
    }
    if (row.refresh_sealed === null) {
      return this.#lose(row, `${provider.name} issued no refresh token, and the access token has expired.`)
    }
    if (unwanted?.because === 'rejected') this.#rejectedAt.set(row.id, clock.now())
    let tokens: OAuthTokens
    try {
      tokens = await server.refresh(provider, this.#options.tokens.open(row, 'refresh'), row.scopes.split(' '))
    } catch (error) {
      if (error instanceof OAuthFault && error.kind === 'revoked') {
        // A process that ended between response and store: the provider takes the old refresh token for stolen.
        const isInterrupted = row.locked_by !== null && row.locked_by !== this.#holder
        const why = isInterrupted
          ? 'RustyMail was interrupted while it was being refreshed, and the access has ended with that.'
          : 'The access was revoked or has expired.'
        return this.#lose(row, wantsPerson(error.code) ? `${provider.name} asks for another sign-in.` : why, error)
      }
      const problem = error instanceof OAuthFault ? providerProblem(provider.name, error) : error
      const failure = problem instanceof Problem ? problem.message : 'It could not be refreshed.'
      const restsUntil = isoOf(this.#rests.note(row, error))
      const isLater = row.refresh_at !== null && row.refresh_at > restsUntil
      await store.unlock(row.id, this.#holder, { failure, refresh_at: isLater ? row.refresh_at : restsUntil })
      throw error
    }
    return this.#keep(row, tokens)
  }

  /** Stores with retries, since this process has the only copy of a rotated refresh token. */
  async #keep(row: OAuthGrantRow, tokens: OAuthTokens): Promise<OAuthGrantRow> {
    const { store, clock, logger } = this.#options
    const columns = this.#options.tokens.columnsOf(row.id, tokens, row.refresh_sealed)
    for (let tries = 1; ; tries++) {
      try {
        const isKept = await store.keep(row.id, this.#holder, columns)
        this.#rests.forget(row.id)
        if (isKept) return { ...row, ...columns, is_used: 0, failure: null, locked_by: null, locked_until: null }
        const now = await store.find(row.id)
        if (now && this.isValid(now, undefined)) return now
        throw revoked('The account was signed in differently meanwhile. Sign in again.')
      } catch (err) {
        if (err instanceof Problem || tries >= storeTries) throw err
        logger.warn({ err, grant: row.id }, 'refreshed access was not stored')
        // While it stops it does not wait: the remaining tries follow immediately.
        await pauseOn(clock, storeAgainMs, this.#options.stopped)
      }
    }
  }

  /** @returns What a user signed in for meanwhile. @throws Problem mail_login_refused otherwise. */
  async #lose(row: OAuthGrantRow, why: string, cause?: OAuthFault): Promise<OAuthGrantRow> {
    const { store, logger } = this.#options
    this.#rests.forget(row.id)
    if (!(await store.revoke(row.id, this.#holder, why))) {
      const now = await store.find(row.id)
      if (!now) throw gone()
      if (this.isValid(now, undefined)) return now
      throw elsewhere()
    }
    logger.warn({ account_id: row.account_id, provider: row.provider, reason: cause?.message }, 'access has ended')
    if (row.account_id !== null) this.#options.lost(row.account_id)
    throw revoked(why, cause)
  }

  /** @throws Problem for a revoked grant. */
  isValid(row: OAuthGrantRow, unwanted: Unwanted): boolean {
    if (row.state === 'revoked') throw revoked(row.failure ?? 'The access was revoked or has expired.')
    const now = this.#options.clock.now()
    const refreshedAt = Date.parse(row.refreshed_at)
    const expiresAt = row.access_expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.access_expires_at)
    if (now >= expiresAt - Math.min(marginMs, (expiresAt - refreshedAt) / 10)) return false
    if (unwanted === undefined || this.#options.tokens.open(row, 'access') !== unwanted.token) return true
    if (unwanted.because === 'ahead') return false
    return now - (this.#rejectedAt.get(row.id) ?? Number.NEGATIVE_INFINITY) < rejectedAgainMs
  }
}
