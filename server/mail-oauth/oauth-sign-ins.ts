/** Sign-ins at providers in progress, in memory: begun by a user, finished by a returning browser or a device code. */
import { randomBytes } from 'node:crypto'
import type { OAuthSignIn, OAuthSignInInput } from '../../contract/mail-oauth.ts'
import { refuseNarrow } from '../accounts/account-rules.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Logger } from '../platform/logger.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { isoOf, pauseOn, type TimerClock } from '../platform/timer-clock.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import { missingScopes, type ReadyProvider } from './oauth-provider.ts'
import type { OAuthProviders } from './oauth-providers.ts'
import { OAuthFault, type OAuthServer, type OAuthTokens } from './oauth-server.ts'
import type { OAuthStore } from './oauth-store.ts'
import { providerProblem } from './provider-pace.ts'

export interface OAuthSignInsOptions {
  providers: OAuthProviders
  server: Pick<OAuthServer, 'authorizationUrl' | 'exchange' | 'beginDevice' | 'pollDevice'>
  keeper: GrantKeeper
  store: Pick<OAuthStore, 'find' | 'insert' | 'replace'>
  accounts: Pick<AccountService, 'get' | 'signInAgain'>
  clock: TimerClock
  logger: Logger
}

interface SignIn {
  readonly id: string
  readonly principal: Principal
  readonly provider: ReadyProvider
  readonly input: OAuthSignInInput
  readonly state: string
  readonly verifier: string
  readonly device:
    | { userCode: string; verificationUri: string; verificationUriComplete: string | undefined }
    | undefined
  readonly url: string | undefined
  readonly ended: AbortController
  readonly endsAt: number
  phase: OAuthSignIn['state']
  isBack: boolean
  grantId: string | undefined
  failure: string | undefined
}

const signInLifeMs = 10 * 60_000
/** Upper bound of the lifetime of a device code in ms, whatever the provider says. */
const maxDeviceLifeMs = 30 * 60_000
/** How long an outcome is remembered, in ms. */
const rememberedMs = 30 * 60_000
/** Bounds of sign-ins per user and in all; beyond them the oldest is evicted. */
const maxOfUser = 20
const maxInAll = 1_000
/** RFC 8628, section 3.5. */
const slowDownMs = 5_000
const maxIntervalMs = 60_000

export class OAuthSignIns {
  readonly #options: OAuthSignInsOptions
  /** Sign-ins in the order in which they began. */
  readonly #signIns = new Map<string, SignIn>()
  readonly #running = new Set<Promise<void>>()
  readonly #stopped = new AbortController()

  constructor(options: OAuthSignInsOptions) {
    this.#options = options
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const { ended } of this.#signIns.values()) ended.abort()
    await Promise.allSettled(this.#running)
  }

  /** Begins a sign-in. @throws Problem, also if the provider cannot be reached. */
  async begin(principal: Principal, input: OAuthSignInInput): Promise<OAuthSignIn> {
    const { providers, accounts } = this.#options
    if (input.method === 'browser' && principal.kind !== 'session') {
      const detail = 'Only a browser that is signed in here can return from the provider; use the method device.'
      throw new Problem('not_possible_now', detail)
    }
    if (input.account_id === undefined) refuseNarrow(principal, 'Connecting an account')
    const account = input.account_id === undefined ? undefined : await accounts.get(principal, input.account_id)
    if (account?.is_sandbox) throw new Problem('not_possible_now', 'The account of the sandbox logs in automatically.')
    const provider = providers.get(input.provider)
    const email = input.email ?? account?.imap.user ?? account?.email
    const use = account ? (account.smtp ? 'send' : 'read') : input.use
    const wanted = { ...input, use, ...(email === undefined ? {} : { email }) }
    this.#makeRoom(principal)
    const begun = await this.#begin(provider, wanted).catch((error: unknown) => this.#fault(provider, error))
    const signIn: SignIn = {
      ...{ id: randomText(), principal, provider, input: wanted, ended: new AbortController() },
      ...begun,
      ...{ phase: 'waiting', isBack: false, grantId: undefined, failure: undefined },
    }
    this.#signIns.set(signIn.id, signIn)
    if (begun.poll) this.#own(begun.poll(signIn))
    return view(signIn)
  }

  /** @throws Problem oauth_sign_in_not_found, also for one that another user began. */
  get(principal: Principal, id: string): OAuthSignIn {
    return view(this.#find(principal, id))
  }

  cancel(principal: Principal, id: string): void {
    this.#find(principal, id).ended.abort()
    this.#signIns.delete(id)
  }

  /**
   * Handles the returning browser: the code is exchanged once, only for the session that began the sign-in.
   * @returns The sign-in; undefined if it is unknown, over, or another user's.
   */
  async finish(
    principal: Principal,
    callback: URL,
  ): Promise<{ id: string; accountId: string | undefined } | undefined> {
    const { server, clock, providers } = this.#options
    const state = callback.searchParams.get('state') ?? ''
    const signIn = [...this.#signIns.values()].find(each => each.url !== undefined && each.state === state)
    const isTheirs = signIn?.principal.id === principal.id && principal.kind === 'session'
    if (!signIn || !isTheirs || signIn.isBack || clock.now() >= signIn.endsAt) return undefined
    signIn.isBack = true
    const { provider, input, verifier } = signIn
    const scopes = provider.scopes[input.use]
    const url = new URL(providers.redirectUri)
    url.search = callback.search
    await this.#complete(signIn, () => server.exchange(provider, url, { state, verifier, scopes }))
    return { id: signIn.id, accountId: input.account_id }
  }

  async #begin(provider: ReadyProvider, { method, use, email }: OAuthSignInInput) {
    const { server, providers, clock } = this.#options
    const scopes = provider.scopes[use]
    const [state, verifier] = [randomText(), randomText()]
    const secrets = { state, verifier }
    if (method === 'browser') {
      const asked = { redirectUri: providers.redirectUri, scopes, state, verifier, email }
      const url = await server.authorizationUrl(provider, asked)
      const endsAt = clock.now() + signInLifeMs
      return { ...secrets, url: url.href, device: undefined, endsAt, poll: undefined }
    }
    if ('token' in provider.endpoints && provider.endpoints.device === undefined) {
      const detail = `${provider.name} gives no access to mail by device code; sign in with the browser.`
      throw new Problem('oauth_failed', detail)
    }
    const { deviceCode, expiresInSeconds, intervalSeconds, ...device } = await server.beginDevice(provider, scopes)
    const endsAt = clock.now() + Math.min(Math.max(expiresInSeconds, 1) * 1_000, maxDeviceLifeMs)
    const intervalMs = Math.min(Math.max(intervalSeconds, 1) * 1_000, maxIntervalMs)
    const poll = (signIn: SignIn) => this.#pollDevice(signIn, deviceCode, intervalMs)
    return { ...secrets, url: undefined, device, endsAt, poll }
  }

  /** Polls no faster than the provider allows; never rejects. */
  async #pollDevice(signIn: SignIn, deviceCode: string, firstMs: number): Promise<void> {
    const { server, clock } = this.#options
    const { provider, input, ended } = signIn
    const scopes = provider.scopes[input.use]
    for (let intervalMs = firstMs; ; ) {
      await pauseOn(clock, intervalMs, ended.signal)
      if (ended.signal.aborted) return
      if (clock.now() >= signIn.endsAt) return this.#fail(signIn, 'The code expired before it was entered.')
      const outcome = await server.pollDevice(provider, deviceCode, scopes).catch((error: unknown) => error)
      if (ended.signal.aborted) return
      const code = outcome instanceof OAuthFault ? outcome.code : undefined
      const isAway = outcome instanceof OAuthFault && outcome.kind === 'away'
      if (code === 'authorization_pending') continue
      if (code === 'slow_down') intervalMs = Math.min(intervalMs + slowDownMs, maxIntervalMs)
      else if (isAway) intervalMs = Math.min(intervalMs * 2, maxIntervalMs)
      else if (code === 'expired_token') return this.#fail(signIn, 'The code expired before it was entered.')
      else return this.#complete(signIn, async () => given(outcome))
    }
  }

  /** Stores the tokens as a new grant, or replaces that of the account. Never rejects. */
  async #complete(signIn: SignIn, ask: () => Promise<OAuthTokens>): Promise<void> {
    const { logger } = this.#options
    const { provider, input } = signIn
    try {
      signIn.phase = 'checking'
      const tokens = await ask()
      const missing = missingScopes(provider.scopes[input.use], tokens.scopes)
      if (missing.length > 0) {
        throw new Problem(
          'oauth_failed',
          `${provider.name} did not grant ${missing.join(' and ')}. Sign in again and allow it.`,
        )
      }
      if (input.account_id === undefined) await this.#keepNew(signIn, tokens)
      // The page is shown meanwhile, since mail servers may be slow.
      else
        this.#own(
          this.#keepAgain(signIn, input.account_id, tokens).catch((error: unknown) => this.#failed(signIn, error)),
        )
    } catch (error) {
      logger.info({ provider: provider.id }, 'a sign-in of a mail account failed')
      this.#failed(signIn, error)
    }
  }

  async #keepNew(signIn: SignIn, tokens: OAuthTokens): Promise<void> {
    const id = randomText()
    await this.#options.store.insert(this.#rowOf(signIn, id, null, tokens))
    this.#done(signIn, id)
  }

  /** Replaces an account's grant; the mail server, and if possible the provider, checks that the user is the same. */
  async #keepAgain(signIn: SignIn, accountId: string, tokens: OAuthTokens): Promise<void> {
    const { accounts, store } = this.#options
    const { provider, principal } = signIn
    const { auth, imap } = await accounts.get(principal, accountId)
    const before = auth.kind === 'oauth' ? await store.find(auth.grant_id) : undefined
    const isSame = before?.provider === provider.id
    const isKnown = isSame && before.subject !== null && tokens.subject !== undefined
    const isSamePerson = isKnown && before.subject === tokens.subject
    if (isKnown && !isSamePerson) {
      throw new Problem('oauth_failed', `A different user signed in. Sign in at ${provider.name} as ${imap.user}.`)
    }
    const id = before?.id ?? randomText()
    const row = this.#rowOf(signIn, id, accountId, tokens)
    await accounts.signInAgain(principal, accountId, {
      auth: { kind: 'oauth', provider: provider.id, grant_id: id },
      accessToken: tokens.accessToken,
      isSamePerson,
      checkHosts: (part, host) => this.#options.keeper.checkHost(provider, part, host),
      keep: transaction => (before ? store.replace(transaction, row) : store.insert(row, transaction)),
    })
    this.#done(signIn, id)
  }

  #rowOf({ principal, provider, input }: SignIn, id: string, accountId: string | null, tokens: OAuthTokens) {
    return this.#options.keeper.newRow(tokens, {
      ...{ id, provider: provider.id, account_id: accountId, use_for: input.use },
      ...{ made_by: limitKeyOf(principal), granted_by: principal.name },
    })
  }

  #done(signIn: SignIn, grantId: string): void {
    signIn.grantId = grantId
    signIn.phase = 'done'
  }

  #failed(signIn: SignIn, error: unknown): void {
    const { logger } = this.#options
    if (error instanceof Problem) return this.#fail(signIn, error.message)
    if (error instanceof OAuthFault) return this.#fail(signIn, wordsOf(signIn.provider, error))
    logger.error({ err: error }, 'a sign-in of a mail account failed')
    this.#fail(signIn, 'Something went wrong here; the log of the server says what.')
  }

  #fail(signIn: SignIn, failure: string): void {
    signIn.failure = failure
    signIn.phase = 'failed'
  }

  #fault(provider: ReadyProvider, error: unknown): never {
    if (!(error instanceof OAuthFault)) throw error
    const code = error.kind === 'away' ? 'oauth_unreachable' : 'oauth_failed'
    throw new Problem(code, wordsOf(provider, error), { cause: error })
  }

  #find(principal: Principal, id: string): SignIn {
    const signIn = this.#signIns.get(id)
    const isKnown = signIn && this.#options.clock.now() < signIn.endsAt + rememberedMs
    if (isKnown && limitKeyOf(signIn.principal) === limitKeyOf(principal)) return signIn
    throw new Problem('oauth_sign_in_not_found', 'You have no such sign-in, or it has ended. Start again.')
  }

  #makeRoom(principal: Principal): void {
    const now = this.#options.clock.now()
    for (const signIn of this.#signIns.values()) if (now >= signIn.endsAt + rememberedMs) this.#evict(signIn)
    const theirs = [...this.#signIns.values()].filter(each => limitKeyOf(each.principal) === limitKeyOf(principal))
    if (theirs.length >= maxOfUser) this.#evict(theirs[0])
    if (this.#signIns.size >= maxInAll) this.#evict(this.#signIns.values().next().value)
  }

  #evict(signIn: SignIn | undefined): void {
    signIn?.ended.abort()
    if (signIn) this.#signIns.delete(signIn.id)
  }

  #own(work: Promise<void>): void {
    const owned = work.finally(() => this.#running.delete(owned))
    this.#running.add(owned)
  }
}

function wordsOf(provider: ReadyProvider, fault: OAuthFault): string {
  if (fault.kind === 'denied') return `The sign-in at ${provider.name} was cancelled there, or is not allowed.`
  if (fault.kind === 'away' || fault.kind === 'client') return providerProblem(provider.name, fault).message
  return `The sign-in at ${provider.name} could not be completed: ${fault.message}. Begin again.`
}

/** Returns what `pollDevice` returned, or throws what it threw. */
function given(outcome: unknown): OAuthTokens {
  if (outcome instanceof Error) throw outcome
  return outcome as OAuthTokens
}

function view({ id, provider, input, phase, isBack, url, device, endsAt, grantId, failure }: SignIn): OAuthSignIn {
  return {
    id,
    provider: provider.id,
    provider_name: provider.name,
    method: input.method,
    use: input.use,
    account_id: input.account_id ?? null,
    state: phase,
    authorization_url: isBack ? null : (url ?? null),
    user_code: device?.userCode ?? null,
    verification_uri: device?.verificationUri ?? null,
    verification_uri_complete: device?.verificationUriComplete ?? null,
    expires_at: isoOf(endsAt),
    grant_id: grantId ?? null,
    failure: failure ?? null,
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}
