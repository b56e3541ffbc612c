/**
 * Notifiers on a database, with real adapters and stand-ins of their services, manual alerts, and a clock that the test
 * sets.
 */
import { onTestFinished } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { NotifierBody } from '../../contract/notifiers.ts'
import { discordNotifier } from '../../server/notifiers/adapters/discord-notifier.ts'
import { emailNotifier } from '../../server/notifiers/adapters/email-notifier.ts'
import { ntfyNotifier } from '../../server/notifiers/adapters/ntfy-notifier.ts'
import { slackNotifier } from '../../server/notifiers/adapters/slack-notifier.ts'
import { teamsNotifier } from '../../server/notifiers/adapters/teams-notifier.ts'
import { telegramNotifier } from '../../server/notifiers/adapters/telegram-notifier.ts'
import { webPushNotifier } from '../../server/notifiers/adapters/web-push-notifier.ts'
import { webhookNotifier } from '../../server/notifiers/adapters/webhook-notifier.ts'
import type { TellableAlert } from '../../server/notifiers/notice-plan.ts'
import { NoticePost } from '../../server/notifiers/notice-post.ts'
import { NotifierEngine } from '../../server/notifiers/notifier-engine.ts'
import { NotifierService } from '../../server/notifiers/notifier-service.ts'
import { NotifierStore } from '../../server/notifiers/notifier-store.ts'
import { MemorySenders } from '../../server/outbox/adapters/memory-sender.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { GuardedFetch } from '../../server/platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../../server/platform/network/outbound-guard.ts'
import { type Principal, scopeSet } from '../../server/platform/principal.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { startHub } from './event-hub.ts'
import { type ServiceKind, startNoticeStandIn } from './notice-stand-ins.ts'

const logger = createLogger('silent')
const monday = Date.parse('2026-03-02T12:00:00Z')

export const administrator = (accounts: Principal['accounts'] = 'all'): Principal => ({
  ...{ id: 'user-1', name: 'Ada', kind: 'session', userId: '1' },
  scopes: scopeSet(['dashboard:admin']),
  accounts,
})

export async function notifyWorld(db: Database) {
  let now = monday
  const clock = () => now
  const { hub } = await startHub(db)
  const store = new NotifierStore(db)
  const guard = new OutboundGuard({ privateNetworks: ['127.0.0.0/8'], trusted: [] })
  const http = new GuardedFetch({ guard })
  onTestFinished(() => http.stop())
  const post = new NoticePost({
    http,
    checkHost: (host, port) => guard.check(host, port),
    userAgent: 'RustyMail/test',
    now: clock,
  })
  const mails = new MemorySenders()
  const addressOf = async (id: string) => (id === 'gone' ? undefined : `${id}@here.test`)
  const accounts = ['box', 'other'].map(id => ({ id, email: `${id}@here.test` }))
  const stopped = new Set<string>()
  const notifiers = {
    email: emailNotifier({
      senders: mails,
      loginOf: async () => ({ host: 'smtp.test', port: 25, tls: 'none', user: 'me', password: 'x' }),
      addressOf,
      isStopped: id => stopped.has(id),
    }),
    webhook: webhookNotifier(post),
    ntfy: ntfyNotifier(post),
    slack: slackNotifier(post),
    discord: discordNotifier(post),
    teams: teamsNotifier(post),
    telegram: telegramNotifier(post),
    web_push: webPushNotifier({
      hasUser: async id => id === '1',
      browsersOf: async () => 'Ada has no subscribed browser.',
      deliver: async () => ({ kind: 'sent' }),
    }),
  }
  const alerts = new Map<string, TellableAlert>()
  const source = {
    firing: async () => [...alerts.values()].filter(({ state }) => state === 'firing'),
    find: async (ids: readonly string[]) => ids.flatMap(id => alerts.get(id) ?? []),
  }
  const lease = { name: 'notifiers', fence: async () => {} }
  const leases = { want: () => ({ find: () => lease, giveBack: async () => {} }) }
  const shared = {
    ...{ store, notifiers, now: clock, logger, secrets: new SecretBox(Buffer.alloc(32, 3)) },
    link: () => 'https://mail.example.org/alerts',
  }
  const engineOf = () => new NotifierEngine({ ...shared, alerts: source, hub, leases, addressOf })
  let engine = engineOf()
  const service = new NotifierService({ ...shared, hub, accounts: async () => accounts, changed: () => undefined })
  const settle = async () => {
    // An attempt may make further work due, so more than one round is run.
    for (let rounds = 0; rounds < 3; rounds++) {
      await engine.look()
      await engine.idle()
    }
  }
  return {
    ...{ db, store, service, secrets: shared.secrets, alerts, mails, hub, stopped, settle, clock },
    stand: (kind: ServiceKind) => startNoticeStandIn(kind),
    create: async (body: object) =>
      (await service.create(administrator(), NotifierBody.parse({ name: 'Chat', ...body }))).notifier,
    raise: (id: string, change: Partial<TellableAlert> = {}) => {
      const at = new Date(now).toISOString()
      alerts.set(id, {
        ...{ alert_id: id, rule_id: 'away', name: 'Away', severity: 'critical', words: `Away (${id}): 0 over 1 min` },
        ...{ account_id: null, state: 'firing', raised_at: at, cleared_at: null },
        ...{ is_quiet: false, is_silenced: false, is_acknowledged: false },
        ...change,
      })
    },
    change: (id: string, change: Partial<TellableAlert>) => void alerts.set(id, { ...alerts.get(id)!, ...change }),
    clear: (id: string) =>
      void alerts.set(id, { ...alerts.get(id)!, state: 'cleared', cleared_at: new Date(now).toISOString() }),
    /** Advances the clock and runs what the timer would. */
    pass: async (seconds: number) => {
      now += seconds * 1_000
      await settle()
    },
    start: async () => {
      engine = engineOf()
      await engine.start()
      onTestFinished(() => engine.stop())
      await settle()
    },
    stop: () => engine.stop(),
    hear: (fact: Fact) => engine.observe(fact),
  }
}
