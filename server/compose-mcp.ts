/** The tools, and MCP that offers them, wired by hand. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import { accountTools } from './accounts/account-tools.ts'
import type { AgentService } from './agents/agent-service.ts'
import type { ClientRegistry } from './clients/client-registry.ts'
import type { ComposedDrafts } from './compose-drafts.ts'
import { reportingDrafts, reportingOutbox } from './compose-shown.ts'
import { draftTools } from './drafts/draft-tools.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ChangeWaits } from './mail/change-waits.ts'
import type { IndexedMail } from './mail/indexed-mail.ts'
import type { MailSearch } from './mail/mail-search.ts'
import type { MailService } from './mail/mail-service.ts'
import { mailTools } from './mail/mail-tools.ts'
import type { ExchangeRegistry } from './mcp/exchange-registry.ts'
import type { McpConfig } from './mcp/mcp-config.ts'
import { createMcpOffer } from './mcp/mcp-offer.ts'
import type { McpAdapterOptions, McpExtension, McpPort } from './mcp/mcp-port.ts'
import { mcpRoutes } from './mcp/mcp-routes.ts'
import { McpService } from './mcp/mcp-service.ts'
import { resourceUpdates } from './mcp/resource-updates.ts'
import { tracedOffer } from './mcp/traced-offer.ts'
import { observedOffer, watchedOffer } from './mcp/watched-offer.ts'
import type { FolderService } from './operations/folder-service.ts'
import { folderTool } from './operations/folder-tool.ts'
import type { OperationService } from './operations/operation-service.ts'
import { operationTools } from './operations/operation-tools.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import { outboxTools } from './outbox/outbox-tools.ts'
import type { Stops } from './platform/guard.ts'
import { type OutcomeObserver, type Trail, toAll } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { HttpLimits } from './platform/rate-limits.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { Shown } from './platform/shown.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import type { PartsReader } from './reading/parts-reader.ts'
import type { Tool } from './tools/tool.ts'
import { type AnswerSize, Toolbox, type ToolResult } from './tools/toolbox.ts'
import { tracedToolbox } from './tools/traced-toolbox.ts'

export interface McpSurroundings {
  http: HttpServer
  exchanges: ExchangeRegistry
  /** Publishes the facts that report changes. */
  hub: EventHub
  accounts: AccountService
  mail: MailService
  search: MailSearch
  indexed: IndexedMail
  textParts: PartsReader
  /** Waiting calls, which are released when the server stops. */
  waits: ChangeWaits
  operations: OperationService
  /** Tools in addition to those of this file. */
  tools: readonly Tool[]
  extensions: readonly McpExtension[]
  /** Count each finished call. */
  counting: readonly OutcomeObserver<[ToolResult, AnswerSize | undefined]>[]
  outbox: OutboxService
  folders: FolderService
  writing: ComposedDrafts
  /** The base URL by which people reach this server. */
  baseUrl(): string
  clients: ClientRegistry
  agents: AgentService
  limits: HttpLimits
  trail: Trail
  stops: Stops
  shown: Shown
  secrets: SecretBox
  adapter: McpConfig['adapter']
  version: string
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedMcp {
  service: McpService
  toolbox: Toolbox
  /** All tools that MCP offers. */
  tools: readonly Tool[]
  part: Part
  /** The adapter's open connections; stopped after http, since stopping the adapter cuts off responses. */
  adapter: Part
}

/** Composes MCP, which is stopped before http: http waits for the streams that it ends. */
export function composeMcp({
  http,
  exchanges,
  hub,
  accounts,
  mail,
  search,
  indexed,
  textParts,
  waits,
  operations,
  tools,
  extensions,
  counting,
  outbox,
  folders,
  writing,
  baseUrl,
  clients,
  agents,
  ...around
}: McpSurroundings): ComposedMcp {
  const { limits, trail, stops, shown, secrets, adapter, version, tracer, logger } = around
  const offered = [
    ...accountTools(accounts),
    ...mailTools({ mail, search, accounts, indexed, parts: textParts, waits }),
    ...operationTools({ operations, accounts, baseUrl }),
    folderTool({ folders, operations, accounts, baseUrl }),
    ...draftTools({ ...reportingDrafts(writing, shown), accounts, baseUrl }),
    ...outboxTools({ ...reportingOutbox({ outbox }, shown), baseUrl }),
    ...tools,
  ]
  const plainToolbox = new Toolbox({
    tools: offered,
    limits,
    trail,
    stops,
    shown,
    observe: toAll([...counting, agents]),
    logger,
  })
  const toolbox = tracer ? tracedToolbox(plainToolbox, tracer) : plainToolbox
  const watched = watchedOffer(createMcpOffer({ toolbox, accounts, stops, version, extensions }), {
    exchanges,
    observer: agents,
  })
  const told = observedOffer(watched, ({ context, ...operation }) => agents.ended(context, operation))
  const offer = tracer ? tracedOffer(told, tracer, name => toolbox.has(name)) : told
  const onFault = (err: Error) => logger.error({ err }, 'an MCP exchange failed with an internal error')
  const onPeerFault = (err: Error) => logger.debug({ err }, 'an MCP exchange was refused')
  const port = { offer, stateKey: secrets.derive('mcp'), onFault, onPeerFault }
  const service = new McpService({ load: () => load(adapter, port), exchanges, clients, observer: agents, logger })
  const scopes = new Map(offered.map(({ name, scope }) => [name, scope]))
  mcpRoutes(http, service, { scopeOf: name => scopes.get(name), extensions })
  let unwatch: (() => void) | undefined
  const part = {
    name: 'mcp',
    start: () => {
      unwatch = resourceUpdates(hub, stops, update => exchanges.publish(update))
      exchanges.start()
    },
    stop: () => {
      unwatch?.()
      waits.close()
      exchanges.stop()
    },
  }
  return { service, toolbox, tools: offered, part, adapter: { name: 'mcp adapter', stop: () => service.stop() } }
}

async function load(adapter: McpConfig['adapter'], options: McpAdapterOptions): Promise<McpPort> {
  if (adapter === 'native') return (await import('./mcp/native-adapter.ts')).createNativeAdapter(options)
  return (await import('./mcp/sdk-adapter.ts')).createSdkAdapter(options)
}
