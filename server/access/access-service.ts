/** Authenticates callers by API key, API token or session; the set-up link opens the first session. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Role, type SessionView, type UserSession } from '../../contract/access.ts'
import type { Credentials } from '../platform/http/http-credentials.ts'
import type { WrongCredentials } from '../platform/http/wrong-credentials.ts'
import type { Logger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { People } from '../users/people.ts'
import type { Revocations } from '../users/revocations.ts'
import { hasRights, rightsOf } from '../users/rights.ts'
import type { UserService } from '../users/user-service.ts'
import type { UserRow } from '../users/user-tables.ts'
import { looksRandom } from './api-key-strength.ts'
import type { OpenedSession, SessionService, Whence } from './session-service.ts'

type Found = Principal | undefined

export interface AccessOptions {
  sessions: SessionService
  tokens: {
    authenticate(token: string, address: string, audience?: string): Found | Promise<Found>
  }
  /** A token with administrator rights, from the environment. */
  apiKey: string | undefined
  revocations: Revocations
  wrongKeys: Pick<WrongCredentials, 'mayTryKey' | 'rightKeyCame'>
  users: Pick<UserService, 'createAdministrator'>
  people: Pick<People, 'find'>
  /** Describes the server to the page. */
  describeServer: () => SessionView['server']
  /** The id of the newest event. */
  lastEventId: () => string
  now: () => number
  logger: Logger
}

interface FirstAdministrator {
  setup_token: string
  email: string
  name: string
  password: string
}

const setupLifeMs = 30 * 60_000

export class AccessService {
  readonly #options: AccessOptions
  readonly #apiKey: Buffer | undefined
  /** True if the key was generated, so that it cannot be guessed. */
  readonly #isKeyRandom: boolean
  readonly #apiKeyPrincipal: Principal
  #setup: { hash: Buffer; endsAt: number } | undefined

  constructor(options: AccessOptions) {
    this.#options = options
    this.#apiKey = options.apiKey === undefined ? undefined : Buffer.from(options.apiKey)
    this.#isKeyRandom = options.apiKey !== undefined && looksRandom(options.apiKey)
    const rights = { scopes: everyScope, accounts: 'all' } as const
    this.#apiKeyPrincipal = { id: 'api-key', name: 'API key', kind: 'api_key', userId: null, ...rights }
  }

  /** The principal of the environment's API key; undefined if there is none. */
  get apiKeyPrincipal(): Principal | undefined {
    return this.#apiKey && this.#apiKeyPrincipal
  }

  /** Returns undefined for anonymous callers. Synchronous, without the database, for keys and cached principals. */
  readonly authenticate = (credentials: Credentials): Found | Promise<Found> => {
    const { token, sessionCookie, address, audience } = credentials
    if (token !== undefined) {
      if (this.#isApiKey(token, address)) return this.#apiKeyPrincipal
      return this.#unlessDenied(this.#options.tokens.authenticate(token, address, audience))
    }
    if (sessionCookie === undefined) return undefined
    return this.#unlessDenied(this.#options.sessions.authenticate(sessionCookie))
  }

  #unlessDenied(found: Found | Promise<Found>): Found | Promise<Found> {
    if (found instanceof Promise) return found.then(principal => this.#unlessDenied(principal))
    return found && this.#options.revocations.denies(found) ? undefined : found
  }

  /** Creates a one-time token for the first administrator, valid for 30 minutes; invalidates the previous one. */
  createSetupToken(): string {
    const token = randomBytes(24).toString('base64url')
    this.#setup = { hash: bytesOf(sha256(token)), endsAt: this.#options.now() + setupLifeMs }
    return token
  }

  /** Uses up the set-up token, unless the user can fix the error: it survives a password that is too common. */
  async setUp({ setup_token, ...administrator }: FirstAdministrator, from: Whence): Promise<OpenedSession> {
    const { now, users, sessions, logger } = this.#options
    const setup = this.#setup
    if (!setup || now() > setup.endsAt || !timingSafeEqual(setup.hash, bytesOf(sha256(setup_token)))) {
      const detail =
        'This set-up link was already used, has expired after 30 minutes, or is from an earlier start. Restart RustyMail to get a new one.'
      throw new Problem('setup_token_invalid', detail)
    }
    // Taken before the first await, so that of two parallel requests only one proceeds.
    this.#setup = undefined
    const user = await users.createAdministrator({ ...administrator, onlyIfNone: true }).catch((error: unknown) => {
      this.#setup ??= setup
      throw error
    })
    logger.info({ user: user.id }, 'the first administrator was set up')
    return sessions.open(user, 'setup', from)
  }

  /** Returns the principal as the page shows it. @param known Its user, if the caller has just read it. */
  async view(principal: Principal, known?: UserRow): Promise<SessionView> {
    const { people, describeServer } = this.#options
    // Read first, so that the events after it include every change from here on.
    const lastEventId = this.#options.lastEventId()
    const { id, name, kind, userId, scopes, accounts } = principal
    if (kind === 'anonymous') throw new Problem('unauthorized', 'Sign in, or send a token.')
    const user = known ?? (userId === null ? undefined : await people.find(userId))
    return {
      principal: {
        id,
        name,
        kind,
        scopes: [...scopes],
        accounts: accounts === 'all' ? 'all' : [...accounts],
        user_id: userId,
        email: user?.email ?? null,
        role: user ? Role.parse(user.role) : null,
      },
      server: describeServer(),
      last_event_id: kind === 'session' && scopes.has('dashboard:read') ? lastEventId : null,
    }
  }

  /** Lists the caller's own sessions; administrators may list those of one user or of all. */
  async listSessions(principal: Principal, userId?: string): Promise<UserSession[]> {
    const wanted = isAdministrator(principal) ? userId : ownUserId(principal, userId)
    const rows = await this.#options.sessions.list(wanted)
    return rows.map(({ token_hash: _secret, ...row }) => ({
      ...row,
      // Only this program writes the column.
      method: row.method as UserSession['method'],
      is_current: principal.id === `session-${row.id}`,
    }))
  }

  /** Ends a session. Returns true if it is the caller's current one. */
  async endSession(principal: Principal, sessionId: string): Promise<boolean> {
    const { sessions, revocations } = this.#options
    await revocations.run({
      ids: [`session-${sessionId}`],
      check: () => this.#checkSession(principal, sessionId),
      work: async () => {
        const isOwn = await this.#checkSession(principal, sessionId)
        await sessions.end(sessionId, isOwn ? 'ended_elsewhere' : 'ended_by_administrator')
      },
    })
    return principal.id === `session-${sessionId}`
  }

  /** Returns true if it is the caller's own. @throws Problem if it does not exist, or the principal may not end it. */
  async #checkSession(principal: Principal, sessionId: string): Promise<boolean> {
    const { sessions, people } = this.#options
    const row = await sessions.find(sessionId)
    const owner = row && (await people.find(row.user_id))
    // A user cannot end sessions of a user who has more rights.
    const isBelow = isAdministrator(principal) && owner !== undefined && hasRights(principal, rightsOf(owner))
    const isOwn = principal.kind === 'session' && row?.user_id === principal.userId
    // The existence of other users' sessions is not disclosed.
    if (!row || !(isOwn || isBelow)) {
      throw new Problem('session_not_found', 'There is no such session; it may have ended.')
    }
    return isOwn
  }

  async closeSession(principal: Principal): Promise<void> {
    if (principal.kind !== 'session')
      throw new Problem('bad_request', 'Only a session can be ended; keys and tokens stay valid.')
    const { sessions, revocations } = this.#options
    await revocations.run({
      ids: [principal.id],
      check: async () => undefined,
      work: () => sessions.end(principal.id.slice('session-'.length)),
    })
  }

  /** Ends all sessions of the caller, including the current one. */
  async endAllSessions(principal: Principal): Promise<void> {
    const { sessions, revocations } = this.#options
    const userId = ownUserId(principal)
    await revocations.run({
      ids: (await sessions.list(userId)).map(({ id }) => `session-${id}`),
      check: async () => undefined,
      work: () => sessions.endAllOf(userId, 'ended_elsewhere'),
    })
  }

  /** After too many wrong keys from an address, a key that a person chose is not compared any more. */
  #isApiKey(token: string, address: string): boolean {
    const { wrongKeys } = this.#options
    if (this.#apiKey === undefined || !(this.#isKeyRandom || wrongKeys.mayTryKey(address))) return false
    // Compared directly: digests would hide only the length, and would be most of the cost of authenticating a caller.
    if (Buffer.byteLength(token) !== this.#apiKey.length) return false
    const isRight = timingSafeEqual(this.#apiKey, Buffer.from(token))
    // The address is remembered only for keys that a person chose.
    if (isRight && !this.#isKeyRandom) wrongKeys.rightKeyCame(address)
    return isRight
  }
}

function isAdministrator(principal: Principal): boolean {
  return principal.scopes.has('dashboard:admin')
}

/** Returns the user's id. @throws Problem for tokens, and for callers that name another user. */
function ownUserId({ kind, userId }: Principal, wanted = userId): string {
  if (kind !== 'session' || userId === null) {
    throw new Problem('session_needed', 'Only signed-in users have sessions; this is a token or a key.')
  }
  if (wanted === userId) return userId
  const missing = 'dashboard:admin'
  throw new Problem('forbidden', `Seeing the sessions of others requires the scope ${missing}.`, {
    missing_scope: missing,
  })
}

/** Returns hex, which Node produces faster than bytes, and by which tokens are stored. */
function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

function bytesOf(digest: string): Buffer {
  return Buffer.from(digest, 'latin1')
}
