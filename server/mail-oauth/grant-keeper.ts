/**
 * The access tokens of accounts: kept sealed, refreshed when one is wanted that is no longer valid, once for all who wait for it, whichever
 * process they are in. A refresh token that the provider rotated is stored before its access token is used.
 */
import { randomUUID } from 'node:crypto'
import type { AccountGrants, WantedToken } from '../accounts/account-grants.ts'
import { noGrant } from '../accounts/account-grants.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { elsewhere, gone, revoked } from './grant-problems.ts'
import { GrantRests } from './grant-rests.ts'
import { isoOf, type OAuthClock, pause } from './oauth-clock.ts'
import { isHostOf, type ReadyProvider } from './oauth-provider.ts'
import type { OAuthProviders } from './oauth-providers.ts'
import { OAuthFault, type OAuthServer, type OAuthTokens, wantsPerson } from './oauth-server.ts'
import type { NewTokens, OAuthStore } from './oauth-store.ts'
import { type OAuthGrantRow, tokenSealContext } from './oauth-tables.ts'
import { ProviderPace, providerProblem } from './provider-pace.ts'

/** Why a token that seems valid is not wanted any more. */
type Unwanted = { token: string; because: 'rejected' | 'ahead' } | undefined

export interface GrantKeeperOptions {
  store: OAuthStore
  providers: OAuthProviders
  server: Pick<OAuthServer, 'refresh' | 'revoke'>
  secrets: SecretBox
  clock: OAuthClock
  /** 0 to 1: spreads what falls due together. */
  random(): number
  logger: Logger
}

/** No longer than one refresh may take: then another process takes it for dead. */
const lockMs = 60_000
/** How often it is looked whether another process is done, and for how long. */
const lookEveryMs = 250
const waitForOtherMs = 30_000
/** A token that a mail server rejected is refreshed before its time, once in so long: what it rejects then is not for the token. */
const rejectedAgainMs = 5 * 60_000
/** A grant that nothing uses is refreshed this often all the same: providers drop what is idle for 90 days or more. */
const keepAliveMs = 7 * 24 * 60 * 60_000
/** A used token is refreshed when between 70 % and 90 % of its life are over. */
const aheadFrom = 0.7
const aheadSpread = 0.2
/** As expired counts a token that has less left: a minute, or a tenth of a short life. */
const marginMs = 60_000
const storeTries = 5
const storeAgainMs = 1_000
const revokeTries = 3
const revokeAgainMs = 5_000
/** Revocations under way; further ones are left to the provider's own page. */
const maxRevocations = 100

export class GrantKeeper implements AccountGrants {
  readonly #options: GrantKeeperOptions
  readonly #holder = randomUUID()
  readonly #stopped = new AbortController()
  readonly #paces = new Map<string, ProviderPace>()
  readonly #flights = new Map<string, Promise<OAuthGrantRow>>()
  /** By grant: when it was last refreshed since a mail server rejected its token. */
  readonly #rejectedAt = new Map<string, number>()
  readonly #rests: GrantRests
  readonly #revocations = new Set<Promise<void>>()
  readonly #revokedListeners = new Set<(accountId: string) => void>()

  constructor(options: GrantKeeperOptions) {
    this.#options = options
    this.#rests = new GrantRests(options.clock)
    options.providers.onChange(id => {
      this.paceOf(id).reset()
      this.#rests.forgetAllOf(id)
    })
  }

  /** What is under way ends; what a provider has already answered is stored first. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.allSettled([...this.#flights.values(), ...this.#revocations])
  }

  /** Hears that the access of an account was revoked or has expired. */
  onRevoked(listener: (accountId: string) => void): void {
    this.#revokedListeners.add(listener)
  }

  async accessToken({ grantId, part, host, rejected }: WantedToken): Promise<string> {
    const { store } = this.#options
    const row = await store.find(grantId)
    if (!row) throw gone()
    const provider = this.#providerOf(row)
    this.checkHost(provider, part, host)
    if (part === 'smtp') refuseReadOnly(provider, row)
    const unwanted: Unwanted = rejected === undefined ? undefined : { token: rejected, because: 'rejected' }
    const valid = this.#isValid(row, unwanted) ? row : await this.#refreshOnce(grantId, unwanted)
    if (valid.is_used === 0) await store.markUsed(grantId, valid, this.#aheadOf(valid))
    return this.#open(valid, 'access')
  }

  async providerOf(principal: Principal, grantId: string): Promise<string> {
    const row = await this.#options.store.find(grantId)
    const isTheirs = row?.account_id === null && row.made_by === limitKeyOf(principal)
    if (!row || !isTheirs) throw noGrant()
    return row.provider
  }

  async bind(transaction: Database, grantId: string, accountId: string): Promise<void> {
    if (!(await this.#options.store.bind(transaction, grantId, accountId))) throw noGrant()
  }

  async release(transaction: Database, grantId: string): Promise<() => void> {
    const { store } = this.#options
    const row = await store.find(grantId, transaction)
    if (!row) return () => undefined
    await store.delete(transaction, grantId)
    this.#rejectedAt.delete(grantId)
    this.#rests.forget(grantId)
    return () => {
      if (row.state === 'revoked' || this.#revocations.size >= maxRevocations || this.#stopped.signal.aborted) return
      const revocation = this.#revoke(row).finally(() => this.#revocations.delete(revocation))
      this.#revocations.add(revocation)
    }
  }

  /** As a new row, for `insert` or `replace`. */
  newRow(
    tokens: OAuthTokens,
    of: Pick<OAuthGrantRow, 'id' | 'provider' | 'account_id' | 'made_by' | 'granted_by' | 'use_for'>,
  ): OAuthGrantRow {
    const made = this.#columnsOf(of.id, tokens, null)
    return {
      ...of,
      ...made,
      granted_at: made.refreshed_at,
      subject: tokens.subject ?? null,
      is_used: 0,
      state: 'active',
      failure: null,
      locked_by: null,
      locked_until: null,
    }
  }

  /** Else who may move an account could have its token sent to a server of their own. @throws Problem bad_request. */
  checkHost({ name, imapHosts, smtpHosts }: ReadyProvider, part: 'imap' | 'smtp', host: string): void {
    if (isHostOf(part === 'imap' ? imapHosts : smtpHosts, host)) return
    const message = `is not a server of ${name}, so its access token is not sent there`
    throw new Problem('bad_request', `${part}.host: ${host} ${message}`, {
      part,
      errors: [{ path: `body.${part}.host`, message }],
    })
  }

  paceOf(providerId: string): ProviderPace {
    const { clock, providers } = this.#options
    const known = this.#paces.get(providerId)
    if (known) return known
    const pace = new ProviderPace(providers.nameOf(providerId), clock, this.#stopped.signal)
    this.#paces.set(providerId, pace)
    return pace
  }

  /** Until when a provider is not asked ahead, in epoch milliseconds; infinite where there is no client at it. */
  restsUntil(providerId: string): number {
    return this.#options.providers.isReady(providerId) ? this.paceOf(providerId).restsUntil : Number.POSITIVE_INFINITY
  }

  /** Before its time, unless another process was faster. @throws Problem why not. */
  async refreshAhead(grantId: string): Promise<void> {
    const { store, clock } = this.#options
    const row = await store.find(grantId)
    if (!row?.refresh_at || row.refresh_at > isoOf(clock.now()) || isLocked(row, clock.now())) return
    await this.#refreshOnce(grantId, { token: this.#open(row, 'access'), because: 'ahead' })
  }

  /**
   * One request for all who ask at the same time.
   * @throws Problem mail_login_refused when it is no longer valid, or why it cannot be refreshed now.
   */
  #refreshOnce(grantId: string, unwanted: Unwanted): Promise<OAuthGrantRow> {
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
      // Somebody was faster: another process, or one here that was done before this caller had its answer from the database.
      if (this.#isValid(known, unwanted)) return known
      const provider = this.#providerOf(known)
      try {
        this.#rests.refuseAtRest(known)
        const refreshed = await this.paceOf(provider.id).run(() => this.#refreshInTurn(provider, grantId, unwanted))
        if (refreshed) return refreshed
      } catch (error) {
        // The pace has heard of it as it came; those who wait hear it in words.
        throw error instanceof OAuthFault ? providerProblem(provider.name, error) : error
      }
    }
  }

  /** The grant when no other process refreshes it: waited for in no turn, since others need those. */
  async #whenFree(grantId: string, giveUpAt: number): Promise<OAuthGrantRow> {
    const { store, clock } = this.#options
    for (;;) {
      const row = await store.find(grantId)
      if (!row) throw gone()
      if (!isLocked(row, clock.now())) return row
      if (clock.now() > giveUpAt) throw elsewhere()
      await pause(clock, lookEveryMs, this.#stopped.signal)
      if (this.#stopped.signal.aborted) throw new Problem('draining', 'RustyMail is stopping.')
    }
  }

  /** @returns Undefined where another process was faster. */
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

  /** @param row As it was locked, with the process that had it before and did not finish. */
  async #refreshLocked(provider: ReadyProvider, row: OAuthGrantRow, unwanted: Unwanted): Promise<OAuthGrantRow> {
    const { store, server, clock } = this.#options
    try {
      // Another process, or somebody who signed in again, was faster.
      if (this.#isValid(row, unwanted)) {
        await store.unlock(row.id, this.#holder)
        return row
      }
    } catch (error) {
      await store.unlock(row.id, this.#holder)
      throw error
    }
    if (row.refresh_sealed === null) {
      return this.#lose(row, `${provider.name} gave no lasting access, and it has expired.`)
    }
    if (unwanted?.because === 'rejected') this.#rejectedAt.set(row.id, clock.now())
    let tokens: OAuthTokens
    try {
      tokens = await server.refresh(provider, this.#open(row, 'refresh'), row.scopes.split(' '))
    } catch (error) {
      if (error instanceof OAuthFault && error.kind === 'revoked') {
        // Of a process that ended between the answer and the store: the provider takes the old refresh token for stolen.
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

  /** The only copy of a rotated refresh token is in this process: it is tried again before it is given up. */
  async #keep(row: OAuthGrantRow, tokens: OAuthTokens): Promise<OAuthGrantRow> {
    const { store, clock, logger } = this.#options
    const columns = this.#columnsOf(row.id, tokens, row.refresh_sealed)
    for (let tries = 1; ; tries++) {
      try {
        const isKept = await store.keep(row.id, this.#holder, columns)
        this.#rests.forget(row.id)
        if (isKept) return { ...row, ...columns, is_used: 0, failure: null, locked_by: null, locked_until: null }
        const now = await store.find(row.id)
        if (now && this.#isValid(now, undefined)) return now
        throw revoked('The account signed in otherwise meanwhile. Sign in again.')
      } catch (err) {
        if (err instanceof Problem || tries >= storeTries) throw err
        logger.warn({ err, grant: row.id }, 'refreshed access was not stored')
        // While it stops it does not wait: what is left of the tries comes at once.
        await pause(clock, storeAgainMs, this.#stopped.signal)
      }
    }
  }

  /** @returns What somebody signed in for meanwhile. @throws Problem mail_login_refused else. */
  async #lose(row: OAuthGrantRow, why: string, cause?: OAuthFault): Promise<OAuthGrantRow> {
    const { store, logger } = this.#options
    this.#rests.forget(row.id)
    if (!(await store.revoke(row.id, this.#holder, why))) {
      const now = await store.find(row.id)
      if (!now) throw gone()
      if (this.#isValid(now, undefined)) return now
      throw elsewhere()
    }
    logger.warn({ account_id: row.account_id, provider: row.provider, reason: cause?.message }, 'access has ended')
    if (row.account_id !== null) {
      for (const listener of this.#revokedListeners) listener(row.account_id)
    }
    throw revoked(why, cause)
  }

  /** @throws Problem for one that was revoked. */
  #isValid(row: OAuthGrantRow, unwanted: Unwanted): boolean {
    if (row.state === 'revoked') throw revoked(row.failure ?? 'The access was revoked or has expired.')
    const now = this.#options.clock.now()
    const refreshedAt = Date.parse(row.refreshed_at)
    const expiresAt = row.access_expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.access_expires_at)
    if (now >= expiresAt - Math.min(marginMs, (expiresAt - refreshedAt) / 10)) return false
    if (unwanted === undefined || this.#open(row, 'access') !== unwanted.token) return true
    if (unwanted.because === 'ahead') return false
    return now - (this.#rejectedAt.get(row.id) ?? Number.NEGATIVE_INFINITY) < rejectedAgainMs
  }

  #columnsOf(id: string, tokens: OAuthTokens, refreshBefore: string | null): NewTokens {
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
  #aheadOf({ refreshed_at: from, access_expires_at: until, refresh_sealed: sealed, refresh_at: idle }: OAuthGrantRow) {
    if (sealed === null || until === null) return idle
    const lifeMs = Date.parse(until) - Date.parse(from)
    return isoOf(Date.parse(from) + lifeMs * (aheadFrom + aheadSpread * this.#options.random()))
  }

  get #spread(): number {
    return 0.8 + 0.2 * this.#options.random()
  }

  /** @throws Problem as an account tells it that cannot log in. */
  #providerOf({ provider: id }: OAuthGrantRow): ReadyProvider {
    try {
      return this.#options.providers.get(id)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw new Problem('mail_server_unreachable', error.message, { fault: 'sign_in_provider' })
    }
  }

  #open(row: OAuthGrantRow, kind: 'refresh' | 'access'): string {
    const sealed = kind === 'refresh' ? row.refresh_sealed! : row.access_sealed
    return this.#options.secrets.open(sealed, tokenSealContext(row.id, kind))
  }

  /** Never rejects. */
  async #revoke(row: OAuthGrantRow): Promise<void> {
    const { providers, server, clock, logger } = this.#options
    const about = { provider: row.provider, account_id: row.account_id }
    for (let tries = 1; tries <= revokeTries && !this.#stopped.signal.aborted; tries++) {
      try {
        const provider = providers.get(row.provider)
        const token = this.#open(row, row.refresh_sealed === null ? 'access' : 'refresh')
        const isDone = await this.paceOf(provider.id).run(() => server.revoke(provider, token))
        return logger.info(about, isDone ? 'access was revoked at the provider' : 'the provider has no way to revoke')
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        logger.warn({ ...about, reason }, 'access could not be revoked at the provider')
        await pause(clock, revokeAgainMs * tries, this.#stopped.signal)
      }
    }
  }
}

function isLocked({ locked_by, locked_until }: OAuthGrantRow, now: number): boolean {
  return locked_by !== null && locked_until !== null && locked_until >= isoOf(now)
}

function refuseReadOnly({ name, scopes }: ReadyProvider, row: OAuthGrantRow): void {
  const isSame = scopes.send.every(scope => scopes.read.includes(scope))
  if (row.use_for === 'send' || isSame) return
  const message = `the sign-in at ${name} was for reading alone; sign in again for sending`
  throw new Problem('bad_request', `smtp: ${message}`, {
    part: 'smtp',
    errors: [{ path: 'body.smtp', message }],
  })
}
