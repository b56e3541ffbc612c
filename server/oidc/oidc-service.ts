/**
 * Sign-in through an OpenID Connect provider: sends the browser there, and opens a session for the returned identity.
 */
import type { ProblemCode } from '../../contract/problem.ts'
import type { OpenedSession, SessionService, Whence } from '../access/session-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { People } from '../users/people.ts'
import type { UserService } from '../users/user-service.ts'
import { type OidcClient, OidcFault, type OidcFaultKind } from './oidc-client.ts'
import type { OidcConfig } from './oidc-config.ts'
import { OidcLoginTable } from './oidc-login-table.ts'
import { OidcRefusal, type OidcRefusalCode } from './oidc-refusal.ts'
import { OidcUserSync, type OidcUserSyncOptions } from './oidc-user-sync.ts'

export interface OidcOptions {
  config: Pick<OidcConfig, 'name' | 'roles' | 'accounts'>
  client: Pick<OidcClient, 'authorizationUrl' | 'identify'>
  users: People
  userService: Pick<UserService, 'change' | 'needsSetup'>
  sessions: Pick<SessionService, 'open' | 'endAllOf'>
  hub: Pick<EventHub, 'transact'>
  record: OidcUserSyncOptions['record']
  /** The URL in the browser's address bar. */
  publicUrl: () => string
  now: () => number
  logger: Logger
}

export const startPath = '/api/dashboard/session/oidc'
export const callbackPath = '/api/dashboard/session/oidc/callback'

const codeOfFault: Record<OidcFaultKind, OidcRefusalCode> = {
  denied: 'denied',
  unavailable: 'unavailable',
  refused: 'failed',
}
/** SessionService opens no session for a user disabled at this moment. */
const codeOfProblem: Partial<Record<ProblemCode, OidcRefusalCode>> = {
  too_many_users: 'too_many_users',
  sign_in_failed: 'disabled',
}

export class OidcService {
  readonly #options: OidcOptions
  readonly #logins: OidcLoginTable
  readonly #people: OidcUserSync

  constructor(options: OidcOptions) {
    this.#options = options
    this.#logins = new OidcLoginTable({ now: options.now })
    this.#people = new OidcUserSync(options)
  }

  /** The label of the button. */
  get name(): string {
    return this.#options.config.name
  }

  /**
   * Begins a sign-in. Returns where the browser goes, and the key that its cookie holds until it returns. Throws
   * OidcRefusal.
   * @param returnTo Where to go afterwards; untrusted.
   */
  async begin(returnTo: string | undefined, address: string): Promise<{ url: URL; key: string }> {
    // Until there is an administrator, only the operator's set-up link signs in.
    const path = ownPath(returnTo)
    if (await this.#options.userService.needsSetup()) throw new OidcRefusal('setup_needed', { returnTo: path })
    const { key, login } = this.#logins.begin(path, address)
    const url = await this.#options.client
      .authorizationUrl(this.#callback.href, login)
      .catch((error: unknown) => this.#refuse(error, path))
    return { url, key }
  }

  /**
   * Opens a session for the returned browser. Throws OidcRefusal.
   * @param key The content of its cookie.
   */
  async finish(
    query: URLSearchParams,
    key: string | undefined,
    from: Whence,
  ): Promise<{ session: OpenedSession; returnTo: string }> {
    const returnTo = this.#logins.returnTo(key ?? '') ?? '/'
    const login = this.#logins.take(key ?? '', query.get('state') ?? '')
    if (login === 'unknown') throw new OidcRefusal('expired', { returnTo })
    if (login === 'wrong_state') throw new OidcRefusal('failed', { returnTo })
    const callback = this.#callback
    callback.search = query.toString()
    try {
      const identity = await this.#options.client.identify(callback, login)
      const user = await this.#people.getUser(identity, from)
      return { session: await this.#options.sessions.open(user, 'oidc', from), returnTo }
    } catch (error) {
      return this.#refuse(error, returnTo)
    }
  }

  get #callback(): URL {
    return new URL(callbackPath, this.#options.publicUrl())
  }

  #refuse(error: unknown, returnTo: string): never {
    const code = refusalOf(error)
    if (!code) throw error
    const reason = error instanceof OidcFault ? { reason: error.message } : {}
    this.#options.logger.warn({ code, ...reason }, 'sign-in through the provider failed')
    throw new OidcRefusal(code, { cause: error, returnTo })
  }
}

/** Returns undefined for a bug. */
function refusalOf(error: unknown): OidcRefusalCode | undefined {
  if (error instanceof OidcRefusal) return error.code
  if (error instanceof OidcFault) return codeOfFault[error.kind]
  return error instanceof Problem ? codeOfProblem[error.code] : undefined
}

/** Returns a path of our own pages, or `/`: neither another origin nor an API path. */
function ownPath(given: string | undefined): string {
  const base = 'http://here.invalid'
  if (typeof given !== 'string' || given.length > 1_000 || !given.startsWith('/')) return '/'
  const url = URL.parse(given, base)
  if (url?.origin !== base) return '/'
  // Resolved dots may leave two leading slashes, which a browser reads as another host.
  const path = url.pathname + url.search + url.hash
  return /^\/(?!api\/|[/\\])/.test(path) ? path : '/'
}
