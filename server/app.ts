/** The composition root: sees everything, wires it by hand, and starts and stops it in order. */
import { join } from 'node:path'
import { accessRoutes } from './access/access-routes.ts'
import { AccessService } from './access/access-service.ts'
import { SessionStore } from './access/session-store.ts'
import { accountRoutes } from './accounts/account-routes.ts'
import { AccountService } from './accounts/account-service.ts'
import { AccountStore } from './accounts/account-store.ts'
import { HealthRegistry } from './accounts/health-registry.ts'
import type { MailLogin } from './accounts/mail-login.ts'
import { createChatModels } from './assistant/adapters/index.ts'
import { assistantRoutes } from './assistant/assistant-routes.ts'
import { AssistantService } from './assistant/assistant-service.ts'
import type { ChatModel } from './assistant/chat-model.ts'
import { ClientRegistry } from './clients/client-registry.ts'
import { clientRoutes } from './clients/client-routes.ts'
import { ClientService } from './clients/client-service.ts'
import type { Config } from './config.ts'
import { EventHub } from './events/event-hub.ts'
import { EventLog } from './events/event-log.ts'
import { eventRoutes } from './events/event-routes.ts'
import { EventStore } from './events/event-store.ts'
import { healthRoutes } from './health/health-routes.ts'
import { HealthService } from './health/health-service.ts'
import { ImapFlowGateway } from './mail/adapters/imapflow-gateway.ts'
import { ConnectionPool } from './mail/connection-pool.ts'
import type { MailGateway } from './mail/mail-gateway.ts'
import { mailRoutes } from './mail/mail-routes.ts'
import { MailService } from './mail/mail-service.ts'
import { MailWatcher } from './mail/mail-watcher.ts'
import { MessageRefs } from './mail/message-ref.ts'
import { metricsRoutes } from './metrics/metrics-routes.ts'
import { MetricsService } from './metrics/metrics-service.ts'
import { Prometheus } from './metrics/prometheus.ts'
import { SystemReadings, thisMachine } from './metrics/system-readings.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import { apiDocs } from './platform/api-docs.ts'
import { type DataDir, takeDataDir } from './platform/data-dir.ts'
import { type Database, migrate, openDatabase, ping } from './platform/database/database.ts'
import { createHttpServer, type HttpServer } from './platform/http-server.ts'
import { Lifecycle, type Part } from './platform/lifecycle.ts'
import { createLogger, type Logger } from './platform/logger.ts'
import { buildPageWhenStale } from './platform/page-build.ts'
import { servePage } from './platform/page-files.ts'
import { SecretBox, Signer } from './platform/secret-box.ts'
import { SandboxRunner } from './sandbox-runner.ts'
import { SettingStore } from './settings/setting-store.ts'
import { settingsRoutes } from './settings/settings-routes.ts'
import { SettingsService } from './settings/settings-service.ts'

/** What a test may put in place of the real thing. */
export interface Overrides {
  logger?: Logger
  gateway?: MailGateway
  chatModels?: ChatModel[]
  heartbeatSeconds?: number
}

export interface App {
  readonly http: HttpServer
  readonly hub: EventHub
  /** Where it listens, once started. */
  readonly address: string
  /** A link that signs in once. */
  createSetupLink(): string
  start(): Promise<void>
  /** Within 10 s, whatever is under way. */
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..')
const stopBoundMs = 9_000
/** Facts kept in memory for streams that come back soon, and in the database for those that come later. */
const heldFacts = 10_000
const keptFacts = 100_000
const keptFactsMs = 7 * 24 * 60 * 60_000

/** Takes the data directory; throws DataDirTaken when another server has it. Starts nothing else. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const logger = overrides.logger ?? createLogger(config.logLevel)
  const dataDir = takeDataDir(config.dataDir)
  try {
    return compose(config, overrides, logger, dataDir)
  } catch (error) {
    dataDir.release()
    throw error
  }
}

function compose(config: Config, overrides: Overrides, logger: Logger, dataDir: DataDir): App {
  const db = openDatabase(config.databaseUrl)
  const secrets = new SecretBox(config.secretKey ?? dataDir.secretKey())
  const lifecycle = new Lifecycle(logger)

  const hub = new EventHub({
    log: new EventLog({
      store: new EventStore(db),
      logger,
      heldInMemory: heldFacts,
      keep: keptFacts,
      keepMs: keptFactsMs,
    }),
    logger,
    heartbeatSeconds: overrides.heartbeatSeconds ?? 15,
    maxStreams: config.events.maxStreams,
    maxStreamsPerPrincipal: config.events.maxStreamsPerPrincipal,
    maxStreamAgeMs: 30 * 60_000,
  })
  const access = new AccessService({
    store: new SessionStore(db),
    logger,
    apiKey: config.apiKey,
    now: Date.now,
    revoke: principalId => hub.closeStreamsOf(principalId),
  })

  const gateway = overrides.gateway ?? new ImapFlowGateway()
  const health = new HealthRegistry(hub)
  const accounts: AccountService = new AccountService({
    store: new AccountStore(db),
    hub,
    health,
    secrets,
    verifier: { imap: (login, timeoutMs) => tryImap(gateway, login, timeoutMs), smtp: checkSmtp },
    timeoutMs: () => settings.limits.connection_timeout_seconds * 1000,
  })
  const settings = new SettingsService({ store: new SettingStore(db), accounts, hub })
  const pool = new ConnectionPool({ gateway, login: id => accounts.login(id), limits: settings.limits, health, logger })
  const mail = new MailService({ pool, refs: new MessageRefs(new Signer(secrets.derive('message refs'))) })
  const watcher = new MailWatcher({ accounts, pool, health, hub, logger })
  const sandbox = new SandboxRunner({ accounts, logger })

  const clients = new ClientRegistry({ hub, logger })
  const readings = new SystemReadings(thisMachine)
  const imap = () => pool.totals()
  const streams = () => hub.streamCount
  const prometheus = new Prometheus({
    version: config.version,
    imap,
    accounts: () => health.countByState(),
    connectionsByState: () => health.connectionsByState(),
    streams,
    events: () => hub.figures,
    readings,
  })
  const metrics = new MetricsService({ hub, imap, streams, startedAt: Date.now(), readings, prometheus, logger })
  const assistant = new AssistantService({
    models: overrides.chatModels ?? createChatModels(config.assistant),
    logger,
    deadlineMs: config.assistant.deadlineMs,
  })

  const publicUrl = config.http.publicUrl
  const http = createHttpServer({
    logger,
    authenticate: credentials => access.authenticate(credentials),
    observe: outcome => {
      metrics.recordRequest(outcome)
      if (outcome.caller) clients.touch(outcome.caller)
    },
    origins: { publicUrl, allowed: config.http.allowedOrigins, isHttps: publicUrl?.startsWith('https:') ?? false },
    trustedProxies: config.http.trustedProxies,
  })
  const serverHealth = new HealthService({ accounts, pingDatabase: () => ping(db), isDraining: () => http.isDraining })

  accessRoutes(http, access, () => ({
    version: config.version,
    demo: config.demo,
    sandbox_running: sandbox.isRunning,
  }))
  accountRoutes(http, accounts, () => sandbox.start())
  assistantRoutes(http, assistant)
  clientRoutes(http, new ClientService({ registry: clients }))
  eventRoutes(http, hub, (caller, kick) => clients.openStream(caller, kick))
  healthRoutes(http, serverHealth)
  mailRoutes(http, mail)
  metricsRoutes(http, metrics, prometheus)
  settingsRoutes(http, settings)
  apiDocs(http, config.version)
  const watchLimits = new AbortController()
  const parts: Part[] = [
    databasePart(db),
    { name: 'events', start: () => hub.start(), stop: () => hub.stop() },
    { name: 'access', start: () => access.start() },
    { name: 'settings', start: () => settings.start() },
    {
      name: 'pool limits',
      start: () => {
        pool.setLimits(settings.limits)
        const stop = hub.listen('configuration_updated', () => pool.setLimits(settings.limits))
        watchLimits.signal.addEventListener('abort', stop)
      },
      stop: () => watchLimits.abort(),
    },
    { name: 'accounts', start: () => prepareAccounts(config, accounts, settings) },
    { name: 'sandbox', stop: () => sandbox.stop() },
    { name: 'pool', stop: () => pool.stop() },
    { name: 'watcher', start: () => watcher.start(), stop: () => watcher.stop() },
    { name: 'demo', start: async () => void (config.demo && (await sandbox.start())) },
    pagePart(http),
    { name: 'clients', start: () => clients.start(), stop: () => clients.stop() },
    { name: 'metrics', start: () => metrics.start(), stop: () => metrics.stop() },
    httpPart(http, hub, pool, config),
    // Behind http, so that it stops before: http waits for the answers that this one ends.
    { name: 'assistant', stop: () => assistant.stop() },
  ]
  const address = () => publicUrl?.replace(/\/$/, '') ?? addressOf(http, config.http.host)
  return {
    http,
    hub,
    get address() {
      return addressOf(http, config.http.host)
    },
    createSetupLink: () => `${address()}/setup#${access.createSetupToken()}`,
    start: async () => {
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

/** Logs in and out again, beside the pool: a trial has other credentials than the account it may become. */
async function tryImap(gateway: MailGateway, login: MailLogin, timeoutMs: number): Promise<void> {
  const connection = await gateway.connect(login, { timeoutMs, signal: AbortSignal.timeout(timeoutMs + 1_000) })
  await connection.close()
}

/** Built when it is stale, which is the first time and after an upgrade. */
function pagePart(http: HttpServer): Part {
  const stopped = new AbortController()
  return {
    name: 'page',
    start: async () => {
      await buildPageWhenStale(root, stopped.signal)
      servePage(http, join(root, 'dist/web'))
    },
    stop: () => stopped.abort(),
  }
}

function databasePart(db: Database): Part {
  return { name: 'database', start: () => migrate(db), stop: () => db.destroy() }
}

/** Stops in three steps: streams are sent away, requests under way end, what is left is cut. */
function httpPart(http: HttpServer, hub: EventHub, pool: ConnectionPool, config: Config): Part {
  return {
    name: 'http',
    start: async () => {
      await http.fastify.listen({ host: config.http.host, port: config.http.port })
    },
    stop: async () => {
      // Who waits for a mail connection is told to come back, before its own connection is cut.
      pool.drain()
      hub.closeStreams()
      http.front.stop()
      const { server } = http.fastify
      const cut = setTimeout(() => server.closeAllConnections(), stopBoundMs / 2)
      const closed = http.fastify.close()
      await Promise.race([http.whenIdle(), closed])
      server.closeAllConnections()
      await closed.finally(() => clearTimeout(cut))
    },
  }
}

async function prepareAccounts(config: Config, accounts: AccountService, settings: SettingsService): Promise<void> {
  await accounts.checkKey()
  await accounts.removeSandboxes()
  const { account } = config
  if (!account || (await accounts.isKnown(account.imap))) return
  // At the first start alone: who deletes it does not want it back.
  const { host, port, user } = account.imap
  if (await settings.isNews('environment_account', `${user} ${host}:${port}`)) {
    await accounts.add(account, { isSandbox: false })
  }
}

function addressOf(http: HttpServer, host: string): string {
  const bound = http.fastify.server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
