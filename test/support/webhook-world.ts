/** Webhook endpoints on a hub of their own, delivered to a sink behind TLS, for tests of the delivery. */
import { randomBytes } from 'node:crypto'
import { onTestFinished, vi } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import { LeaseService } from '../../server/leases/lease-service.ts'
import { LeaseStore } from '../../server/leases/lease-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { GuardedFetch } from '../../server/platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../../server/platform/network/outbound-guard.ts'
import { type Principal, scopeSet } from '../../server/platform/principal.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { WebhookEngine } from '../../server/webhooks/webhook-engine.ts'
import type { WebhookEngineBounds, WebhookResult } from '../../server/webhooks/webhook-engine-options.ts'
import type { WebhookKind } from '../../server/webhooks/webhook-kind.ts'
import { WebhookSender } from '../../server/webhooks/webhook-sender.ts'
import { WebhookStore } from '../../server/webhooks/webhook-store.ts'
import { secretContext, type WebhookRow } from '../../server/webhooks/webhook-tables.ts'
import { startHub } from './event-hub.ts'
import { patience } from './patience.ts'
import { startWebhookSink } from './webhook-sink.ts'

export const reader = (id = 'token-1', accounts: 'all' | string[] = ['a']): Principal => ({
  ...{ id, name: id, kind: 'token', userId: 'ann', scopes: scopeSet(['mail:meta']) },
  accounts: accounts === 'all' ? 'all' : new Set(accounts),
})

export const mail = (uid: number, accountId = 'a'): EventOf<'mail_received'> => ({
  type: 'mail_received',
  data: { account_id: accountId, folder: 'INBOX', uid, uid_validity: 1, at: new Date().toISOString() },
})

/** A kind of webhook whose messages carry only a mail's UID. */
const plain: WebhookKind = {
  gone: 'endpoint',
  filterOf: () => ({ types: new Set(['mail_received']), accounts: undefined }),
  isAllowed: (_row, { scopes }) => scopes.has('mail:meta'),
  messageOf: async (_row, _principal, { number, fact }) =>
    fact.type === 'mail_received' && fact.data.uid % 10 !== 9
      ? { id: `evt_${number}`, body: JSON.stringify({ uid: fact.data.uid }) }
      : undefined,
  gapOf: (_row, number) => ({ id: `gap_${number}`, body: JSON.stringify({ gap: number }) }),
  endOf: (_row, { why }) => ({ id: 'end', body: JSON.stringify({ why }) }),
  headersOf: ({ id }) => ({ 'x-endpoint': id }),
}

export interface WebhookWorldOptions {
  kind?: Partial<WebhookKind>
  bounds?: Partial<WebhookEngineBounds>
  timeoutMs?: number
  heldInMemory?: number
  keep?: number
  /** Whether this process has the lease; it has unless given. */
  hasLease?: () => boolean
}

export async function webhookWorld(db: Database, options: WebhookWorldOptions = {}) {
  const { kind, bounds, timeoutMs = patience, heldInMemory, keep, hasLease = () => true } = options
  const sink = await startWebhookSink()
  const store = new WebhookStore(db)
  const logger = createLogger('silent')
  const secrets = new SecretBox(randomBytes(32))
  const clock = { skipped: 0 }
  const now = () => Date.now() + clock.skipped
  const guard = new OutboundGuard({ privateNetworks: ['127.0.0.0/8', '::1/128'], trusted: [] })
  const http = new GuardedFetch({ guard })
  onTestFinished(() => http.stop())
  const sender = new WebhookSender({ http, userAgent: 'RustyMail/0', now, timeoutMs })
  const standing = new Map<string, Principal | undefined>()
  const results: WebhookResult[] = []
  const hosted = await startHub(db, {
    ...(heldInMemory && { heldInMemory }),
    ...(keep && { keep }),
    readersAt: () => store.lowestPlace(),
  })
  const { hub, log } = hosted
  const start = async () => {
    const leases = new LeaseService({ store: new LeaseStore(db), isAlone: true, renews: false, logger })
    const want: LeaseService['want'] = (...given) => {
      const claim = leases.want(...given)
      return { find: () => (hasLease() ? claim.find() : undefined), giveBack: isOver => claim.giveBack(isOver) }
    }
    const engine = new WebhookEngine({
      ...{ hub, leases: { want }, store, sender, secrets, now, logger },
      kinds: { mcp: { ...plain, ...kind }, program: { ...plain, ...kind } },
      standing: async ({ principal_id: id }) => standing.get(id),
      observe: result => void results.push(result),
      bounds: { commitMs: 1, ...bounds },
    })
    await leases.start()
    engine.start()
    const stop = async () => {
      await engine.stop()
      await leases.stop()
    }
    onTestFinished(stop)
    return { engine, stop }
  }
  const { engine, stop } = await start()
  let count = 0
  /** Stores an endpoint and starts delivering to it after the newest fact, unless `place` says otherwise. */
  const add = async (name: string, values: Partial<WebhookRow> & { principal?: Principal } = {}) => {
    const { principal = reader(), ...given } = values
    const endpoint = sink.endpoint(name)
    standing.set(principal.id, principal)
    const id = `endpoint-${++count}`
    const at = new Date(now()).toISOString()
    const row: WebhookRow = {
      ...{ id, kind: 'mcp', principal_kind: principal.kind, principal_id: principal.id, user_id: principal.userId },
      ...{ url: endpoint.url, secret_sealed: secrets.seal(endpoint.secret, secretContext(id)), settings: '{}' },
      ...{ previous_sealed: null, previous_until: null, place: log.newest, created_at: at, verified_at: at },
      ...{ expires_at: null, failing_since: null, failures: 0, next_try_at: null, last_success_at: null },
      ...{ last_fault: null, ending: null },
      ...given,
    }
    await store.insert(row, { perPrincipal: 100, inAll: 1_000 })
    await engine.put(row, principal)
    return { ...endpoint, id, row }
  }
  /** Publishes mail in one transaction. */
  const deliver = (...uids: number[]) => deliverTo('a', ...uids)
  const deliverTo = (accountId: string, ...uids: number[]) =>
    hub.transact(async (_transaction, publish) => void uids.forEach(uid => void publish(mail(uid, accountId))))
  const uidsAt = (endpoint: { path: string }) => sink.of(endpoint).map(({ body }) => body.uid ?? body.gap ?? body.why)
  const until = (endpoint: { path: string }, ...uids: unknown[]) =>
    vi.waitFor(() => {
      if (JSON.stringify(uidsAt(endpoint)) !== JSON.stringify(uids))
        throw new Error(`${JSON.stringify(uidsAt(endpoint))}; ${sink.faults.join('; ')}`)
    }, patience)
  return {
    sink,
    store,
    secrets,
    clock,
    standing,
    results,
    engine,
    stop,
    start,
    add,
    deliver,
    deliverTo,
    until,
    hub,
    log,
  }
}
