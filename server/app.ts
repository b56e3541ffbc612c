/** The composition root: sees everything, wires it by hand, and starts and stops it in order. */
import { join } from 'node:path'
import { AccountHealthService } from './accounts/account-health-service.ts'
import { accountRoutes } from './accounts/account-routes.ts'
import { AccountService } from './accounts/account-service.ts'
import { AccountStore } from './accounts/account-store.ts'
import { HealthRegistry } from './accounts/health-registry.ts'
import { createChatModels } from './assistant/adapters/index.ts'
import { assistantRoutes } from './assistant/assistant-routes.ts'
import { AssistantService } from './assistant/assistant-service.ts'
import type { ChatModel } from './assistant/chat-model.ts'
import { backupPart } from './backup-part.ts'
import { ClientRegistry } from './clients/client-registry.ts'
import { clientRoutes } from './clients/client-routes.ts'
import { ClientService } from './clients/client-service.ts'
import { composeAccess } from './compose-access.ts'
import { composeMcp } from './compose-mcp.ts'
import { composeGateway, composeOutbound, tryImap } from './compose-outbound.ts'
import { composeReading } from './compose-reading.ts'
import { composeStorage } from './compose-storage.ts'
import type { Config } from './config.ts'
import { EventHub } from './events/event-hub.ts'
import { EventLog } from './events/event-log.ts'
import { eventRoutes } from './events/event-routes.ts'
import { EventStore } from './events/event-store.ts'
import { eventsPart } from './events-part.ts'
import { healthRoutes } from './health/health-routes.ts'
import { HealthService } from './health/health-service.ts'
import { addressOf, hostsOf, httpPart, localhostOf, pagePart } from './http-part.ts'
import { ConnectionPool } from './imap/connection-pool.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import { MessageRefs } from './imap/message-ref.ts'
import { checkKey, findKey } from './key-rotation.ts'
import { mailRoutes } from './mail/mail-routes.ts'
import { MailService } from './mail/mail-service.ts'
import { ExchangeRegistry } from './mcp/exchange-registry.ts'
import { metricsRoutes } from './metrics/metrics-routes.ts'
import { MetricsService } from './metrics/metrics-service.ts'
import { Prometheus } from './metrics/prometheus.ts'
import { SystemReadings, thisMachine } from './metrics/system-readings.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import { type DataDir, takeDataDir } from './platform/data-dir.ts'
import { type Database, ping } from './platform/database/database.ts'
import type { DatabaseObserver } from './platform/database/database-health.ts'
import { apiDocs } from './platform/http/api-docs.ts'
import { HttpLimits } from './platform/http/http-limits.ts'
import { createHttpServer, type HttpServer } from './platform/http/http-server.ts'
import { WrongCredentials } from './platform/http/wrong-credentials.ts'
import { Lifecycle, type Part } from './platform/lifecycle.ts'
import { createLogger, type Logger } from './platform/logger.ts'
import type { Principal } from './platform/principal.ts'
import { Signer } from './platform/secret-box.ts'
import { poolLimitsPart } from './pool-limits-part.ts'
import { SandboxRunner } from './sandbox-runner.ts'
import { NetworkService } from './settings/network-service.ts'
import { SettingStore } from './settings/setting-store.ts'
import { settingsRoutes } from './settings/settings-routes.ts'
import { SettingsService } from './settings/settings-service.ts'
import { MailWatcher } from './sync/mail-watcher.ts'
import { trailHeadOf } from './trail-head-part.ts'

/** What a test may put in place of the real thing. */
export interface Overrides {
  logger?: Logger
  gateway?: MailGateway
  chatModels?: ChatModel[]
  heartbeatSeconds?: number
  /** In place of that which the configuration names. */
  openDatabase?: (observer: DatabaseObserver) => Database
}

export interface App {
  readonly http: HttpServer
  readonly hub: EventHub
  /** Where it listens, once started. */
  readonly address: string
  /** Resolves, with the reason, when it can do nothing more: whoever started it stops it. */
  readonly failed: Promise<Error>
  /** A link that makes the first administrator, once; undefined when there is one. */
  createSetupLink(): Promise<string | undefined>
  start(): Promise<void>
  /** Within 10 s, whatever is under way. */
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..')
const stopBoundMs = 9_000
const trailFault = 'takes no entries of the audit trail, so nothing can be changed'
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
  const failed = Promise.withResolvers<Error>()
  const { db, storage, retention, settle, ...stored } = composeStorage({
    config,
    dataDir,
    logger,
    openDatabase: overrides.openDatabase,
    publish: fact => hub.publish(fact),
    lost: error => {
      http.isDraining = true
      failed.resolve(error)
    },
  })
  const key = findKey(config.secretKey, dataDir)
  const { secrets } = key
  const head = trailHeadOf(config, secrets)
  const lifecycle = new Lifecycle(logger)

  const hub = new EventHub({
    log: new EventLog({
      store: new EventStore(db),
      logger,
      heldInMemory: heldFacts,
      keep: keptFacts,
      keepMs: keptFactsMs,
      retentionNow: () => retention.now(),
    }),
    logger,
    heartbeatSeconds: overrides.heartbeatSeconds ?? 15,
    maxStreams: config.events.maxStreams,
    maxStreamsPerPrincipal: config.events.maxStreamsPerPrincipal,
    maxStreamAgeMs: 30 * 60_000,
  })
  const { guard, guarded } = composeOutbound(config)
  const gateway = composeGateway({ guard, version: config.version, calls: () => prometheus.calls }, overrides.gateway)
  const health = new HealthRegistry(hub)
  const accounts: AccountService = new AccountService({
    store: new AccountStore(db),
    hub,
    health,
    secrets,
    verifier: {
      imap: (...trial) => tryImap(gateway, () => pool, ...trial),
      smtp: (login, timeoutMs) => checkSmtp(login, timeoutMs, guard),
    },
    timeoutMs: () => settings.limits.connection_timeout_seconds * 1000,
  })
  const settingStore = new SettingStore(db)
  const settings = new SettingsService({ store: settingStore, accounts, hub })
  const configured = config.privateNetworks
  const networks = new NetworkService({ store: settingStore, accounts, health, hub, guard, configured })
  const pool = new ConnectionPool({ gateway, login: id => accounts.login(id), limits: settings.limits, health, logger })
  const { stop: stopReading, ...reading } = composeReading()
  const refs = new MessageRefs(new Signer(secrets.derive('message refs')))
  const ownerOf = async (principal: Principal, accountId: string) => {
    const { email, imap, enabled, updated_at: revision } = await accounts.get(principal, accountId)
    return { email, imapHost: imap.host, revision: enabled ? revision : null }
  }
  const mail = new MailService({ pool, refs, ...reading, ownerOf, authServers: config.authServers })
  hub.listen('account_removed', ({ account_id }) => mail.forget(account_id))
  hub.listen('account_updated', ({ account_id }) => mail.forget(account_id))
  const watcher = new MailWatcher({ accounts, pool, refs, health, hub, logger })
  const nextUidValidity = () => settings.nextNumber('sandbox_uid_validity')
  const sandbox = new SandboxRunner({ accounts, nextUidValidity, guard, logger })

  const clients = new ClientRegistry({ hub, logger })
  const shown = {
    connections: pool,
    streams: () => hub.streamCount,
    readings: new SystemReadings(thisMachine),
    storage,
  }
  const { version } = config
  const events = () => hub.figures
  const auditBacklog = () => people.auditBacklog()
  const prometheus: Prometheus = new Prometheus({ ...shown, version, accounts: health, events, auditBacklog })
  const metrics = new MetricsService({ ...shown, hub, events, startedAt: Date.now(), prometheus, logger })
  const assistant = new AssistantService({
    models: overrides.chatModels ?? createChatModels(config.assistant, guarded.fetch),
    logger,
    deadlineMs: config.assistant.deadlineMs,
    observe: call => prometheus.calls.recordProvider(call),
  })

  const { publicUrl, tls } = config.http
  const address = () => publicUrl?.replace(/\/$/, '') ?? addressOf(http, config.http.host)
  const wrongCredentials = new WrongCredentials({ perMinute: config.http.wrongCredentials, now: Date.now })
  const exchanges = new ExchangeRegistry({ now: Date.now, logger })
  const { access, users, trail, ...people } = composeAccess({
    config,
    db,
    isReopened: head.isKept && overrides.openDatabase === undefined,
    secrets,
    head,
    settle,
    retention,
    hub,
    logger,
    fetch: guarded.fetch,
    accountIds: () => accounts.listIds(),
    describeServer: () => ({ version: config.version, demo: config.demo, sandbox_running: sandbox.isRunning }),
    baseUrl: address,
    passkeyOrigin: () => publicUrl ?? localhostOf(http),
    wrongCredentials,
    listeners: () => [exchanges, http.connectionLimits],
  })
  const limits = new HttpLimits({ rates: config.http.limits, now: Date.now })
  const http: HttpServer = createHttpServer({
    logger,
    authenticate: credentials => access.authenticate(credentials),
    observe: outcome => {
      metrics.recordRequest(outcome)
      if (outcome.caller) clients.touch(outcome.caller)
    },
    origins: {
      publicUrl,
      allowed: config.http.allowedOrigins,
      isHttps: publicUrl?.startsWith('https:') ?? tls !== undefined,
      hosts: hostsOf(config.http),
    },
    trustedProxies: config.http.trustedProxies,
    tls,
    limits,
    wrongCredentials,
    trail,
  })
  const serverHealth = new HealthService({
    accounts,
    pingDatabase: () => ping(db),
    storage: { fault: async () => (await storage.fault()) ?? (trail.isFull ? trailFault : undefined) },
    isDraining: () => http.isDraining,
    now: () => performance.now(),
  })

  people.addRoutes(http)
  const accountHealth = new AccountHealthService({ accounts, health })
  const startSandbox = () => sandbox.start({ isAsked: true })
  accountRoutes(http, { accounts, health: accountHealth, hub, startSandbox })
  assistantRoutes(http, assistant)
  clientRoutes(http, new ClientService({ registry: clients }))
  eventRoutes(http, hub, (caller, kick) => clients.openStream(caller, kick))
  healthRoutes(http, serverHealth)
  mailRoutes(http, mail)
  metricsRoutes(http, metrics, prometheus)
  settingsRoutes(http, settings, networks)
  apiDocs(http, version)
  const mcp = composeMcp({ http, exchanges, accounts, mail, clients, metrics, limits, trail, version, logger })
  const parts: Part[] = [
    stored.parts.database,
    eventsPart(hub, version),
    stored.parts.watch,
    { name: 'key', start: () => checkKey(db, key, head) },
    ...people.parts,
    { name: 'settings', start: () => settings.start() },
    { name: 'private networks', start: () => networks.start() },
    poolLimitsPart({ pool, settings, hub, logger }),
    { name: 'outbound', stop: () => guarded.stop() },
    { name: 'accounts', start: () => prepareAccounts(config, accounts, settings) },
    { name: 'sandbox', stop: () => sandbox.stop() },
    { name: 'text worker', stop: stopReading },
    { name: 'pool', stop: () => pool.stop() },
    { name: 'watcher', start: () => watcher.start(), stop: () => watcher.stop() },
    { name: 'demo', start: async () => void (config.demo && (await sandbox.start({ isAsked: false }))) },
    pagePart(http, root, logger),
    { name: 'clients', start: () => clients.start(), stop: () => clients.stop() },
    { name: 'metrics', start: () => metrics.start(), stop: () => metrics.stop() },
    backupPart(config, logger),
    httpPart(http, { hub, pool }, { ...config.http, stopBoundMs }),
    // Behind http, so that they stop before: http waits for the answers that these end.
    { name: 'assistant', stop: () => assistant.stop() },
    mcp,
  ]
  return {
    http,
    hub,
    failed: failed.promise,
    get address() {
      return addressOf(http, config.http.host)
    },
    createSetupLink: async () =>
      (await users.needsSetup()) ? `${address()}/setup#${access.createSetupToken()}` : undefined,
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

async function prepareAccounts(config: Config, accounts: AccountService, settings: SettingsService): Promise<void> {
  const { account } = config
  if (!account || (await accounts.isKnown(account.imap))) return
  // At the first start alone: who deletes it does not want it back.
  const { host, port, user } = account.imap
  if (await settings.isNews('environment_account', `${user} ${host}:${port}`)) {
    await accounts.add(account, { isSandbox: false })
  }
}
