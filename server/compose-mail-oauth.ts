/** OAuth2 for mail accounts, wired by hand: providers, sign-ins, and the tokens by which accounts log in. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { GrantKeeper } from './mail-oauth/grant-keeper.ts'
import { GrantRefresher } from './mail-oauth/grant-refresher.ts'
import { GrantView } from './mail-oauth/grant-view.ts'
import { OAuthProviders } from './mail-oauth/oauth-providers.ts'
import { oauthRoutes } from './mail-oauth/oauth-routes.ts'
import { OAuthServer } from './mail-oauth/oauth-server.ts'
import { OAuthSignIns } from './mail-oauth/oauth-sign-ins.ts'
import { OAuthStore } from './mail-oauth/oauth-store.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { GuardedFetch } from './platform/network/guarded-fetch.ts'
import type { SecretBox } from './platform/secret-box.ts'
import { systemClock } from './platform/timer-clock.ts'

export interface MailOAuthSurroundings {
  config: Pick<Config, 'mailOAuth'>
  db: Database
  secrets: SecretBox
  hub: EventHub
  leases: LeaseService
  /** Carries requests to the providers. */
  signing: GuardedFetch
  /** The accounts, as a function: they need the grants, and the grants need them only when a user signs in. */
  accounts(): AccountService
  /** The base URL of the page. */
  baseUrl(): string
  logger: Logger
}

export interface ComposedMailOAuth {
  /** Hands out access tokens to accounts. */
  grants: GrantKeeper
  addRoutes(http: HttpServer): void
  /** Started before accounts connect. */
  part: Part
}

export function composeMailOAuth(around: MailOAuthSurroundings): ComposedMailOAuth {
  const { db, secrets, hub, leases, signing, baseUrl, logger } = around
  const clock = systemClock
  const store = new OAuthStore(db)
  const server = new OAuthServer({ fetch: signing.fetch, now: clock.now })
  const config = around.config.mailOAuth
  const providers = new OAuthProviders({ store, server, config, secrets, hub, baseUrl, now: clock.now })
  const keeper = new GrantKeeper({ store, providers, server, secrets, clock, random: Math.random, logger })
  keeper.onRevoked(accountId => around.accounts().reconnect(accountId))
  const accounts: Pick<AccountService, 'get' | 'signInAgain'> = {
    get: (...asked) => around.accounts().get(...asked),
    signInAgain: (...asked) => around.accounts().signInAgain(...asked),
  }
  const signIns = new OAuthSignIns({ providers, server, keeper, store, accounts, clock, logger })
  const grants = new GrantView({ accounts, store, providers })
  const claim = leases.want('oauth refresh')
  const refresher = new GrantRefresher({
    ...{ store, keeper, clock, logger },
    isIdle: () => !providers.hasClient,
    lease: () => claim.find(),
  })
  return {
    grants: keeper,
    addRoutes: http => oauthRoutes(http, { providers, signIns, grants }),
    part: {
      name: 'mail sign-in',
      start: async () => {
        await providers.start()
        refresher.start()
      },
      stop: async () => {
        await Promise.all([refresher.stop(), signIns.stop(), keeper.stop()])
        await claim.giveBack()
        await signing.stop()
      },
    },
  }
}
