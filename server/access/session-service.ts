/** Sessions of users: opened after authentication, recognised by a cookie, and ended on expiry or revocation. */
import { hash, randomBytes } from 'node:crypto'
import type { SessionEnd, SignInMethod } from '../../contract/access.ts'
import { GatheredLookups } from '../platform/gathered-lookups.ts'
import type { Logger } from '../platform/logger.ts'
import { type Caller, maxUserAgent, type Principal, type PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { People } from '../users/people.ts'
import { rightsOf } from '../users/rights.ts'
import type { UserRow } from '../users/user-tables.ts'
import { EndedSessions } from './ended-sessions.ts'
import type { GoneSession, NamedSessionRow, OwnedSessionRow, SessionLimits, SessionStore } from './session-store.ts'
import type { SessionRow } from './session-tables.ts'

export interface SessionServiceOptions {
  store: SessionStore
  users: Pick<People, 'find' | 'update' | 'noteSignIn'>
  now: () => number
  logger: Logger
  /** Notified of sessions that end or whose rights change. */
  listener: PrincipalListener
}

export type Whence = Pick<Caller, 'address' | 'userAgent'>

export interface OpenedSession {
  /** The cookie's value, which is not stored. */
  cookie: string
  principal: Principal
  /** The user at the time when the session was opened. */
  user: UserRow
}

interface CachedSession {
  id: string
  userId: string
  principal: Principal
  endsAt: number
  lastSeenAt: number
  touchedAt: number
}

const minute = 60_000
const day = 24 * 60 * minute
export const sessionLifeMs = 30 * day
const sessionIdleMs = 7 * day
/** How stale `last_seen_at` in the database may be, in ms. */
const touchEveryMs = 5 * minute
/** Open sessions of one user; opening one more ends the oldest. */
const maxPerUser = 50
/** Cached sessions; when full, the one cached first is evicted, and its next request looks it up again. */
const maxCached = 10_000
/** Cookie look-ups in flight; beyond it, callers whose session is not cached are asked to retry. */
const maxLookups = 64
/** Attempts to read a session while sessions and users keep changing. */
const maxLooks = 5

export class SessionService {
  readonly #options: SessionServiceOptions
  /** Cached sessions by the hash of the cookie. */
  readonly #cache = new Map<string, CachedSession>()
  readonly #ended = new EndedSessions()
  readonly #lookups = new Map<string, Promise<Principal | undefined>>()
  readonly #rows: GatheredLookups<OwnedSessionRow>
  /** Counts changes and endings: a row read before one is not cached after it. */
  #changes = 0
  /** Follows changed users one after the other, so that a stale read is never applied last. */
  #following: Promise<void> = Promise.resolve()

  constructor(options: SessionServiceOptions) {
    this.#options = options
    this.#rows = new GatheredLookups({
      find: hashes => options.store.findByHashes(hashes),
      keyOf: row => row.token_hash,
      most: 16,
    })
  }

  async start(): Promise<void> {
    await this.#deleteExpired()
  }

  /** @param user The row that was read for authentication. */
  async open(user: UserRow, method: SignInMethod, { address, userAgent }: Whence): Promise<OpenedSession> {
    const { store, users, logger } = this.#options
    const now = this.#options.now()
    const cookie = randomBytes(32).toString('base64url')
    const row: SessionRow = {
      id: randomBytes(8).toString('hex'),
      token_hash: hashOf(cookie),
      user_id: user.id,
      method,
      ip_address: address,
      user_agent: userAgent.slice(0, maxUserAgent),
      created_at: iso(now),
      last_seen_at: iso(now),
      expires_at: iso(now + sessionLifeMs),
    }
    await this.#deleteExpired()
    const changes = this.#changes
    const { current, surplus } = await store.transact(async transaction => {
      // Locks the user until the session exists: a user disabled before is refused, one disabled later loses it.
      const current = await users.noteSignIn(user, iso(now), transaction)
      if (!current) throw refused()
      await store.insert(row, transaction)
      return { current, surplus: await store.deleteSurplus(row, maxPerUser, transaction) }
    })
    // If anything changed meanwhile, the session was not cached yet and missed the notice, so it is read again.
    const isSame = changes === this.#changes
    const principal = isSame ? this.#use(row.token_hash, this.#keep(row, principalOf(row, current))) : undefined
    const opened = principal ?? (await this.#load(row.token_hash))
    if (!opened) throw refused()
    for (const gone of surplus) this.#endedInDatabase(gone, 'too_many_sessions')
    logger.info({ user: user.id, session: row.id, method, address }, 'a session was opened')
    return { cookie, principal: opened, user: current }
  }

  /** Returns undefined if nobody has this cookie. Synchronous, without the database, for cached sessions. */
  authenticate(cookie: string): Principal | undefined | Promise<Principal | undefined> {
    const tokenHash = hashOf(cookie)
    const cached = this.#cache.get(tokenHash)
    return cached ? this.#use(tokenHash, cached) : this.#lookUp(tokenHash)
  }

  async find(sessionId: string): Promise<SessionRow | undefined> {
    return this.#options.store.find(sessionId)
  }

  /** Lists open sessions, the newest first, of one user or of all. */
  async list(userId?: string): Promise<NamedSessionRow[]> {
    const rows = await this.#options.store.listOpen(this.#limits(), userId)
    return rows.map(row => {
      const cached = this.#cache.get(row.token_hash)
      return cached ? { ...row, last_seen_at: iso(cached.lastSeenAt) } : row
    })
  }

  /** Returns why the session of this cookie ended, if that is remembered. */
  whyEnded(cookie: string | undefined): SessionEnd | null {
    return cookie === undefined ? null : this.#ended.why(hashOf(cookie))
  }

  /** @param why Undefined when the owner signs out. */
  async end(sessionId: string, why?: SessionEnd): Promise<void> {
    const gone = await this.#options.store.delete(sessionId)
    this.#endedInDatabase(gone ?? { id: sessionId, token_hash: undefined }, why)
  }

  #endedInDatabase({ id, token_hash }: { id: string; token_hash: string | undefined }, why?: SessionEnd): void {
    if (token_hash !== undefined && why) this.#ended.note(token_hash, why)
    this.#forget(cached => cached.id === id)
    this.#options.listener.revoked(principalId(id))
  }

  async endAllOf(userId: string, why: SessionEnd, exceptSessionId?: string): Promise<void> {
    const gone = await this.#options.store.deleteOf(userId, exceptSessionId)
    // Deleting a user deletes the rows too, so that only the cache still knows these sessions.
    const isEnded = (cached: CachedSession) => cached.userId === userId && cached.id !== exceptSessionId
    const all = new Map([...gone, ...this.#forget(isEnded)].map(({ id, token_hash }) => [id, token_hash]))
    for (const [id, tokenHash] of all) {
      this.#ended.note(tokenHash, why)
      this.#options.listener.revoked(principalId(id))
    }
  }

  async #deleteExpired(): Promise<void> {
    for (const { token_hash } of await this.#options.store.deleteEnded(this.#limits())) {
      this.#ended.note(token_hash, 'expired')
    }
  }

  /** Applies the user's current row; ends the sessions of users that are gone or disabled. */
  userChanged(userId: string): Promise<void> {
    const followed = this.#following.then(() => this.#follow(userId))
    // The caller receives a failure; the next change proceeds regardless.
    this.#following = followed.catch(() => undefined)
    return followed
  }

  async #follow(userId: string): Promise<void> {
    const { store, users, listener } = this.#options
    const user = await users.find(userId)
    if (!user) return this.endAllOf(userId, 'ended_by_administrator')
    if (user.disabled) return this.endAllOf(userId, 'user_disabled')
    const rows = await store.listOf(userId)
    this.#changes++
    for (const row of rows) {
      const principal = principalOf(row, user)
      const cached = this.#cache.get(row.token_hash)
      if (cached) cached.principal = principal
      listener.changed(principal)
    }
  }

  /** Coalesces look-ups: callers with the same cookie share one. */
  #lookUp(tokenHash: string): Promise<Principal | undefined> {
    const pending = this.#lookups.get(tokenHash)
    if (pending) return pending
    if (this.#lookups.size >= maxLookups) {
      const detail = 'Too many sessions are being looked up; try again in a moment.'
      return Promise.reject(new Problem('overloaded', detail, { retryAfterSeconds: 1 }))
    }
    const lookup = this.#load(tokenHash).finally(() => this.#lookups.delete(tokenHash))
    this.#lookups.set(tokenHash, lookup)
    return lookup
  }

  async #load(tokenHash: string): Promise<Principal | undefined> {
    for (let look = 0; look < maxLooks; look++) {
      const changes = this.#changes
      const row = await this.#rows.find(tokenHash)
      if (!row || row.disabled) return undefined
      if (changes === this.#changes) return this.#use(tokenHash, this.#keep(row, principalOf(row, row)))
    }
    throw new Problem('overloaded', 'Rights are being changed; try again.', { retryAfterSeconds: 1 })
  }

  #keep(row: SessionRow, principal: Principal): CachedSession {
    const lastSeenAt = Date.parse(row.last_seen_at)
    const endsAt = Date.parse(row.expires_at)
    const cached = { id: row.id, userId: row.user_id, principal, endsAt, lastSeenAt, touchedAt: lastSeenAt }
    if (this.#cache.size >= maxCached) this.#cache.delete(this.#cache.keys().next().value!)
    this.#cache.set(row.token_hash, cached)
    return cached
  }

  #use(tokenHash: string, session: CachedSession): Principal | undefined {
    const now = this.#options.now()
    if (now >= session.endsAt || now - session.lastSeenAt > sessionIdleMs) {
      this.#cache.delete(tokenHash)
      this.#ended.note(tokenHash, 'expired')
      return undefined
    }
    session.lastSeenAt = now
    if (now - session.touchedAt > touchEveryMs) {
      session.touchedAt = now
      this.#touch(session, iso(now)).catch((err: unknown) => {
        this.#options.logger.warn({ err }, 'the last use of a session could not be recorded')
      })
    }
    return session.principal
  }

  async #touch({ id, userId }: CachedSession, at: string): Promise<void> {
    await this.#options.store.touch(id, at)
    await this.#options.users.update(userId, { last_seen_at: at })
  }

  /** Evicts cached sessions, and returns them. */
  #forget(isEnded: (cached: CachedSession) => boolean): GoneSession[] {
    this.#changes++
    const ended = [...this.#cache].filter(([, cached]) => isEnded(cached))
    for (const [tokenHash] of ended) this.#cache.delete(tokenHash)
    return ended.map(([tokenHash, { id }]) => ({ id, token_hash: tokenHash }))
  }

  #limits(): SessionLimits {
    const now = this.#options.now()
    return { now: iso(now), idleBefore: iso(now - sessionIdleMs) }
  }
}

function principalOf(
  { id, user_id, expires_at }: SessionRow,
  user: Pick<UserRow, 'name' | 'role' | 'accounts'>,
): Principal {
  return {
    id: principalId(id),
    name: user.name,
    kind: 'session',
    userId: user_id,
    ...rightsOf(user),
    endsAt: Date.parse(expires_at),
  }
}

function principalId(sessionId: string): string {
  return `session-${sessionId}`
}

/** Answers as for a wrong password, without disclosing what changed. */
function refused(): Problem {
  return new Problem('sign_in_failed', 'Your account changed while you were signing in. Try again.')
}

function hashOf(cookie: string): string {
  return hash('sha256', cookie, 'hex')
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
