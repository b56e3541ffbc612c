/** The assistant, wired by hand: models, conversations, and the tools that it may use. A part of the composition root. */
import { AccountHealthService } from './accounts/account-health-service.ts'
import type { AlertService } from './alerts/alert-service.ts'
import type { CallSurroundings } from './assistant/answer-calls.ts'
import { assistantRoutes } from './assistant/assistant-routes.ts'
import { AssistantService } from './assistant/assistant-service.ts'
import { auditTool } from './assistant/audit-tool.ts'
import { ConversationService } from './assistant/conversation-service.ts'
import { ConversationStore } from './assistant/conversation-store.ts'
import { dashboardTools } from './assistant/dashboard-tools.ts'
import { historyTools } from './assistant/history-tools.ts'
import type { ModelChoice } from './assistant/model-choice.ts'
import { modelStops } from './assistant/model-stops.ts'
import type { AuditService } from './audit/audit-service.ts'
import type { ClientRegistry } from './clients/client-registry.ts'
import { ClientService } from './clients/client-service.ts'
import type { ComposedFreezes } from './compose-freezes.ts'
import type { ComposedMail } from './compose-mail.ts'
import { describeCall } from './described-calls.ts'
import type { EventHub } from './events/event-hub.ts'
import type { HistoryService } from './history/history-service.ts'
import type { MetricsService } from './metrics/metrics-service.ts'
import type { Database } from './platform/database/database.ts'
import type { Stops } from './platform/guard.ts'
import type { RequestOutcome, Trail } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Principal } from './platform/principal.ts'
import type { PrincipalNews } from './platform/principal-news.ts'
import type { HttpLimits } from './platform/rate-limits.ts'
import type { Shown } from './platform/shown.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import type { Tool } from './tools/tool.ts'
import { Toolbox } from './tools/toolbox.ts'
import { tracedToolbox } from './tools/traced-toolbox.ts'

export interface AssistantSurroundings extends Pick<ComposedMail, 'accounts' | 'health' | 'writing'> {
  choice: ModelChoice
  /** The tools that MCP offers. */
  tools: readonly Tool[]
  db: Database
  hub: EventHub
  clients: ClientRegistry
  metrics: MetricsService
  history: HistoryService
  alerts: AlertService
  audit: AuditService
  limits: HttpLimits
  trail: Trail
  stops: Stops
  stopping: Pick<ComposedFreezes, 'follow'>
  news: PrincipalNews
  shown: Shown
  /** Records each finished call. */
  observe(outcome: RequestOutcome): void
  tracer: Tracer | undefined
  logger: Logger
}

/**
 * Tools that the assistant does not offer, since they wait for changes or repeat what the dashboard's own tools return.
 */
const notOffered = new Set(['mail_changes'])
const readingOps: Record<string, (input: object) => boolean> = {
  mail_outbox: input => 'op' in input && (input.op === 'list' || input.op === 'get'),
  mail_proposals: input => !('withdraw' in input),
}

export function composeAssistant(around: AssistantSurroundings): { addRoutes(http: HttpServer): void; part: Part } {
  const { choice, db, hub, accounts, health, writing, history, alerts, audit, logger } = around
  const own = [
    ...dashboardTools({
      ...{ accounts, alerts, metrics: around.metrics },
      clients: new ClientService({ registry: around.clients }),
    }),
    ...historyTools({
      ...{ history, accounts, alerts, hub, now: Date.now },
      health: new AccountHealthService({ accounts, health }),
    }),
    auditTool(audit),
  ]
  const tools = [...around.tools, ...own]
  const toolOf = new Map(tools.map(tool => [tool.name, tool]))
  const { limits, trail, shown, observe, tracer } = around
  const stops = modelStops(around.stops)
  const plain = new Toolbox({ tools, limits, trail, stops, shown, observe, logger })
  const toolbox = tracer ? tracedToolbox(plain, tracer) : plain
  const calls: CallSurroundings = {
    toolbox,
    effectOf: (name, input) => {
      const isReading = typeof input === 'object' && input !== null && readingOps[name]?.(input)
      return isReading ? 'read' : (toolOf.get(name)?.effect ?? 'destroy')
    },
    scopeOf: name => toolOf.get(name)?.scope,
    accountIds: async (principal: Principal) => (await accounts.list(principal)).map(({ id }) => id),
    shareOf: (modelId, accountId) => {
      const model = choice.models().find(({ id }) => id === modelId)
      return model ? choice.shareOf(model, accountId) : 'none'
    },
    describe: ({ principal }, name, input) => describeCall(writing.drafts, principal, name, input),
    leftOut: (principal, name) =>
      notOffered.has(name) ||
      (name === 'mail_accounts' && principal.scopes.has('dashboard:read')) ||
      // Changes that a person asks for are never proposed.
      (name === 'mail_proposals' && principal.kind === 'session'),
  }
  const store = new ConversationStore(db)
  const assistant = new AssistantService({
    ...{ choice, store, calls, logger },
    changed: (owner, { id, conversation_id, state }) =>
      hub.publishTo(owner, {
        type: 'conversation_changed',
        data: { conversation_id, answer_id: id, state, at: new Date().toISOString() },
      }),
  })
  const conversations = new ConversationService({
    store,
    end: id => assistant.end(id),
    underWay: (id, principal) => assistant.underWay(id, principal),
  })
  around.news.join(assistant)
  around.stopping.follow(isStopped => assistant.endWhere(isStopped))
  let unlisten: (() => void) | undefined
  return {
    addRoutes: http => assistantRoutes(http, { assistant, conversations }),
    part: {
      name: 'assistant',
      start: async () => {
        // Conversations of a user are deleted with the user, by a foreign key.
        unlisten = hub.listen('token_revoked', ({ token_id: id }) => {
          store.deleteOf(`token-${id}`).catch((err: unknown) => {
            logger.error({ err }, 'the conversations of a revoked token could not be deleted')
          })
        })
        await assistant.start()
      },
      stop: async () => {
        unlisten?.()
        await assistant.stop()
      },
    },
  }
}
