/** Each adapter keeps the promises of the port: against the wire format of its service, an SMTP server and a push service. */
import { describe, onTestFinished } from 'vitest'
import { type NoticeStandIn, type ServiceKind, startNoticeStandIn } from '../../../test/support/notice-stand-ins.ts'
import { flood, type PushAnswer, refuse, startPushStandIn } from '../../../test/support/push-stand-in.ts'
import { type SinkScript, SmtpSink } from '../../../test/support/smtp-sink.ts'
import { NodemailerSenders } from '../../outbox/adapters/nodemailer-sender.ts'
import { GuardedFetch } from '../../platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../../platform/network/outbound-guard.ts'
import { SecretBox } from '../../platform/secret-box.ts'
import { PushSender } from '../../push/push-sender.ts'
import { PushServices } from '../../push/push-services.ts'
import { VapidKeyHolder } from '../../push/vapid-keys.ts'
import { NoticePost } from '../notice-post.ts'
import type { Notifier } from '../notifier.ts'
import type { TargetOf } from '../notifier-target.ts'
import { discordNotifier } from './discord-notifier.ts'
import { emailNotifier } from './email-notifier.ts'
import { type NotifierHarness, notifierSuite, type OpenOptions, type Way } from './notifier.suite.ts'
import { ntfyNotifier } from './ntfy-notifier.ts'
import { slackNotifier } from './slack-notifier.ts'
import { teamsNotifier } from './teams-notifier.ts'
import { telegramNotifier } from './telegram-notifier.ts'
import { webPushNotifier } from './web-push-notifier.ts'
import { webhookNotifier } from './webhook-notifier.ts'

const { signal: never } = new AbortController()

function guardOf(isGuarded: boolean): OutboundGuard {
  return new OutboundGuard({ privateNetworks: isGuarded ? [] : ['127.0.0.0/8', '::1/128'], trusted: [] })
}

function fetchOf(isGuarded: boolean): GuardedFetch {
  const http = new GuardedFetch({ guard: guardOf(isGuarded) })
  onTestFinished(() => http.stop())
  return http
}

const services: Record<ServiceKind, (post: NoticePost) => Notifier> = {
  webhook: webhookNotifier,
  ntfy: ntfyNotifier,
  slack: slackNotifier,
  discord: discordNotifier,
  teams: teamsNotifier,
  telegram: telegramNotifier,
}

function overHttp(kind: ServiceKind): NotifierHarness {
  return {
    hears: { retryAfter: true, redirect: true, flood: true, echo: true },
    open: async ({ timeoutMs, isGuarded = false } = {}) => {
      const service = await startNoticeStandIn(kind)
      const post = new NoticePost({
        http: fetchOf(isGuarded),
        checkHost: async () => undefined,
        userAgent: 'RustyMail/test',
        now: Date.now,
        ...(timeoutMs !== undefined && { timeoutMs }),
      })
      return { ...opened(services[kind](post), service.target as TargetOf<ServiceKind>), ...serviceOf(service) }
    },
  }
}

function serviceOf(service: NoticeStandIn) {
  const { promise, resolve } = Promise.withResolvers<void>()
  service.onAsked = resolve
  return {
    next: (way: Way) => void service.ways.push(way),
    refusal: service.refusal,
    taken: () => service.taken.map(({ text }) => text),
    asked: () => service.asked,
    came: () => promise,
    secrets: service.secrets,
  }
}

function opened(notifier: Notifier, target: Parameters<Notifier['send']>[0]) {
  return {
    send: (message: Parameters<Notifier['send']>[1], signal: AbortSignal = never) =>
      notifier.send(target, message, signal),
  }
}

async function openEmail({ timeoutMs, isGuarded = false }: OpenOptions = {}) {
  const ways: Way[] = []
  const { promise: came, resolve } = Promise.withResolvers<void>()
  const answers: Partial<Record<Way, string>> = {
    refuse: '550 5.1.1 no such mailbox here',
    limit: '451 4.7.1 greylisted',
    fail: '421 4.3.2 going away',
  }
  const script: SinkScript = {
    password: 'geheim-8f2kq',
    onCommand: line => {
      if (!line.startsWith('RCPT')) return undefined
      resolve()
      const way = ways.shift()
      return way === 'hang' ? new Promise<never>(() => undefined) : way && answers[way]
    },
  }
  const sink = new SmtpSink(script)
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const notifier = emailNotifier({
    senders: new NodemailerSenders({ guard: guardOf(isGuarded), timeoutMs: () => 30_000 }),
    loginOf: async () => Promise.reject(new Error('no account is asked')),
    addressOf: async () => undefined,
    isStopped: () => false,
    ...(timeoutMs !== undefined && { timeoutMs }),
  })
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'geheim-8f2kq' } as const
  const target = { kind: 'email', to: ['ops@there.test'], account_id: null, smtp, from: 'alerts@here.test' } as const
  return {
    ...opened(notifier, { ...target, to: [...target.to] }),
    next: (way: Way) => void ways.push(way),
    refusal: 'no such mailbox here',
    taken: () => sink.taken.map(({ bytes }) => readMail(bytes.toString())),
    asked: () => sink.connections,
    came: () => came,
    secrets: ['geheim-8f2kq'],
  }
}

/** Its subject and text, decoded as programs do. */
function readMail(raw: string): string {
  const end = raw.indexOf('\r\n\r\n')
  const [head, body] = [raw.slice(0, end).replaceAll(/\r\n[ \t]/g, ' '), raw.slice(end + 4)]
  if (!/^Auto-Submitted: auto-generated$/m.test(head)) throw new Error('it says not that a program sent it')
  if (/^Bcc:/im.test(head)) throw new Error('a name made a header')
  const subject = /^Subject: (.*)$/m.exec(head)?.[1] ?? ''
  const words = subject.replaceAll(/=\?utf-8\?(q|b)\?([^?]*)\?=\s*/gi, (_all, how: string, text: string) =>
    how.toLowerCase() === 'b' ? Buffer.from(text, 'base64').toString() : unquoted(text.replaceAll('_', ' ')),
  )
  const coding = /^Content-Transfer-Encoding: (\S+)/im.exec(head)?.[1]
  const text = coding === 'base64' ? Buffer.from(body, 'base64').toString() : coding === '7bit' ? body : unquoted(body)
  return `${words}\n${text}`
}

function unquoted(text: string): string {
  const bytes = text
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

async function openPush({ timeoutMs = 60_000, isGuarded = false }: OpenOptions = {}) {
  const service = await startPushStandIn()
  const { promise: came, resolve } = Promise.withResolvers<void>()
  const keep = async (row: { public_key: string; private_sealed: string; created_at: string }) => ({ id: 1, ...row })
  const holder = new VapidKeyHolder(
    { findKeys: async () => undefined, keepKeys: keep },
    new SecretBox(Buffer.alloc(32, 1)),
    Date.now,
  )
  service.publicKey = (await holder.get()).publicKey
  const sender = new PushSender({
    services: new PushServices([service.host]),
    keys: () => holder.get(),
    fetch: fetchOf(isGuarded).fetch,
    subject: () => 'https://mail.example.org',
    timeoutMs,
  })
  const phone = service.browser('phone')
  const { endpoint, keys } = phone.subscription
  const notifier = webPushNotifier({
    hasUser: async () => true,
    browsersOf: async () => [{ endpoint, ...keys }],
    deliver: (browser, content, signal) =>
      sender.send(browser, { payload: JSON.stringify(content), ttlSeconds: 60, topic: 'topic' }, signal),
  })
  const answers: Partial<Record<Way, PushAnswer>> = {
    refuse: refuse(403),
    limit: refuse(429, { 'retry-after': '7' }),
    fail: refuse(503),
    hang: () => resolve(),
    flood,
    redirect: refuse(302, { location: 'https://localhost:1/elsewhere' }),
  }
  return {
    ...opened(notifier, { kind: 'web_push', user_ids: ['u1'] }),
    next: (way: Way) => void service.answers.set('phone', [answers[way]!]),
    refusal: 'answered 403',
    // The page of alerts is where a click leads.
    taken: () =>
      service.contentsOf(phone).map(({ title, body }) => `${title}\n${body}\nhttps://mail.example.org/alerts`),
    asked: () => service.asked,
    came: () => came,
    secrets: [],
  }
}

for (const kind of Object.keys(services) as ServiceKind[]) describe(kind, () => notifierSuite(overHttp(kind)))

describe('email', () =>
  notifierSuite({ open: openEmail, hears: { retryAfter: false, redirect: false, flood: false, echo: false } }))

describe('web_push', () =>
  notifierSuite({ open: openPush, hears: { retryAfter: true, redirect: true, flood: true, echo: false } }))
