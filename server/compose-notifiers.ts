/** Notifiers, wired by hand: the channels that announce alerts to people. A part of the composition root. */
import type { Fact } from '../contract/event.ts'
import type { AccountService } from './accounts/account-service.ts'
import { AccountStore } from './accounts/account-store.ts'
import type { ComposedAlerts } from './compose-alerts.ts'
import type { ComposedPush } from './compose-push.ts'
import type { EventHub } from './events/event-hub.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { discordNotifier } from './notifiers/adapters/discord-notifier.ts'
import { emailNotifier } from './notifiers/adapters/email-notifier.ts'
import { ntfyNotifier } from './notifiers/adapters/ntfy-notifier.ts'
import { slackNotifier } from './notifiers/adapters/slack-notifier.ts'
import { teamsNotifier } from './notifiers/adapters/teams-notifier.ts'
import { telegramNotifier } from './notifiers/adapters/telegram-notifier.ts'
import { webPushNotifier } from './notifiers/adapters/web-push-notifier.ts'
import { webhookNotifier } from './notifiers/adapters/webhook-notifier.ts'
import type { Notifiers } from './notifiers/notice-attempt.ts'
import { NoticePost } from './notifiers/notice-post.ts'
import { NotifierEngine } from './notifiers/notifier-engine.ts'
import { notifierRoutes } from './notifiers/notifier-routes.ts'
import { NotifierService } from './notifiers/notifier-service.ts'
import { NotifierStore } from './notifiers/notifier-store.ts'
import { tracedNotifiers } from './notifiers/traced-notifiers.ts'
import { NodemailerSenders } from './outbox/adapters/nodemailer-sender.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { GuardedFetch } from './platform/network/guarded-fetch.ts'
import { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { Tracer } from './platform/tracing/tracer.ts'

export interface NotifierSurroundings {
  db: Database
  hub: EventHub
  leases: Pick<LeaseService, 'want'>
  secrets: SecretBox
  accounts: Pick<AccountService, 'smtpLogin'>
  freezes: Pick<FreezeService, 'isFrozen'>
  alerts: ComposedAlerts['source']
  browsers: ComposedPush['browsers']
  /** The outbound guard for mail servers. */
  guard: OutboundGuard
  privateNetworks: readonly string[]
  version: string
  /** The base URL of the page. */
  baseUrl(): string
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedNotifiers {
  /** Takes facts about the state of the server itself. */
  observe(fact: Fact): void
  addRoutes(http: HttpServer): void
  part: Part
}

/** Upper bound of connections to one service. */
const maxPerOrigin = 8
const smtpTimeoutMs = 15_000
/** The sender of notices: the server itself, which is neither a token nor a user. */
const itself = { kind: 'session', id: 'notifiers' } as const

export function composeNotifiers(around: NotifierSurroundings): ComposedNotifiers {
  const { db, hub, leases, secrets, accounts, freezes, alerts, browsers, baseUrl, logger } = around
  const now = Date.now
  const store = new NotifierStore(db)
  const known = new AccountStore(db)
  const addressOf = async (id: string) => (await known.find(id))?.email
  const outbound = new OutboundGuard({ privateNetworks: around.privateNetworks, trusted: [] })
  const http = new GuardedFetch({ guard: outbound, perOrigin: maxPerOrigin })
  const post = new NoticePost({
    http,
    checkHost: (host, port) => outbound.check(host, port),
    userAgent: `RustyMail/${around.version}`,
    now,
  })
  const plain: Notifiers = {
    email: emailNotifier({
      senders: new NodemailerSenders({ guard: around.guard, timeoutMs: () => smtpTimeoutMs }),
      loginOf: (accountId, rejected) => accounts.smtpLogin(accountId, rejected),
      addressOf,
      isStopped: accountId => freezes.isFrozen(itself, accountId),
    }),
    webhook: webhookNotifier(post),
    ntfy: ntfyNotifier(post),
    slack: slackNotifier(post),
    discord: discordNotifier(post),
    teams: teamsNotifier(post),
    telegram: telegramNotifier(post),
    web_push: webPushNotifier(browsers),
  }
  const notifiers = around.tracer ? tracedNotifiers(plain, around.tracer) : plain
  const link = () => `${baseUrl()}/alerts`
  const shared = { store, notifiers, secrets, link, now, logger }
  const engine = new NotifierEngine({ ...shared, alerts, hub, leases, addressOf })
  const service = new NotifierService({ ...shared, hub, accounts: () => known.list(), changed: () => engine.wake() })
  return {
    observe: fact => engine.observe(fact),
    addRoutes: server => notifierRoutes(server, service),
    part: {
      name: 'notifiers',
      start: () => engine.start(),
      stop: async () => {
        await engine.stop()
        await http.stop()
      },
    },
  }
}
