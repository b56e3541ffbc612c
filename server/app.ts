/** The composition root: knows every part, wires them by hand, and starts and stops them in order. */
import { join } from 'node:path'
import { backupPart } from './backup-part.ts'
import { composeAccess } from './compose-access.ts'
import { composeAgents } from './compose-agents.ts'
import { composeAlerts } from './compose-alerts.ts'
import { composeApprovals } from './compose-approvals.ts'
import { composeAssistant } from './compose-assistant.ts'
import { composeAutoconfig } from './compose-autoconfig.ts'
import { composeEvents } from './compose-events.ts'
import { composeFreezes } from './compose-freezes.ts'
import { composeHistory } from './compose-history.ts'
import { type ComposedHttp, composeHttp } from './compose-http.ts'
import { type ComposedLogs, composeLogs } from './compose-logs.ts'
import { composeMail } from './compose-mail.ts'
import { composeMcp } from './compose-mcp.ts'
import { composeMcpAuth } from './compose-mcp-auth.ts'
import { composeMcpEvents } from './compose-mcp-events.ts'
import { composeModels } from './compose-models.ts'
import { composeMoving } from './compose-moving.ts'
import { composeNotifiers } from './compose-notifiers.ts'
import { composeObserving } from './compose-observing.ts'
import { composeOutbound } from './compose-outbound.ts'
import { composePolicies } from './compose-policies.ts'
import { composeIntake, composeProposals } from './compose-proposals.ts'
import { composePush } from './compose-push.ts'
import { composeStorage } from './compose-storage.ts'
import { composeTracing } from './compose-tracing.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import { addressOf, httpPart, localhostOf, pagePart } from './http-part.ts'
import { checkKey, findKey } from './key-rotation.ts'
import { ExchangeRegistry } from './mcp/exchange-registry.ts'
import type { McpSession } from './mcp/mcp-port.ts'
import { CallMetrics } from './metrics/call-metrics.ts'
import { addTracingMetrics } from './metrics/tracing-metrics.ts'
import type { Overrides } from './overrides.ts'
import { type DataDir, takeDataDir } from './platform/data-dir.ts'
import { apiDocs } from './platform/http/api-docs.ts'
import { toAll } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import { WrongCredentials } from './platform/http/wrong-credentials.ts'
import { Lifecycle, type Part } from './platform/lifecycle.ts'
import { PrincipalNews } from './platform/principal-news.ts'
import { type StdioStreams, serveStdio } from './stdio-part.ts'
import { trailHeadOf } from './trail-head-part.ts'

export interface App {
  readonly http: HttpServer
  readonly hub: EventHub
  /** The address that the server listens on; set once it has started. */
  readonly address: string
  /** Resolves with the reason once the server cannot go on; the code that started it then stops it. */
  readonly failed: Promise<Error>
  /** Creates a one-time link that sets up the first administrator; undefined if there is one already. */
  createSetupLink(): Promise<string | undefined>
  /** Serves MCP to the program at these streams; available once started. @throws Error with a readable message. */
  serveStdio(streams: StdioStreams): Promise<McpSession>
  start(): Promise<void>
  /** Stops within 10 s, whatever is in flight. */
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..')
const stopBoundMs = 9_000

/** Locks the data directory and starts nothing else. @throws DataDirTaken when another server holds the lock. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const logs = composeLogs(config, overrides.logger, overrides.logOutput)
  const dataDir = takeDataDir(config.dataDir)
  try {
    return compose(config, overrides, logs, dataDir)
  } catch (error) {
    dataDir.release()
    throw error
  }
}

function compose(config: Config, overrides: Overrides, logs: ComposedLogs, dataDir: DataDir): App {
  const { logger } = logs
  const failed = Promise.withResolvers<Error>()
  const lifecycle = new Lifecycle(logger)
  const tracing = composeTracing(config, logger)
  const { tracer } = tracing
  const stored = composeStorage({
    ...{ config, dataDir, tracer, logger },
    openDatabase: overrides.openDatabase,
    lost: error => {
      // Cannot be called before the start, when everything is composed.
      http.isDraining = true
      failed.resolve(error)
    },
  })
  const { db, retention, settle, leases, mayPrune } = stored
  const key = findKey(config.secretKey, dataDir)
  const { secrets } = key
  const head = trailHeadOf(config, secrets)

  const heartbeatSeconds = overrides.heartbeatSeconds ?? 15
  const { hub, part: events } = composeEvents({
    ...{ config, db, retention, mayPrune, heartbeatSeconds, tracer, logger },
  })
  const { storage, part: watch } = stored.watch(fact => {
    hub.publish(fact)
    notifying.observe(fact)
  })
  const outbound = composeOutbound(config)
  const { guard, guarded, pushing, hooking, signing } = outbound
  const calls = new CallMetrics()
  const history = composeHistory({ db, hub, leases, logger })
  const { gateway, idleMs } = overrides
  const stopping = composeFreezes({ db, hub, accountIds: () => accounts.listIds(), logger })
  const { freezes } = stopping
  const ruling = composePolicies({ db, hub, writtenTo: (...asked) => mailboxes.writtenTo(...asked), logger })
  const { shown } = ruling
  const proposing = composeIntake(db, ruling)
  const intake = proposing.book
  const mailboxes = composeMail({
    ...{ config, db, secrets, hub, guard, signing, leases, gateway, idleMs, freezes, ruling, intake },
    models: outbound.chosen,
    baseUrl: () => address(),
    ...{ mayPrune, retention, calls, history: history.sink, tracer, logger },
  })
  const { accounts, pool, sandbox } = mailboxes

  const autoconfig = composeAutoconfig({ config, guard, standIn: overrides.discovery, logger })

  const { version } = config
  const { publicUrl } = config.http
  const news = new PrincipalNews()
  const wrongCredentials = new WrongCredentials({ perMinute: config.http.wrongCredentials, now: Date.now })
  // The address is known only once the server listens.
  const address = () => publicUrl?.replace(/\/$/, '') ?? addressOf(http, config.http.host)
  const { access, users, trail, sessions, passkeys, ...people } = composeAccess({
    config,
    db,
    isReopened: head.isKept && overrides.openDatabase === undefined,
    secrets,
    head,
    settle,
    retention,
    mayPrune,
    hub,
    logger,
    fetch: guarded.fetch,
    accountIds: () => accounts.listIds(),
    describeServer: () => ({ version, demo: config.demo, sandbox_running: sandbox.isRunning }),
    baseUrl: address,
    passkeyOrigin: () => publicUrl ?? localhostOf(http),
    wrongCredentials,
    passwordMemory: overrides.passwordMemory,
    news,
  })
  const auditBacklog = () => people.auditBacklog()
  tracing.readFrom(() => observing.readMetrics())
  if (tracing.figures) addTracingMetrics(calls.whole, tracing.figures)
  const observing = composeObserving({ ...mailboxes, version, calls, hub, storage, auditBacklog, tracer, logger })
  const models = composeModels({
    ...{ db, hub, secrets, config: config.assistant, outbound, calls, tracer, logger },
  })
  const asking = { db, hub, ruling, freezes, sessions, passkeys, intake, baseUrl: address, logger }
  const approving = composeApprovals({ ...mailboxes, ...asking })
  const { approver, prompts } = approving
  news.join(prompts)
  const proposer = proposing.viewFor(approving)
  const services = config.pushServices
  const pushes = composePush({
    ...{ db, hub, leases, secrets, accounts, approver, proposer, prompts, pushing, services, calls, logger },
    onPrompt: approving.onPrompt,
    baseUrl: address,
  })
  const proposed = composeProposals({
    ...{ proposing, db, config, mailboxes, approving, hub, freezes, mayPrune, retention, logger },
  })
  const alerts = composeAlerts({ db, hub, leases, history, logger })
  const notifying = composeNotifiers({
    ...{ db, hub, leases, secrets, accounts, freezes, guard, version, baseUrl: address, tracer, logger },
    ...{ alerts: alerts.source, browsers: pushes.browsers, privateNetworks: config.privateNetworks },
  })
  const mcpAuth = composeMcpAuth({
    ...{ db, secrets, hub, mayPrune, tokens: people.tokens, policies: ruling.policies, logger },
    standIn: overrides.documents,
  })
  const { clients, metrics } = observing
  // Count every response, and every tool call over MCP.
  const counting = [metrics, history.sink, approving.calls]
  const { http, limits }: ComposedHttp = composeHttp({
    config: config.http,
    authenticate: access.authenticate,
    accessTokens: mcpAuth.service,
    challenge: mcpAuth.challenge,
    observe: toAll([...counting, clients]),
    ...{ wrongCredentials, trail, stops: freezes.stops, shown, tracer, logger },
  })
  const exchanges = new ExchangeRegistry({ now: Date.now, logger })
  news.join({
    changed: principal => hub.changePrincipal(principal),
    revoked: principalId => hub.closeStreamsOf(principalId),
  })
  stopping.follow(isStopped => hub.closeStreamsWhere(isStopped))

  people.addRoutes(http)
  stopping.addRoutes(http)
  ruling.addRoutes(http)
  approving.addRoutes(http)
  pushes.addRoutes(http)
  proposed.addRoutes(http)
  mcpAuth.addRoutes(http)
  mailboxes.addRoutes(http)
  autoconfig.addRoutes(http)
  composeMoving({ db, hub, secrets, sessions, accounts, logger }).addRoutes(http)
  observing.addRoutes(http, { db, trail })
  history.addRoutes(http)
  logs.addRoutes(http)
  alerts.addRoutes(http)
  notifying.addRoutes(http)
  history.readFrom({
    readings: observing.readings,
    storage,
    connections: pool.byAccount,
    accounts: mailboxes.health.byAccount,
    certificates: mailboxes.certificates,
  })
  models.addRoutes(http)
  apiDocs(http, version)
  const { authServers } = config
  const happening = composeMcpEvents({
    ...{ ...mailboxes, db, hub, leases, secrets, hooking, stopping, news, limits, trail, shown, calls, authServers },
    observe: toAll([metrics]),
    apiKey: () => access.apiKeyPrincipal,
    isOAuthOn: () => mcpAuth.service.isOn,
    ...{ version, tracer, logger },
  })
  happening.addRoutes(http)
  // Joined after the event hub, which sends its streams the reason why they end.
  news.join(exchanges)
  stopping.follow(isStopped => exchanges.endWhere(isStopped))
  news.join(http.connectionLimits)
  const watching = composeAgents({ hub, clients, calls })
  watching.addRoutes(http)
  const mcp = composeMcp({
    ...mailboxes,
    baseUrl: address,
    tools: [...approving.tools, ...proposed.tools],
    extensions: [happening.extension],
    counting,
    http,
    hub,
    exchanges,
    clients,
    agents: watching.agents,
    limits,
    trail,
    stops: freezes.stops,
    shown,
    secrets,
    adapter: config.mcp.adapter,
    version,
    tracer,
    logger,
  })
  const assistant = composeAssistant({
    ...{
      ...mailboxes,
      ...mcp,
      choice: overrides.models ?? models.choice,
      db,
      hub,
      clients,
      metrics,
      limits,
      trail,
      stopping,
      news,
      shown,
      tracer,
      logger,
    },
    ...{ history: history.service, alerts: alerts.service, audit: people.audit, stops: freezes.stops },
    observe: toAll([metrics, history.sink]),
  })
  assistant.addRoutes(http)
  const parts: Part[] = [
    tracing.part,
    ...stored.parts,
    events,
    watch,
    { name: 'key', start: () => checkKey(db, key, head) },
    ...people.parts,
    stopping.part,
    ruling.part,
    models.part,
    { name: 'outbound', stop: () => guarded.stop() },
    autoconfig.part,
    ...mailboxes.parts,
    approving.part,
    pushes.part,
    proposed.part,
    mcpAuth.part,
    happening.part,
    pagePart(http, root, logger),
    ...observing.parts,
    history.part,
    watching.part,
    alerts.part,
    tracing.metrics,
    notifying.part,
    backupPart(config, () => stored.mayBackUp() !== undefined, logger),
    mcp.adapter,
    httpPart(http, { hub, pool }, { ...config.http, stopBoundMs }),
    // Started after http, so that they stop before it: http waits for responses that these end.
    assistant.part,
    mcp.part,
  ]
  return {
    http,
    hub,
    failed: failed.promise,
    get address() {
      return addressOf(http, config.http.host)
    },
    serveStdio: streams =>
      serveStdio(streams, {
        config: config.mcp,
        access,
        stops: freezes.stops,
        hub,
        baseUrl: address,
        ...mcp,
        prompts,
        trail,
      }),
    createSetupLink: async () =>
      (await users.needsSetup()) ? `${address()}/setup#${access.createSetupToken()}` : undefined,
    start: async () => {
      if (config.command === 'mcp') mcp.service.warmUp()
      try {
        await lifecycle.start(parts)
      } catch (error) {
        dataDir.release()
        throw error
      }
    },
    stop: async () => {
      http.isDraining = true
      await lifecycle.stop(stopBoundMs)
      dataDir.release()
    },
  }
}
