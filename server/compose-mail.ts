/** Mailboxes, wired by hand: accounts, the connections to their servers, what arrives, and what is read. A part of the composition root. */
import { AccountHealthService } from './accounts/account-health-service.ts'
import { accountRoutes } from './accounts/account-routes.ts'
import { AccountService } from './accounts/account-service.ts'
import { AccountStore } from './accounts/account-store.ts'
import type { AccountVerifier } from './accounts/account-verifier.ts'
import { HealthRegistry } from './accounts/health-registry.ts'
import { composeIndex } from './compose-index.ts'
import { composeGateway, tryImap } from './compose-outbound.ts'
import { composeReading } from './compose-reading.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import { ConnectionPool } from './imap/connection-pool.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import { MessageRefs } from './imap/message-ref.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { indexRoutes } from './mail/index-routes.ts'
import { IndexedMail } from './mail/indexed-mail.ts'
import { mailRoutes } from './mail/mail-routes.ts'
import { MailSearch } from './mail/mail-search.ts'
import { MailService } from './mail/mail-service.ts'
import { searchRoutes } from './mail/search-routes.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { Principal } from './platform/principal.ts'
import { type SecretBox, Signer } from './platform/secret-box.ts'
import { poolLimitsPart } from './pool-limits-part.ts'
import { SandboxRunner } from './sandbox-runner.ts'
import { NetworkService } from './settings/network-service.ts'
import { SettingStore } from './settings/setting-store.ts'
import { settingsRoutes } from './settings/settings-routes.ts'
import { SettingsService } from './settings/settings-service.ts'
import { FolderStateStore } from './sync/folder-state-store.ts'
import { MailWatcher } from './sync/mail-watcher.ts'

export interface MailSurroundings {
  config: Config
  db: Database
  secrets: SecretBox
  hub: EventHub
  /** Of mail servers. */
  guard: OutboundGuard
  /** One process watches an account. */
  leases: LeaseService
  /** In place of the real one. */
  gateway: MailGateway | undefined
  calls: CallMetrics
  logger: Logger
}

export interface ComposedMail {
  accounts: AccountService
  health: HealthRegistry
  pool: ConnectionPool
  mail: MailService
  search: MailSearch
  sandbox: SandboxRunner
  addRoutes(http: HttpServer): void
  /** Behind events, and before everything that reads mail. */
  parts: Part[]
}

export function composeMail({
  config,
  db,
  secrets,
  hub,
  guard,
  leases,
  calls,
  logger,
  ...given
}: MailSurroundings): ComposedMail {
  const gateway = composeGateway({ guard, version: config.version, calls }, given.gateway)
  const health = new HealthRegistry(hub)
  // A trial of an account borrows from the pool, and its time is a setting; pool and settings need the accounts. So both are asked for when it is made.
  const verifier: AccountVerifier = {
    imap: (...trial) => tryImap(gateway, () => pool, ...trial),
    smtp: (login, timeoutMs) => checkSmtp(login, timeoutMs, guard),
  }
  const timeoutMs = () => settings.limits.connection_timeout_seconds * 1000
  const accounts: AccountService = new AccountService({
    store: new AccountStore(db),
    hub,
    health,
    secrets,
    verifier,
    timeoutMs,
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
  const states = new FolderStateStore(db)
  const { index, indexerOf, ...indexing } = composeIndex({ config, db, hub, pool, logger })
  const { level } = config.index
  const search = new MailSearch({
    pool,
    refs,
    ownerOf,
    accountsOf: principal => accounts.list(principal),
    index,
    hasTexts: level === 'text',
    indexerOf: indexing.find,
  })
  const indexed = new IndexedMail({ index, level, refs, ownerOf, indexerOf: indexing.find })
  const watched = { accounts, states, pool, refs, health, hub, leases, logger }
  const watcher = new MailWatcher({ ...watched, ...(indexerOf && { indexerOf }) })
  const nextUidValidity = () => settings.nextNumber('sandbox_uid_validity')
  const sandbox = new SandboxRunner({ accounts, nextUidValidity, guard, logger })
  return {
    accounts,
    health,
    pool,
    mail,
    search,
    sandbox,
    addRoutes: http => {
      const startSandbox = () => sandbox.start({ isAsked: true })
      accountRoutes(http, { accounts, health: new AccountHealthService({ accounts, health }), hub, startSandbox })
      mailRoutes(http, mail)
      indexRoutes(http, indexed)
      searchRoutes(http, search)
      settingsRoutes(http, settings, networks)
    },
    parts: [
      { name: 'settings', start: () => settings.start() },
      { name: 'private networks', start: () => networks.start() },
      poolLimitsPart({ pool, settings, hub, logger }),
      { name: 'accounts', start: () => prepareAccounts(config, accounts, settings) },
      { name: 'sandbox', stop: () => sandbox.stop() },
      { name: 'text worker', stop: stopReading },
      { name: 'pool', stop: () => pool.stop() },
      ...indexing.parts,
      { name: 'watcher', start: () => watcher.start(), stop: () => watcher.stop() },
      { name: 'demo', start: async () => void (config.demo && (await sandbox.start({ isAsked: false }))) },
    ],
  }
}

async function prepareAccounts(config: Config, accounts: AccountService, settings: SettingsService): Promise<void> {
  const { account } = config
  if (!account || (await accounts.isKnown(account.imap))) return
  // At the first start alone: an account that was deleted does not come back.
  const { host, port, user } = account.imap
  if (await settings.isNews('environment_account', `${user} ${host}:${port}`)) {
    await accounts.add(account, { isSandbox: false })
  }
}
