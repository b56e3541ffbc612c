/** Mailboxes, wired by hand: accounts, connections, arriving mail, and reading. A part of the composition root. */

import { AccountHealthService } from './accounts/account-health-service.ts'
import { accountRoutes } from './accounts/account-routes.ts'
import { AccountService } from './accounts/account-service.ts'
import type { AccountVerifier } from './accounts/account-verifier.ts'
import { CertificateEnds } from './accounts/certificate-ends.ts'
import { HealthRegistry } from './accounts/health-registry.ts'
import { KnownAccounts } from './accounts/known-accounts.ts'
import { ProtocolLog } from './accounts/protocol-log.ts'
import { type ComposedActing, composeActing } from './compose-acting.ts'
import { composeDiagnose } from './compose-diagnose.ts'
import { composeIndex } from './compose-index.ts'
import { composeMailOAuth } from './compose-mail-oauth.ts'
import { composeGateway, tryImap } from './compose-outbound.ts'
import type { ComposedPolicies } from './compose-policies.ts'
import { composeReading } from './compose-reading.ts'
import { composeServers } from './compose-servers.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { HistorySink } from './history/history-recorder.ts'
import { ConnectionPool } from './imap/connection-pool.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import { MessageRefs } from './imap/message-ref.ts'
import { ExpectedChanges } from './index/expected-changes.ts'
import { shownIndex } from './index/fresh-reads.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { ChangeWaits } from './mail/change-waits.ts'
import { indexRoutes } from './mail/index-routes.ts'
import { IndexedFolders } from './mail/indexed-folders.ts'
import { IndexedMail } from './mail/indexed-mail.ts'
import { mailRoutes } from './mail/mail-routes.ts'
import { MailSearch } from './mail/mail-search.ts'
import { MailService } from './mail/mail-service.ts'
import { MessageLists } from './mail/message-lists.ts'
import { MessagePlaces } from './mail/message-places.ts'
import { searchRoutes } from './mail/search-routes.ts'
import { writtenTo } from './mail/written-to.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { GuardedFetch } from './platform/network/guarded-fetch.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { ProposalIntake } from './platform/proposal-intake.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import { type SecretBox, Signer } from './platform/secret-box.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import { poolLimitsPart } from './pool-limits-part.ts'
import type { PartsReader } from './reading/parts-reader.ts'
import { SandboxRunner } from './sandbox-runner.ts'
import { NetworkService } from './settings/network-service.ts'
import { RefusedLogins } from './settings/refused-logins.ts'
import { SettingStore } from './settings/setting-store.ts'
import { settingsRoutes } from './settings/settings-routes.ts'
import { SettingsService } from './settings/settings-service.ts'
import { FolderStateStore } from './sync/folder-state-store.ts'
import { MailWatcher } from './sync/mail-watcher.ts'
import { usageRoutes } from './sync/usage-routes.ts'
import { UsageService } from './sync/usage-service.ts'
import { UsageStore } from './sync/usage-store.ts'

export interface MailSurroundings {
  config: Config
  db: Database
  secrets: SecretBox
  hub: EventHub
  freezes: FreezeService
  ruling: ComposedPolicies
  /** Takes changes that are only proposed. */
  intake: ProposalIntake
  /** The outbound guard for mail servers. */
  guard: OutboundGuard
  /** The guard for model providers that the page names; its networks are set together with those of mail servers. */
  models: Pick<OutboundGuard, 'allow'>
  /** Carries requests for access to the providers of accounts. */
  signing: GuardedFetch
  /** The base URL of the page. */
  baseUrl(): string
  /** Lets only one process watch an account. */
  leases: LeaseService
  mayPrune: FindLease
  retention: Pick<RetentionClock, 'now'>
  /** A gateway in place of the real one. */
  gateway: MailGateway | undefined
  /** See `Overrides`. */
  idleMs: number | undefined
  calls: CallMetrics
  history: HistorySink
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedMail
  extends Pick<ComposedActing, 'operations' | 'folders' | 'proposed' | 'writing' | 'outbox' | 'leaving'> {
  accounts: AccountService
  health: HealthRegistry
  /** When the certificates of mail servers expire. */
  certificates: CertificateEnds
  pool: ConnectionPool
  mail: MailService
  search: MailSearch
  indexed: IndexedMail
  /** Reads text written by strangers. */
  textParts: PartsReader
  /** Calls that wait for a change. */
  waits: ChangeWaits
  /** Returns those of the addresses to which the account has sent mail before. */
  writtenTo: ReturnType<typeof writtenTo>
  /** The largest message, in bytes, that the SMTP server of an account accepts; undefined if it names no limit. */
  sizeLimitOf(accountId: string): number | undefined
  sandbox: SandboxRunner
  addRoutes(http: HttpServer): void
  /** Started after events, and before everything that reads mail. */
  parts: Part[]
}

export function composeMail({
  config,
  db,
  secrets,
  hub,
  freezes,
  ruling,
  intake,
  guard,
  models,
  signing,
  baseUrl,
  leases,
  mayPrune,
  retention,
  calls,
  history,
  tracer,
  logger,
  ...given
}: MailSurroundings): ComposedMail {
  const { shown } = ruling
  const gateway = composeGateway({ guard, version: config.version, calls, tracer }, given.gateway)
  const health = new HealthRegistry(hub)
  const protocol = new ProtocolLog()
  const certificates = new CertificateEnds()
  const servers = composeServers({ db, hub, health, guard, accounts: () => accounts, logger })
  const { book: memory, greeted, sizeLimitOf } = servers
  // Pool and settings (its timeout) need the accounts, so a trial reads both only when it is made.
  const verifier: AccountVerifier = {
    imap: (...trial) => tryImap(gateway, () => pool, ...trial),
    smtp: (...trial) => servers.trySmtp(...trial),
  }
  const oauth = composeMailOAuth({
    ...{ config, db, secrets, hub, leases, signing, baseUrl, logger },
    accounts: () => accounts,
  })
  const timeoutMs = () => settings.limits.connection_timeout_seconds * 1000
  const accounts: AccountService = new AccountService({
    store: new KnownAccounts(db, hub),
    hub,
    health,
    secrets,
    verifier,
    grants: oauth.grants,
    timeoutMs,
  })
  const settingStore = new SettingStore(db)
  const settings = new SettingsService({ store: settingStore, accounts, hub })
  const configured = config.privateNetworks
  const networks = new NetworkService({ store: settingStore, accounts, health, hub, guard, models, configured })
  const usage = new UsageService({ store: new UsageStore(db), accounts, logger })
  const login = (id: string, rejected?: string) => accounts.login(id, rejected)
  const pool = new ConnectionPool({
    ...{ gateway, login, limits: settings.limits, health, logger },
    ...{ traffic: usage, protocol, certificates, memory, idleMs: given.idleMs, history },
  })
  const { stop: stopReading, bodies, ...reading } = composeReading()
  const refKey = secrets.derive('message refs')
  const refs = new MessageRefs(new Signer(refKey))
  const { ownerOf } = accounts
  const findLevel = (accountId: string) => accounts.findIndexLevel(accountId)
  const expected = new ExpectedChanges()
  const wired = { config, db, hub, pool, refKey, findLevel, usage, expected, logger }
  const { index, indexing, ...composed } = composeIndex(wired)
  const fromIndex = { index: shownIndex(index, expected), refs, ownerOf, indexerOf: composed.find }
  const places = new MessagePlaces({ ...fromIndex, expected })
  const folders = new IndexedFolders(fromIndex)
  const mail = new MailService({ pool, refs, ...reading, ownerOf, authServers: config.authServers, places, folders })
  const lists = new MessageLists({ ...fromIndex, mail })
  hub.listen('account_removed', ({ account_id }) => {
    certificates.forget(account_id)
    mail.forget(account_id)
    lists.forget(account_id)
  })
  hub.listen('account_updated', ({ account_id }) => mail.forget(account_id))
  const waits = new ChangeWaits()
  const changed = ({ account_id: accountId }: { account_id: string }) => waits.changed(accountId)
  for (const type of ['mail_received', 'mail_changed', 'mail_removed', 'folder_changed'] as const)
    hub.listen(type, changed)
  const states = new FolderStateStore(db)
  const defaultLevel = config.index.level
  const search = new MailSearch({ ...fromIndex, pool, accountsOf: principal => accounts.list(principal) })
  const indexed = new IndexedMail({ ...fromIndex, hasIndex: composed.hasIndex, defaultLevel })
  const watcher = new MailWatcher({ accounts, states, pool, refs, health, hub, leases, logger, indexing })
  const isIndexed = (accountId: string) => composed.find(accountId) !== undefined
  const sentFolders = async (accountId: string) => {
    const all = (await fromIndex.index?.of(accountId).listFolders()) ?? []
    return all.filter(({ role }) => role === 'sent').map(({ path }) => path)
  }
  const written = writtenTo({ search, sentFolders, isIndexed, accounts })
  const acting = composeActing({
    ...{ config, db, hub, pool, refs, guard, accounts, freezes, ruling, intake, shown, calls },
    taintOf: (...asked) => ruling.reads.taintOf(...asked),
    writtenTo: written,
    ...{ index, expected, indexerOf: composed.find, mail, bodies, cleaner: reading.cleaner, timeoutMs },
    ...{ leases, mayPrune, retention, protocol, certificates, greeted, sizeLimitOf, history, tracer, logger },
  })
  const diagnosing = composeDiagnose({
    ...{ config, accounts, hub, gateway, pool, guard, protocol, indexed, settings },
    refusals: new RefusedLogins(db),
  })
  const nextUidValidity = () => settings.nextNumber('sandbox_uid_validity')
  const sandbox = new SandboxRunner({ accounts, nextUidValidity, guard, logger })
  return {
    accounts,
    health,
    certificates,
    pool,
    mail,
    search,
    indexed,
    textParts: reading.parts,
    waits,
    writtenTo: written,
    operations: acting.operations,
    folders: acting.folders,
    proposed: acting.proposed,
    writing: acting.writing,
    outbox: acting.outbox,
    leaving: acting.leaving,
    sizeLimitOf,
    sandbox,
    addRoutes: http => {
      const startSandbox = () => sandbox.start({ isAsked: true })
      accountRoutes(http, { accounts, health: new AccountHealthService({ accounts, health }), hub, startSandbox })
      mailRoutes(http, mail, lists)
      indexRoutes(http, indexed)
      usageRoutes(http, usage)
      servers.addRoutes(http)
      searchRoutes(http, search)
      acting.addRoutes(http)
      diagnosing.addRoutes(http)
      settingsRoutes(http, settings, networks)
      oauth.addRoutes(http)
    },
    parts: [
      { name: 'settings', start: () => settings.start() },
      { name: 'private networks', start: () => networks.start() },
      oauth.part,
      poolLimitsPart({ pool, settings, hub, logger }),
      { name: 'accounts', start: () => prepareAccounts(config, accounts, settings) },
      { name: 'sandbox', stop: () => sandbox.stop() },
      { name: 'text worker', stop: stopReading },
      { name: 'usage', start: () => usage.start(), stop: () => usage.stop() },
      servers.before,
      { name: 'pool', stop: () => pool.stop() },
      ...composed.parts,
      acting.before,
      { name: 'watcher', start: () => watcher.start(), stop: () => watcher.stop() },
      servers.behind(pool),
      ...acting.parts,
      diagnosing.part,
      { name: 'demo', start: async () => void (config.demo && (await sandbox.start({ isAsked: false }))) },
    ],
  }
}

async function prepareAccounts(config: Config, accounts: AccountService, settings: SettingsService): Promise<void> {
  const { account } = config
  if (!account || (await accounts.isKnown(account.imap))) return
  // Added at the first start only: an account that was deleted does not come back.
  const { host, port, user } = account.imap
  if (await settings.isNews('environment_account', `${user} ${host}:${port}`)) {
    await accounts.add(account, { isSandbox: false })
  }
}
