/** Who someone is: the API key of the environment, or a session that the one-time set-up link opened. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Credentials } from '../platform/http-credentials.ts'
import type { Logger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SessionStore } from './session-store.ts'

export interface AccessOptions {
  store: SessionStore
  logger: Logger
  /** An administrator's token, from the environment. */
  apiKey: string | undefined
  now: () => number
  /** Closes what a principal holds open; called when its session ends. */
  revoke: (principalId: string) => void
}

interface CachedSession {
  id: string
  principal: Principal
  endsAt: number
  lastSeenAt: number
  touchedAt: number
}

const minute = 60_000
const day = 24 * 60 * minute
const setupLifeMs = 30 * minute
export const sessionLifeMs = 30 * day
const sessionIdleMs = 7 * day
/** How stale `last_seen_at` may be in the database. */
const touchEveryMs = 5 * minute
/** Sessions kept in memory; when full the one cached first goes, and costs a look-up when it comes back. */
const maxCached = 1000

export class AccessService {
  readonly #options: AccessOptions
  readonly #apiKeyHash: Buffer | undefined
  readonly #apiKeyPrincipal: Principal
  readonly #cache = new Map<string, CachedSession>()
  #setup: { hash: Buffer; endsAt: number } | undefined

  constructor(options: AccessOptions) {
    this.#options = options
    this.#apiKeyHash = options.apiKey === undefined ? undefined : sha256(options.apiKey)
    this.#apiKeyPrincipal = { id: 'api-key', name: 'API key', kind: 'api_key', scopes: everyScope, accounts: 'all' }
  }

  async start(): Promise<void> {
    const now = this.#options.now()
    await this.#options.store.deleteEnded(iso(now), iso(now - sessionIdleMs))
  }

  /** A new one-time token; the one before no longer works. It opens an administrator's session within 30 minutes. */
  createSetupToken(): string {
    const token = randomBytes(24).toString('base64url')
    this.#setup = { hash: sha256(token), endsAt: this.#options.now() + setupLifeMs }
    return token
  }

  /** Undefined for nobody. Answers at once, without the database, for keys and for sessions seen before. */
  authenticate({ token, sessionCookie }: Credentials): Principal | undefined | Promise<Principal | undefined> {
    if (token !== undefined) return this.#isApiKey(token) ? this.#apiKeyPrincipal : undefined
    if (sessionCookie === undefined || sessionCookie.length > 200) return undefined
    const tokenHash = sha256(sessionCookie).toString('hex')
    const cached = this.#cache.get(tokenHash)
    return cached ? this.#use(tokenHash, cached) : this.#load(tokenHash)
  }

  /** Uses up the set-up token and answers the value of a session cookie. */
  async openSession(setupToken: string): Promise<{ cookie: string; principal: Principal }> {
    const setup = this.#setup
    const now = this.#options.now()
    if (!setup || now > setup.endsAt || !timingSafeEqual(setup.hash, sha256(setupToken))) {
      const detail =
        'This set-up link was used already, is older than 30 minutes, or is not from this start. Restart RustyMail to get a new one.'
      throw new Problem('setup_token_invalid', detail)
    }
    this.#setup = undefined
    const cookie = randomBytes(32).toString('base64url')
    const tokenHash = sha256(cookie).toString('hex')
    const row = {
      id: randomBytes(8).toString('hex'),
      token_hash: tokenHash,
      created_at: iso(now),
      last_seen_at: iso(now),
      expires_at: iso(now + sessionLifeMs),
    }
    await this.#options.store.insert(row).catch((error: unknown) => {
      // The link is not used up by a database that did not take the session.
      this.#setup ??= setup
      throw error
    })
    this.#options.logger.info({ session: row.id }, 'a session was opened with the set-up link')
    return { cookie, principal: this.#remember(tokenHash, row.id, now + sessionLifeMs, now).principal }
  }

  async closeSession(principal: Principal): Promise<void> {
    if (principal.kind !== 'session')
      throw new Problem('bad_request', 'Only a session can be ended; an API key stays valid.')
    for (const [tokenHash, cached] of this.#cache)
      if (cached.principal.id === principal.id) this.#cache.delete(tokenHash)
    await this.#options.store.delete(principal.id.slice('session-'.length))
    this.#options.revoke(principal.id)
  }

  #isApiKey(token: string): boolean {
    return this.#apiKeyHash !== undefined && timingSafeEqual(this.#apiKeyHash, sha256(token))
  }

  async #load(tokenHash: string): Promise<Principal | undefined> {
    const row = await this.#options.store.findByHash(tokenHash)
    if (!row) return undefined
    return this.#use(
      tokenHash,
      this.#remember(tokenHash, row.id, Date.parse(row.expires_at), Date.parse(row.last_seen_at)),
    )
  }

  #remember(tokenHash: string, id: string, endsAt: number, lastSeenAt: number): CachedSession {
    const principal: Principal = {
      id: `session-${id}`,
      name: 'Administrator',
      kind: 'session',
      scopes: everyScope,
      accounts: 'all',
    }
    if (this.#cache.size >= maxCached) this.#cache.delete(this.#cache.keys().next().value!)
    const cached = { id, principal, endsAt, lastSeenAt, touchedAt: lastSeenAt }
    this.#cache.set(tokenHash, cached)
    return cached
  }

  #use(tokenHash: string, session: CachedSession): Principal | undefined {
    const now = this.#options.now()
    if (now >= session.endsAt || now - session.lastSeenAt > sessionIdleMs) {
      this.#cache.delete(tokenHash)
      return undefined
    }
    session.lastSeenAt = now
    if (now - session.touchedAt > touchEveryMs) {
      session.touchedAt = now
      this.#options.store.touch(session.id, iso(now)).catch((err: unknown) => {
        this.#options.logger.warn({ err }, 'could not note that a session is in use')
      })
    }
    return session.principal
  }
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
