/** Sign-in through an OpenID Connect provider: sends the browser there, and makes a session of what it brings back. */
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
  /** What the browser's address bar shows. */
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
/** Of a user who was disabled in this moment SessionService opens none. */
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

  /** For the button. */
  get name(): string {
    return this.#options.config.name
  }

  /**
   * Where the browser goes, and the key that its cookie is to hold until it comes back. Throws OidcRefusal.
   * @param returnTo Where to go after; from anybody.
   */
  async begin(returnTo: string | undefined, address: string): Promise<{ url: URL; key: string }> {
    // Until there is an administrator only the set-up link opens the door: only the operator has it.
    const path = ownPath(returnTo)
    if (await this.#options.userService.needsSetup()) throw new OidcRefusal('setup_needed', { returnTo: path })
    const { key, login } = this.#logins.begin(path, address)
    const url = await this.#options.client
      .authorizationUrl(this.#callback.href, login)
      .catch((error: unknown) => this.#refuse(error, path))
    return { url, key }
  }

  /**
   * What the browser brought back becomes a session. Throws OidcRefusal.
   * @param key What its cookie holds.
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

/** Undefined for what is a bug. */
function refusalOf(error: unknown): OidcRefusalCode | undefined {
  if (error instanceof OidcRefusal) return error.code
  if (error instanceof OidcFault) return codeOfFault[error.kind]
  return error instanceof Problem ? codeOfProblem[error.code] : undefined
}

/** A path of our own pages, or the first one: no link redirects elsewhere, nor to an API path. */
function ownPath(given: string | undefined): string {
  const base = 'http://here.invalid'
  if (typeof given !== 'string' || given.length > 1_000 || !given.startsWith('/')) return '/'
  const url = URL.parse(given, base)
  if (url?.origin !== base) return '/'
  // Dots that were resolved may leave two slashes at the front, which a browser reads as another host.
  const path = url.pathname + url.search + url.hash
  return /^\/(?!api\/|[/\\])/.test(path) ? path : '/'
}
