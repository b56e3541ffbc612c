/** People, sessions, tokens and the audit trail, wired by hand. A part of the composition root. */
import { availableParallelism } from 'node:os'
import type { SessionView } from '../contract/access.ts'
import { accessRoutes } from './access/access-routes.ts'
import { AccessService } from './access/access-service.ts'
import { linkRoutes } from './access/link-routes.ts'
import { SessionService } from './access/session-service.ts'
import { SessionStore } from './access/session-store.ts'
import { SignInService } from './access/sign-in-service.ts'
import { SignInThrottle } from './access/sign-in-throttle.ts'
import { HttpTrail } from './audit/audit-entry.ts'
import { auditRoutes } from './audit/audit-routes.ts'
import { AuditService } from './audit/audit-service.ts'
import { AuditStore } from './audit/audit-store.ts'
import type { TrailHead } from './audit/trail-head.ts'
import { TrailWorker } from './audit/trail-worker.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import { OidcClient } from './oidc/oidc-client.ts'
import { oidcRoutes } from './oidc/oidc-routes.ts'
import { OidcService } from './oidc/oidc-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { WrongCredentials } from './platform/http/wrong-credentials.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { PrincipalListener } from './platform/principal.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import type { SecretBox } from './platform/secret-box.ts'
import { PasskeyService } from './profile/passkey-service.ts'
import { profileRoutes } from './profile/profile-routes.ts'
import { ProfileService } from './profile/profile-service.ts'
import { SecondFactorService } from './profile/second-factor-service.ts'
import { TotpStore } from './profile/totp-store.ts'
import { recordProviderAction } from './provider-actions.ts'
import { tokenRoutes } from './tokens/token-routes.ts'
import { principalIdOf } from './tokens/token-row.ts'
import { TokenService } from './tokens/token-service.ts'
import { TokenStore } from './tokens/token-store.ts'
import { PasskeyStore } from './users/passkey-store.ts'
import { PasswordHasher } from './users/password-hasher.ts'
import { Revocations } from './users/revocations.ts'
import { UserActionStore } from './users/user-action-store.ts'
import { UserActions } from './users/user-actions.ts'
import { UserFollowers } from './users/user-followers.ts'
import { userRoutes } from './users/user-routes.ts'
import { UserService } from './users/user-service.ts'
import { UserStore } from './users/user-store.ts'

export interface AccessSurroundings {
  config: Config
  db: Database
  /** True if another thread can open the database by its URL: it is neither in memory nor replaced by a test. */
  isReopened: boolean
  secrets: SecretBox
  head: TrailHead
  settle: (() => Promise<void>) | undefined
  retention: Pick<RetentionClock, 'now'>
  mayPrune: FindLease
  hub: EventHub
  logger: Logger
  /** Carries all requests to the OpenID Connect provider. */
  fetch: typeof fetch
  accountIds: () => Promise<ReadonlySet<string>>
  describeServer: () => SessionView['server']
  /** The base URL by which people reach RustyMail; known once it listens. */
  baseUrl: () => string
  /** The origin for which passkeys are valid. */
  passkeyOrigin: () => string
  wrongCredentials: WrongCredentials
  passwordMemory: number | undefined
  /** Notified when principals change. */
  news: PrincipalListener
}

export interface ComposedAccess {
  tokens: TokenService
  access: AccessService
  users: UserService
  sessions: SessionService
  passkeys: PasskeyService
  trail: HttpTrail
  audit: AuditService
  auditBacklog(): AuditService['backlog']
  addRoutes(http: HttpServer): void
  /** Started after events and stopped before them. */
  parts: Part[]
}

export function composeAccess(around: AccessSurroundings): ComposedAccess {
  const { config, db, secrets, hub, logger, accountIds, baseUrl, news: listener } = around
  const now = Date.now
  const people = new UserStore(db)
  const keys = new PasskeyStore(db)
  // One processor stays free for other requests, however many passwords are being guessed.
  const parallel = Math.max(1, Math.min(2, availableParallelism() - 1))
  const hasher = new PasswordHasher({ parallel, ...(around.passwordMemory && { memory: around.passwordMemory }) })
  const throttle = new SignInThrottle({ now })
  const sessions = new SessionService({ store: new SessionStore(db), users: people, now, logger, listener })
  const made = new UserActions({
    store: new UserActionStore(db),
    users: people,
    passkeys: keys,
    openSessions: () => sessions.list(),
  })
  const revocations = new Revocations({ listener, logger })
  const followers = new UserFollowers()
  const { ended, changed } = followers
  const store = new TokenStore(db)
  const tokens = new TokenService({
    store,
    users: people,
    made,
    ended,
    revocations,
    hub,
    accountIds,
    now,
    logger,
    listener,
  })
  followers.join({
    changed: userId => sessions.userChanged(userId),
    ended: userId => sessions.endAllOf(userId, 'ended_by_administrator'),
  })
  followers.join({ changed: userId => tokens.known.follow(userId), ended: userId => tokens.known.follow(userId) })
  const users = new UserService({
    store: people,
    passkeys: keys,
    made,
    hub,
    hasher,
    now,
    logger,
    baseUrl,
    accountIds,
    ended,
    changed,
    openSessions: userId => sessions.list(userId),
  })
  const opened = async (userId: string) => {
    const [open, own] = await Promise.all([sessions.list(userId), store.listOf(userId)])
    return [...open.map(({ id }) => `session-${id}`), ...own.map(({ id }) => principalIdOf(id))]
  }
  const { apiKey } = config
  const { describeServer, wrongCredentials: wrongKeys } = around
  const access = new AccessService({
    sessions,
    tokens: tokens.known,
    revocations,
    apiKey,
    wrongKeys,
    users,
    people,
    describeServer,
    lastEventId: () => hub.places.idOf(hub.places.newest),
    now,
    logger,
  })
  const factors = new SecondFactorService({ store: new TotpStore(db), users: people, secrets, now, logger })
  const signIn = new SignInService({ users: people, sessions, hasher, throttle, factors, now, logger })
  const passkeys = new PasskeyService({ store: keys, users: people, origin: around.passkeyOrigin, now, logger })
  const profile = new ProfileService({
    users: people,
    factors,
    passkeys,
    hasher,
    throttle,
    sessions,
    hub,
    changed,
    now,
    logger,
  })
  const { head, settle, retention, mayPrune: findLease } = around
  const retentionNow = () => retention.now()
  const entries = new AuditStore(db)
  const { databaseUrl } = config
  const reading = around.isReopened ? new TrailWorker({ databaseUrl, headFile: head.file, secrets }) : undefined
  const audit = new AuditService({
    store: entries,
    secrets,
    head,
    hub,
    now,
    retentionNow,
    findLease,
    settle,
    logger,
    reading,
  })
  const trail = new HttpTrail({ audit, now, logger })
  const oidc =
    config.oidc &&
    new OidcService({
      config: config.oidc,
      client: new OidcClient({ config: config.oidc, now, fetch: around.fetch }),
      users: people,
      userService: users,
      sessions,
      hub,
      record: deed => recordProviderAction(deed, { audit, now, logger }),
      publicUrl: baseUrl,
      now,
      logger,
    })
  return {
    access,
    tokens,
    users,
    sessions,
    passkeys,
    trail,
    audit,
    auditBacklog: () => audit.backlog,
    addRoutes: http => {
      const describeSignIn = async (host: string | undefined, sessionCookie: string | undefined) => ({
        setup_needed: await users.needsSetup(),
        passkeys: passkeys.worksAt(host),
        oidc: oidc ? { name: oidc.name } : null,
        session_end: sessions.whyEnded(sessionCookie),
      })
      accessRoutes(http, { access, signIn, sessions, describeSignIn })
      linkRoutes(http, { users, sessions, access })
      userRoutes(http, { users, revocations, opened })
      profileRoutes(http, { profile, passkeys, sessions, access })
      tokenRoutes(http, tokens)
      if (oidc) oidcRoutes(http, oidc, sessions)
      auditRoutes(http, audit)
    },
    parts: [
      { name: 'audit', start: () => audit.start(), stop: () => audit.stop() },
      { name: 'sessions', start: () => sessions.start() },
      { name: 'tokens', stop: () => tokens.known.stop() },
      { name: 'revocations', stop: () => revocations.stop() },
    ],
  }
}
