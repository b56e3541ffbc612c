/** Sessions of people: opened once a person has proved who they are, known by a cookie, and ended when they should be. */
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
  /** Hears of sessions that end, or may do other things than before. */
  listener: PrincipalListener
}

export type Whence = Pick<Caller, 'address' | 'userAgent'>

export interface OpenedSession {
  /** The cookie's value, which is kept nowhere. */
  cookie: string
  principal: Principal
  /** As they were when it was opened. */
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
/** How stale `last_seen_at` may be in the database. */
const touchEveryMs = 5 * minute
/** Open at once; when there is one more, the oldest ends. */
const maxPerUser = 50
/** Sessions kept in memory; when full the one cached first goes, and costs a look-up when it comes back. */
const maxCached = 10_000
/** Cookies looked up at once; past it a caller with one that was not seen lately is told to come back. */
const maxLookups = 64
/** Looks into the database while sessions and users change at the same moment. */
const maxLooks = 5

export class SessionService {
  readonly #options: SessionServiceOptions
  /** By the hash of the cookie. */
  readonly #cache = new Map<string, CachedSession>()
  readonly #ended = new EndedSessions()
  readonly #lookups = new Map<string, Promise<Principal | undefined>>()
  readonly #rows: GatheredLookups<OwnedSessionRow>
  /** Counts what changed or ended: what was read before that is not kept after it. */
  #changes = 0
  /** Users are followed one after the other, so that what was read first is not applied last. */
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

  /** @param user As they were when they proved who they are. */
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
      // Holds on to the user until the session is there: who is disabled or reset now is refused, and after it the session is found.
      const current = await users.noteSignIn(user, iso(now), transaction)
      if (!current) throw refused()
      await store.insert(row, transaction)
      return { current, surplus: await store.deleteSurplus(row, maxPerUser, transaction) }
    })
    // A user changed since then has other rights, or is disabled: a session that was not yet in memory was not told.
    const isSame = changes === this.#changes
    const principal = isSame ? this.#use(row.token_hash, this.#keep(row, principalOf(row, current))) : undefined
    const opened = principal ?? (await this.#load(row.token_hash))
    if (!opened) throw refused()
    for (const gone of surplus) this.#endedInDatabase(gone, 'too_many_sessions')
    logger.info({ user: user.id, session: row.id, method, address }, 'a session was opened')
    return { cookie, principal: opened, user: current }
  }

  /** Undefined for nobody. Answers at once, without the database, for sessions seen before. */
  authenticate(cookie: string): Principal | undefined | Promise<Principal | undefined> {
    if (cookie.length > 200) return undefined
    const tokenHash = hashOf(cookie)
    const cached = this.#cache.get(tokenHash)
    return cached ? this.#use(tokenHash, cached) : this.#lookUp(tokenHash)
  }

  async find(sessionId: string): Promise<SessionRow | undefined> {
    return this.#options.store.find(sessionId)
  }

  /** Those that are open, the newest first; everybody's unless a user is named. */
  async list(userId?: string): Promise<NamedSessionRow[]> {
    const rows = await this.#options.store.listOpen(this.#limits(), userId)
    return rows.map(row => {
      const cached = this.#cache.get(row.token_hash)
      return cached ? { ...row, last_seen_at: iso(cached.lastSeenAt) } : row
    })
  }

  /** Why the session of this cookie ended, as far as it is remembered. */
  whyEnded(cookie: string | undefined): SessionEnd | null {
    return cookie === undefined || cookie.length > 200 ? null : this.#ended.why(hashOf(cookie))
  }

  /** @param why Undefined when its owner signs out: they know. */
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
    // Rows go along with their user too: then only memory still knows of them.
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

  /** Takes over what the database says of the user now; ends the sessions of users that are gone or disabled. */
  userChanged(userId: string): Promise<void> {
    const followed = this.#following.then(() => this.#follow(userId))
    // Who asked hears of a failure; the next one goes on all the same.
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

  /** Callers that come with the same cookie meanwhile wait for the same answer. */
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
        this.#options.logger.warn({ err }, 'could not note that a session is in use')
      })
    }
    return session.principal
  }

  async #touch({ id, userId }: CachedSession, at: string): Promise<void> {
    await this.#options.store.touch(id, at)
    await this.#options.users.update(userId, { last_seen_at: at })
  }

  /** Answers those that were in memory. */
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

/** As for a wrong password: what changed is not told. */
function refused(): Problem {
  return new Problem('sign_in_failed', 'Your account changed while you were signing in. Try again.')
}

function hashOf(cookie: string): string {
  return hash('sha256', cookie, 'hex')
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
