/** The grants of accounts: hands out their access tokens, binds them to accounts, and revokes them. */
import type { AccountGrants, WantedToken } from '../accounts/account-grants.ts'
import { noGrant } from '../accounts/account-grants.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { isoOf, pauseOn, type TimerClock } from '../platform/timer-clock.ts'
import { gone } from './grant-problems.ts'
import { GrantTokens } from './grant-tokens.ts'
import { isHostOf, type ReadyProvider } from './oauth-provider.ts'
import type { OAuthProviders } from './oauth-providers.ts'
import type { OAuthServer, OAuthTokens } from './oauth-server.ts'
import type { OAuthStore } from './oauth-store.ts'
import { isLocked, type OAuthGrantRow } from './oauth-tables.ts'
import { ProviderPace } from './provider-pace.ts'
import { SharedRefresh, type Unwanted } from './shared-refresh.ts'

export interface GrantKeeperOptions {
  store: OAuthStore
  providers: OAuthProviders
  server: Pick<OAuthServer, 'refresh' | 'revoke'>
  secrets: SecretBox
  clock: TimerClock
  /** 0 to 1: jitter that spreads refreshes due at the same time. */
  random(): number
  logger: Logger
}

const revokeTries = 3
const revokeAgainMs = 5_000
/** Revocations in flight; further ones are skipped, and left to the provider's own page. */
const maxRevocations = 100

export class GrantKeeper implements AccountGrants {
  readonly #options: GrantKeeperOptions
  readonly #stopped = new AbortController()
  readonly #paces = new Map<string, ProviderPace>()
  readonly #tokens: GrantTokens
  readonly #refresh: SharedRefresh
  readonly #revocations = new Set<Promise<void>>()
  readonly #revokedListeners = new Set<(accountId: string) => void>()

  constructor(options: GrantKeeperOptions) {
    this.#options = options
    this.#tokens = new GrantTokens(options)
    this.#refresh = new SharedRefresh({
      ...options,
      tokens: this.#tokens,
      paceOf: id => this.paceOf(id),
      providerOf: row => this.#providerOf(row),
      lost: accountId => {
        for (const listener of this.#revokedListeners) listener(accountId)
      },
      stopped: this.#stopped.signal,
    })
    options.providers.onChange(id => {
      this.paceOf(id).reset()
      this.#refresh.forgetRestsOf(id)
    })
  }

  /** Aborts what is in flight; a response that a provider has already sent is stored first. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.allSettled([this.#refresh.idle(), ...this.#revocations])
  }

  /** Registers a listener for accounts whose access was revoked or has expired. */
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
    const valid = this.#refresh.isValid(row, unwanted) ? row : await this.#refresh.once(grantId, unwanted)
    if (valid.is_used === 0) await store.markUsed(grantId, valid, this.#tokens.aheadOf(valid))
    return this.#tokens.open(valid, 'access')
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
    this.#refresh.forget(grantId)
    return () => {
      if (row.state === 'revoked' || this.#revocations.size >= maxRevocations || this.#stopped.signal.aborted) return
      const revocation = this.#revoke(row).finally(() => this.#revocations.delete(revocation))
      this.#revocations.add(revocation)
    }
  }

  /** Builds a new row for `insert` or `replace`. */
  newRow(
    tokens: OAuthTokens,
    of: Pick<OAuthGrantRow, 'id' | 'provider' | 'account_id' | 'made_by' | 'granted_by' | 'use_for'>,
  ): OAuthGrantRow {
    const made = this.#tokens.columnsOf(of.id, tokens, null)
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

  /** Protects tokens from callers that move an account to their own server. @throws Problem bad_request. */
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

  /** Returns until when a provider is not asked ahead, in epoch ms; infinite if it has no client. */
  restsUntil(providerId: string): number {
    return this.#options.providers.isReady(providerId) ? this.paceOf(providerId).restsUntil : Number.POSITIVE_INFINITY
  }

  /** Refreshes before the token ends, unless another process was faster. @throws Problem with the reason. */
  async refreshAhead(grantId: string): Promise<void> {
    const { store, clock } = this.#options
    const row = await store.find(grantId)
    if (!row?.refresh_at || row.refresh_at > isoOf(clock.now()) || isLocked(row, clock.now())) return
    await this.#refresh.once(grantId, { token: this.#tokens.open(row, 'access'), because: 'ahead' })
  }

  /** @throws Problem in the form for an account that cannot log in. */
  #providerOf({ provider: id }: OAuthGrantRow): ReadyProvider {
    try {
      return this.#options.providers.get(id)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw new Problem('mail_server_unreachable', error.message, { fault: 'sign_in_provider' })
    }
  }

  /** Never rejects. */
  async #revoke(row: OAuthGrantRow): Promise<void> {
    const { providers, server, clock, logger } = this.#options
    const about = { provider: row.provider, account_id: row.account_id }
    for (let tries = 1; tries <= revokeTries && !this.#stopped.signal.aborted; tries++) {
      try {
        const provider = providers.get(row.provider)
        const token = this.#tokens.open(row, row.refresh_sealed === null ? 'access' : 'refresh')
        const isDone = await this.paceOf(provider.id).run(() => server.revoke(provider, token))
        return logger.info(about, isDone ? 'access was revoked at the provider' : 'the provider supports no revocation')
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        logger.warn({ ...about, reason }, 'access could not be revoked at the provider')
        await pauseOn(clock, revokeAgainMs * tries, this.#stopped.signal)
      }
    }
  }
}

function refuseReadOnly({ name, scopes }: ReadyProvider, row: OAuthGrantRow): void {
  const isSame = scopes.send.every(scope => scopes.read.includes(scope))
  if (row.use_for === 'send' || isSame) return
  const message = `the sign-in at ${name} was for reading only; sign in again for sending`
  throw new Problem('bad_request', `smtp: ${message}`, {
    part: 'smtp',
    errors: [{ path: 'body.smtp', message }],
  })
}
