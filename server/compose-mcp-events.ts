/** MCP Events and the delivery of webhooks, wired by hand. A part of the composition root. */

import type { ComposedFreezes } from './compose-freezes.ts'
import type { EventHub } from './events/event-hub.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { type MailKnowledgeOptions, mailKnowledge } from './mail-knowledge.ts'
import type { McpExtension } from './mcp/mcp-port.ts'
import { EventGate } from './mcp-events/event-gate.ts'
import { EventProjector } from './mcp-events/event-projector.ts'
import { EventReading } from './mcp-events/event-reading.ts'
import { EventStreams } from './mcp-events/event-streams.ts'
import { eventsExtension } from './mcp-events/events-extension.ts'
import { McpWebhooks } from './mcp-events/mcp-webhooks.ts'
import { Subscriptions } from './mcp-events/subscriptions.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { RequestOutcome, Trail } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { GuardedFetch } from './platform/network/guarded-fetch.ts'
import type { Principal } from './platform/principal.ts'
import type { PrincipalNews } from './platform/principal-news.ts'
import type { HttpLimits } from './platform/rate-limits.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { Shown } from './platform/shown.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import { DeliveryLog } from './program-webhooks/delivery-log.ts'
import { ProgramWebhooks, settingsOf } from './program-webhooks/program-webhooks.ts'
import { webhookRoutes } from './program-webhooks/webhook-routes.ts'
import { WebhookService } from './program-webhooks/webhook-service.ts'
import { toPrincipal } from './tokens/token-row.ts'
import { TokenStore } from './tokens/token-store.ts'
import { tracedSender, withOrigins } from './webhooks/traced-webhooks.ts'
import { WebhookEndpoints } from './webhooks/webhook-endpoints.ts'
import { WebhookEngine } from './webhooks/webhook-engine.ts'
import { WebhookSender } from './webhooks/webhook-sender.ts'
import { WebhookStore } from './webhooks/webhook-store.ts'
import type { WebhookRow } from './webhooks/webhook-tables.ts'

export interface McpEventsSurroundings extends MailKnowledgeOptions {
  hub: EventHub
  leases: LeaseService
  secrets: SecretBox
  /** Delivers webhooks. */
  hooking: GuardedFetch
  stopping: ComposedFreezes
  news: PrincipalNews
  limits: HttpLimits
  trail: Trail
  shown: Shown
  observe(outcome: RequestOutcome): void
  calls: CallMetrics
  /** Returns the rights of the environment's API key; undefined without one. */
  apiKey(): Principal | undefined
  tracer: Tracer | undefined
  /** Returns true if clients that connected by OAuth are accepted. */
  isOAuthOn(): boolean
  version: string
}

export interface ComposedMcpEvents {
  extension: McpExtension
  addRoutes(http: HttpServer): void
  /** Started after everything that reads mail; stopped before the hub and the leases. */
  part: Part
}

export function composeMcpEvents(around: McpEventsSurroundings): ComposedMcpEvents {
  const { db, hub, leases, secrets, hooking, stopping, news, limits, trail, shown, observe, calls, logger } = around
  const now = Date.now
  const knowledge = mailKnowledge(around)
  const { freezes } = stopping
  const gate = new EventGate({
    ...{ limits, trail, stops: freezes.stops, shown, observe },
    checkQuery: (principal, query) => knowledge.checkQuery(principal, query),
  })
  const projector = new EventProjector({ mail: knowledge, idOf: number => hub.places.idOf(number) })
  const reading = new EventReading({ hub, projector, now })
  const streams = new EventStreams({
    ...{ hub, reading, projector, gate, logger },
    sent: count => calls.recordMcpEvents('push', count),
  })
  const store = new WebhookStore(db)
  const { tracer } = around
  const plainSender = new WebhookSender({ http: hooking, userAgent: `RustyMail/${around.version}`, now })
  const sender = tracer ? tracedSender(plainSender, tracer) : plainSender
  const tokens = new TokenStore(db)
  const standing = standingOf({ ...around, tokens, now })
  const mayRead = async (row: Pick<WebhookRow, 'principal_kind' | 'principal_id'>) => {
    const principal = await standing(row)
    return principal && !freezes.stopsReading(principal) ? principal : undefined
  }
  const log = new DeliveryLog()
  const programs = new ProgramWebhooks({
    idOf: number => hub.places.idOf(number),
    matches: (...asked) => knowledge.matches(...asked),
    attempted: (row, attempt) => log.add(row.id, attempt),
    ended: ({ id: webhook_id, principal_id: principal, user_id, settings }, { why, detail }) => {
      if (why === 'asked') return
      const { name } = settingsOf({ settings })
      const at = new Date(now()).toISOString()
      hub.publish({ type: 'webhook_disabled', data: { webhook_id, name, principal, user_id, why, detail, at } })
    },
  })
  const kinds = { mcp: new McpWebhooks({ reading, projector, gate }), program: programs }
  const origins = (fact: object) => tracer?.originOf(fact)
  const engine = new WebhookEngine({
    ...{ hub, leases, store, sender, secrets, now, logger },
    kinds: tracer ? { mcp: withOrigins(kinds.mcp, origins), program: withOrigins(kinds.program, origins) } : kinds,
    standing: mayRead,
    observe: result => calls.recordWebhook(result),
  })
  const endpoints = new WebhookEndpoints(store, engine)
  const service = new WebhookService({
    ...{ endpoints, sender, secrets, log, now, logger },
    places: hub.places,
    standing: mayRead,
    hasToken: async id => (await tokens.find(id)) !== undefined,
    checkQuery: (owner, query) => knowledge.checkQuery(owner, query),
  })
  const subscriptions = new Subscriptions({
    endpoints,
    ...{ sender, secrets, reading, now },
  })
  calls.watchWebhooks(() => ({ ...engine.figures, streams: streams.count }))
  news.join(streams)
  news.join(engine)
  news.join(service)
  stopping.follow(
    isStopped => streams.endWhere(isStopped),
    isStopped => engine.endWhere(isStopped),
  )
  return {
    extension: eventsExtension({
      ...{ gate, reading, streams, subscriptions },
      sent: (mode, count) => calls.recordMcpEvents(mode, count),
    }),
    addRoutes: http => webhookRoutes(http, service),
    part: {
      name: 'webhooks',
      start: async () => {
        streams.start()
        await service.start()
        engine.start()
      },
      stop: async () => {
        await streams.stop()
        await service.stop()
        await engine.stop()
        projector.stop()
        await hooking.stop()
      },
    },
  }
}

interface StandingOptions {
  tokens: Pick<TokenStore, 'find'>
  apiKey(): Principal | undefined
  isOAuthOn(): boolean
  now(): number
}

const tokenMark = 'token-'

/**
 * Reads a principal's current rights from the database, whichever process changed them. A connected client has the
 * rights of its connection, whichever access tokens it holds.
 */
function standingOf({ tokens, apiKey, isOAuthOn, now }: StandingOptions) {
  return async ({
    principal_kind: kind,
    principal_id: id,
  }: Pick<WebhookRow, 'principal_kind' | 'principal_id'>): Promise<Principal | undefined> => {
    if (kind === 'api_key') return apiKey()
    const row = kind === 'token' ? await tokens.find(id.slice(tokenMark.length)) : undefined
    if (!row || row.owner_disabled || (row.oauth_client !== null && !isOAuthOn())) return undefined
    const principal = toPrincipal(row)
    return principal.endsAt === undefined || now() < principal.endsAt ? principal : undefined
  }
}
