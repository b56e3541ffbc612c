/**
 * Accounts that a real MailWatcher watches, with a real hub and health registry, whose announcements and states can be
 * read.
 */
import { randomBytes } from 'node:crypto'
import type { EventOf, Fact } from '../../contract/event.ts'
import type { PoolLimits } from '../../contract/settings.ts'
import { HealthRegistry } from '../../server/accounts/health-registry.ts'
import type { MailLogin } from '../../server/accounts/mail-login.ts'
import type { EventHub } from '../../server/events/event-hub.ts'
import type { Backoff } from '../../server/imap/backoff.ts'
import { ConnectionPool } from '../../server/imap/connection-pool.ts'
import type { MailGateway } from '../../server/imap/mail-gateway.ts'
import { MessageRefs } from '../../server/imap/message-ref.ts'
import type { GateTimes } from '../../server/imap/server-gate.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { Problem } from '../../server/platform/problem.ts'
import { Signer } from '../../server/platform/secret-box.ts'
import { FolderStateStore } from '../../server/sync/folder-state-store.ts'
import { MailWatcher } from '../../server/sync/mail-watcher.ts'
import { patience } from './patience.ts'

export interface WatchedOptions {
  gateway: MailGateway
  /** Logins by account id; may be changed, and deleted to disable an account. */
  logins: Map<string, MailLogin>
  limits?: Partial<PoolLimits>
  backoff?: Backoff
  gateTimes?: GateTimes
}

/** Short retry delays, so that tests need not wait. */
const soon: GateTimes = { probeMs: 1_000, everyMs: 5, everyLongMs: 5, longMs: 60_000 }

const named = { email: 'a@test.local', is_sandbox: false }

export class WatchedAccounts {
  readonly hub: EventHub
  readonly health: HealthRegistry
  readonly pool: ConnectionPool
  readonly watcher: MailWatcher
  readonly refs = new MessageRefs(new Signer(randomBytes(32)))
  /** Announced mail, in order. */
  readonly arrivals: EventOf<'mail_received'>[] = []
  /** Announced UIDs by account, in order. */
  readonly received = new Map<string, number[]>()
  /** States of all accounts, in order. */
  readonly states: string[] = []
  readonly #reconnect = new Set<(accountId: string) => void>()

  constructor(
    { gateway, logins, limits = {}, backoff, gateTimes = soon }: WatchedOptions,
    { hub, db }: { hub: EventHub; db: Database },
  ) {
    const logger = createLogger('silent')
    this.hub = hub
    this.health = new HealthRegistry(this.hub)
    const login = async (id: string) => {
      const known = logins.get(id)
      if (!known) throw new Problem('account_disabled', 'The account is disabled.')
      return known
    }
    // Timeouts long enough that a busy machine is not taken for a silent server.
    const defaults = { connection_timeout_seconds: patience / 1_000, max_connections: 50, connection_pool_size: 3 }
    this.pool = new ConnectionPool({
      gateway,
      login,
      limits: { ...defaults, ...limits },
      health: this.health,
      logger,
      gateTimes,
      doubtMs: 5,
    })
    const accounts = {
      listEnabled: async () => {
        for (const id of logins.keys()) await keepAccount(db, id)
        return [...logins].map(([id, { host, port, user }]) => ({ id, name: id, host, port, user }))
      },
      onReconnect: (listener: (accountId: string) => void) => {
        this.#reconnect.add(listener)
        return () => this.#reconnect.delete(listener)
      },
    }
    const { health, pool } = this
    const { refs } = this
    const states = new FolderStateStore(db)
    const shared = { accounts, states, pool, hub, refs, health, logger }
    this.watcher = new MailWatcher({ ...shared, ...(backoff ? { backoff } : {}) })
    hub.listen('account_state_changed', ({ state }) => this.states.push(state))
    hub.listen('mail_received', data => {
      const { account_id, uid } = data
      this.arrivals.push({ type: 'mail_received', data })
      this.received.set(account_id, [...(this.received.get(account_id) ?? []), uid])
    })
  }

  stateOf(accountId = 'a') {
    return this.health.get(accountId, true)
  }

  receivedBy(accountId = 'a'): number[] {
    return this.received.get(accountId) ?? []
  }

  /** Announces as the account service does after its store has committed. */
  announce(type: 'account_added' | 'account_removed', accountId?: string): void
  announce(type: 'account_updated', accountId: string, changed: string[]): void
  announce(
    type: 'account_added' | 'account_removed' | 'account_updated',
    accountId = 'a',
    changed: string[] = [],
  ): void {
    const data = { account_id: accountId, name: accountId, ...named, at: new Date().toISOString() }
    const fact: Fact = type === 'account_updated' ? { type, data: { ...data, changed } } : { type, data }
    this.hub.publish(fact)
  }

  reconnect(accountId = 'a'): void {
    for (const listener of this.#reconnect) listener(accountId)
  }

  async stop(): Promise<void> {
    await this.watcher.stop()
    await this.pool.stop()
  }
}

/** Stores just enough of an account for a folder position to refer to. */
export async function keepAccount(db: Database, id: string): Promise<void> {
  const imap = { imap_host: 'memory', imap_port: 143, imap_tls: 'none', imap_user: id, imap_password_sealed: '' }
  const smtp = { smtp_host: null, smtp_port: null, smtp_tls: null, smtp_user: null, smtp_password_sealed: null }
  const [created_at, updated_at] = ['', '']
  const flags = { is_default: 0, is_sandbox: 0, enabled: 1 }
  await db
    .insertInto('accounts')
    .values({ id, name: id, email: named.email, ...imap, ...smtp, ...flags, created_at, updated_at })
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute()
}
