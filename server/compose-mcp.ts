/** The tools, and MCP that offers them, wired by hand. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import { accountTools } from './accounts/account-tools.ts'
import type { AgentService } from './agents/agent-service.ts'
import type { ClientRegistry } from './clients/client-registry.ts'
import type { ComposedDrafts } from './compose-drafts.ts'
import { reportingDrafts, reportingOutbox } from './compose-shown.ts'
import { draftTools } from './drafts/draft-tools.ts'
import type { MailSearch } from './mail/mail-search.ts'
import type { MailService } from './mail/mail-service.ts'
import { mailTools } from './mail/mail-tools.ts'
import type { ExchangeRegistry } from './mcp/exchange-registry.ts'
import { mcpRoutes } from './mcp/mcp-routes.ts'
import { McpService } from './mcp/mcp-service.ts'
import type { MetricsService } from './metrics/metrics-service.ts'
import type { FolderService } from './operations/folder-service.ts'
import { folderTool } from './operations/folder-tool.ts'
import type { OperationService } from './operations/operation-service.ts'
import { operationTools } from './operations/operation-tools.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import { outboxTools } from './outbox/outbox-tools.ts'
import type { Stops } from './platform/guard.ts'
import type { HttpLimits } from './platform/http/http-limits.ts'
import type { RequestOutcome, Trail } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Shown } from './platform/shown.ts'
import type { Tool } from './tools/tool.ts'
import { Toolbox } from './tools/toolbox.ts'

export interface McpSurroundings {
  http: HttpServer
  exchanges: ExchangeRegistry
  accounts: AccountService
  mail: MailService
  search: MailSearch
  operations: OperationService
  /** Beside those of this file. */
  tools: readonly Tool[]
  /** Hears of each finished call. */
  heard(outcome: RequestOutcome): void
  outbox: OutboxService
  folders: FolderService
  writing: ComposedDrafts
  /** Where people reach this server. */
  baseUrl(): string
  clients: ClientRegistry
  agents: AgentService
  metrics: MetricsService
  limits: HttpLimits
  trail: Trail
  stops: Stops
  shown: Shown
  version: string
  logger: Logger
}

/** To be stopped before http, which waits for the streams that this one ends. */
export function composeMcp({
  http,
  exchanges,
  accounts,
  mail,
  search,
  operations,
  tools,
  heard,
  outbox,
  folders,
  writing,
  baseUrl,
  clients,
  agents,
  metrics,
  ...around
}: McpSurroundings): Part {
  const { limits, trail, stops, shown, version, logger } = around
  const toolbox = new Toolbox({
    tools: [
      ...accountTools(accounts),
      ...mailTools({ mail, search, accounts }),
      ...operationTools({ operations }),
      folderTool({ folders, operations, accounts }),
      ...draftTools({ ...reportingDrafts(writing, shown), accounts, baseUrl }),
      ...outboxTools(reportingOutbox({ outbox }, shown)),
      ...tools,
    ],
    limits,
    trail,
    stops,
    shown,
    observe: (outcome, result) => {
      metrics.recordRequest(outcome)
      agents.observe(outcome, result)
      heard(outcome)
    },
    logger,
  })
  mcpRoutes(http, new McpService({ toolbox, exchanges, clients, observer: agents, version, logger }))
  return { name: 'mcp', start: () => exchanges.start(), stop: () => exchanges.stop() }
}
