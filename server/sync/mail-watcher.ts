/** Watches enabled accounts, and follows their addition, changes and removal. One account is `AccountWatcher`. */
import type { AccountService } from '../accounts/account-service.ts'
import type { HealthRegistry } from '../accounts/health-registry.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Backoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import type { AccountIndexer } from './account-indexer.ts'
import { AccountWatcher, type WatchedAccount } from './account-watcher.ts'
import type { FolderStateStore } from './folder-state-store.ts'
import { FolderWatcher } from './folder-watcher.ts'

export interface MailWatcherOptions {
  accounts: Pick<AccountService, 'onReconnect'> & { listEnabled(): Promise<WatchedAccount[]> }
  states: Pick<FolderStateStore, 'find' | 'save'>
  pool: ConnectionPool
  hub: Pick<EventHub, 'transact' | 'listen'>
  refs: Pick<MessageRefs, 'encode'>
  health: Pick<HealthRegistry, 'set' | 'noteMail' | 'noteProblem' | 'forget'>
  logger: Logger
  backoff?: Backoff
  /** Ensures that one process watches an account; absent where there can be no other. */
  leases?: Pick<LeaseService, 'want'>
  /** Absent where nothing is indexed. */
  indexing?: Indexing
}

export type Indexer = Pick<
  AccountIndexer,
  'start' | 'stop' | 'notice' | 'lookEvery' | 'renew' | 'arrive' | 'isComplete' | 'noteCompared'
>

export interface Indexing {
  /** Creates an account's indexer at its current level, which publishes through `hub`; undefined at the level `off`. */
  indexerOf(account: WatchedAccount, hub: Pick<EventHub, 'transact'>): Indexer | undefined
  /** Lists accounts whose index may hold more than their level allows. */
  listUnsettled(): Promise<string[]>
  /** Removes what the account's level excludes. No indexer of a higher level may write meanwhile. */
  settle(accountId: string): Promise<void>
}

/** Changing one of these makes it another mailbox: its mail is not new, since no position is stored for it. */
export const mailboxFields: readonly string[] = ['imap.host', 'imap.port', 'imap.user']

/** Time budget of a stop for persisting the state of indexes. */
const noteMs = 2_000

export class MailWatcher {
  readonly #options: MailWatcherOptions
  readonly #watchers = new Map<string, AccountWatcher>()
  readonly #indexers = new Map<string, Indexer>()
  /** Watchers of chosen folders, for indexed accounts. */
  readonly #folders = new Map<string, FolderWatcher[]>()
  /** Leases to watch, by account. */
  readonly #claims = new Map<string, LeaseClaim>()
  /** Work in progress by account, one step after the other. */
  readonly #work = new Map<string, Promise<void>>()
  #unsubscribe: (() => void)[] = []

  constructor(options: MailWatcherOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { accounts, hub, pool } = this.#options
    this.#unsubscribe = [
      hub.listen('account_added', ({ account_id }) => this.#after(account_id, () => this.#renew(account_id))),
      hub.listen('account_updated', ({ account_id, name, changed }) =>
        this.#after(account_id, () => this.#follow(account_id, name, changed)),
      ),
      hub.listen('account_removed', ({ account_id }) => this.#after(account_id, () => this.#remove(account_id))),
      pool.onRefused((accountId, problem) => this.#watchers.get(accountId)?.refuse(problem)),
      accounts.onReconnect(accountId => this.#after(accountId, () => this.#reconnect(accountId))),
    ]
    // Levels lowered while the server was down, or whose removal failed.
    for (const accountId of (await this.#options.indexing?.listUnsettled()) ?? []) {
      this.#after(accountId, () => this.#settle(accountId))
    }
    for (const account of await accounts.listEnabled()) this.#after(account.id, async () => this.#watch(account))
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await Promise.all(this.#work.values())
    await this.#noteCompared()
    await Promise.all([...this.#watchers.keys()].map(accountId => this.#halt(accountId)))
    this.#watchers.clear()
    this.#indexers.clear()
    this.#folders.clear()
    await Promise.all([...this.#claims.values()].map(claim => claim.giveBack()))
    this.#claims.clear()
  }

  /** Persists index states while time is left; without, lists come from the mail server after a restart. */
  async #noteCompared(): Promise<void> {
    const end = performance.now() + noteMs
    for (const [accountId, indexer] of this.#indexers) {
      if (performance.now() > end) return
      await indexer.noteCompared().catch((err: unknown) => {
        this.#options.logger.warn({ err, account_id: accountId }, 'the state of an index could not be saved')
      })
    }
  }

  /** Runs a step after the work already queued for the account. */
  #after(accountId: string, step: () => Promise<void>): void {
    const { logger } = this.#options
    const before = this.#work.get(accountId) ?? Promise.resolve()
    const work: Promise<void> = before
      .then(step)
      .catch(err => logger.error({ err, account_id: accountId }, 'following an account failed'))
      .finally(() => {
        if (this.#work.get(accountId) === work) this.#work.delete(accountId)
      })
    this.#work.set(accountId, work)
  }

  #watch(account: WatchedAccount): void {
    if (this.#watchers.has(account.id)) return
    const { accounts: _accounts, leases, indexing: _indexing, ...shared } = this.#options
    const hub = this.#hubOf(account.id)
    this.#makeIndexer(account)
    const onChange = (folder: string) => this.#indexers.get(account.id)?.notice(folder)
    this.#watchers.set(
      account.id,
      new AccountWatcher({ account, ...shared, hub, onChange, indexerOf: () => this.#indexers.get(account.id) }),
    )
    if (!leases) return this.#begin(account.id)
    const claim = leases.want(`watch:${account.id}`, {
      won: () => this.#after(account.id, async () => this.#startIfHeld(account.id)),
      lost: () => this.#after(account.id, () => this.#halt(account.id)),
    })
    this.#claims.set(account.id, claim)
  }

  #hubOf(accountId: string): Pick<EventHub, 'transact'> {
    return this.#options.leases ? { transact: this.#fencedTransact(accountId) } : this.#options.hub
  }

  #makeIndexer(account: WatchedAccount): Indexer | undefined {
    const indexer = this.#options.indexing?.indexerOf(account, this.#hubOf(account.id))
    if (!indexer) return undefined
    this.#indexers.set(account.id, indexer)
    this.#makeFolders(account, indexer)
    return indexer
  }

  #makeFolders({ id: accountId, watchedFolders = [] }: WatchedAccount, indexer: Indexer): void {
    const { pool, logger, backoff } = this.#options
    const shared = {
      accountId,
      pool,
      logger,
      ...(backoff && { backoff }),
      onChange: (path: string) => indexer.notice(path),
    }
    const watchers = watchedFolders.map(path => new FolderWatcher({ ...shared, path }))
    this.#folders.set(accountId, watchers)
  }

  /** Rejects facts and positions without the lease, so that a process which has not noticed its loss cannot write. */
  #fencedTransact(accountId: string): EventHub['transact'] {
    return work =>
      this.#options.hub.transact(async (transaction, publish) => {
        const lease = this.#claims.get(accountId)?.find()
        if (!lease) throw new LeaseLost(`watch:${accountId}`)
        await lease.fence(transaction)
        return work(transaction, publish)
      })
  }

  /** Another process may have taken over meanwhile. */
  #startIfHeld(accountId: string): void {
    if (this.#isHeld(accountId)) this.#begin(accountId)
  }

  #isHeld(accountId: string): boolean {
    const claim = this.#claims.get(accountId)
    return !claim || claim.find() !== undefined
  }

  #begin(accountId: string): void {
    this.#watchers.get(accountId)?.start()
    this.#indexers.get(accountId)?.start()
    for (const folder of this.#folders.get(accountId) ?? []) folder.start()
  }

  async #halt(accountId: string): Promise<void> {
    const folders = this.#folders.get(accountId) ?? []
    const all = [this.#watchers.get(accountId), this.#indexers.get(accountId), ...folders]
    await Promise.all(all.map(each => each?.stop()))
  }

  async #follow(accountId: string, name: string, changed: readonly string[]): Promise<void> {
    this.#watchers.get(accountId)?.rename(name)
    if (changed.includes('index_level')) await this.#changeLevel(accountId)
    else if (changed.includes('watched_folders')) await this.#changeFolders(accountId)
    if (changed.includes('look_interval_seconds')) await this.#changeInterval(accountId)
    const isMeant = changed.some(field => field === 'enabled' || field === 'auth' || field.startsWith('imap.'))
    if (!isMeant) return
    const isOther = changed.includes('enabled') || changed.some(field => mailboxFields.includes(field))
    if (!isOther && this.#watchers.has(accountId)) return this.#reconnect(accountId)
    await this.#renew(accountId, name)
  }

  /** Keeps the account's connections. */
  async #changeLevel(accountId: string): Promise<void> {
    await this.#indexers.get(accountId)?.stop()
    this.#indexers.delete(accountId)
    await this.#stopFolders(accountId)
    await this.#settle(accountId)
    const account = (await this.#options.accounts.listEnabled()).find(({ id }) => id === accountId)
    if (!account || !this.#watchers.has(accountId)) return
    const indexer = this.#makeIndexer(account)
    if (!this.#isHeld(accountId)) return
    indexer?.start()
    for (const folder of this.#folders.get(accountId) ?? []) folder.start()
  }

  async #changeFolders(accountId: string): Promise<void> {
    await this.#stopFolders(accountId)
    const account = (await this.#options.accounts.listEnabled()).find(({ id }) => id === accountId)
    const indexer = this.#indexers.get(accountId)
    if (!account || !indexer) return
    this.#makeFolders(account, indexer)
    if (this.#isHeld(accountId)) for (const folder of this.#folders.get(accountId) ?? []) folder.start()
  }

  /** Does not interrupt a round in progress. */
  async #changeInterval(accountId: string): Promise<void> {
    const account = (await this.#options.accounts.listEnabled()).find(({ id }) => id === accountId)
    if (account?.lookSeconds !== undefined) this.#indexers.get(accountId)?.lookEvery(account.lookSeconds * 1_000)
  }

  async #stopFolders(accountId: string): Promise<void> {
    await Promise.all((this.#folders.get(accountId) ?? []).map(folder => folder.stop()))
    this.#folders.delete(accountId)
  }

  /** Settles the index; what could not be removed, such as when the disk is full, is removed at the next start. */
  async #settle(accountId: string): Promise<void> {
    const { indexing, logger } = this.#options
    await indexing?.settle(accountId).catch(err => {
      logger.warn({ err, account_id: accountId }, 'data that is no longer indexed could not be removed')
    })
  }

  async #reconnect(accountId: string): Promise<void> {
    await this.#halt(accountId)
    await this.#options.pool.drop(accountId)
    if (this.#watchers.has(accountId)) return this.#startIfHeld(accountId)
    await this.#renew(accountId)
  }

  /** Restarts the account with its current login, from the stored position; does not start it when it is disabled. */
  async #renew(accountId: string, name = accountId): Promise<void> {
    await this.#end(accountId)
    await this.#options.pool.drop(accountId)
    const account = (await this.#options.accounts.listEnabled()).find(({ id }) => id === accountId)
    if (account) this.#watch(account)
    else this.#options.health.set({ id: accountId, name }, { state: 'disabled', lastError: null })
  }

  async #remove(accountId: string): Promise<void> {
    await this.#end(accountId, true)
    await this.#options.pool.remove(accountId)
    this.#options.health.forget(accountId)
  }

  /** @param isGone True when the account was deleted. */
  async #end(accountId: string, isGone = false): Promise<void> {
    await this.#halt(accountId)
    this.#watchers.delete(accountId)
    this.#indexers.delete(accountId)
    this.#folders.delete(accountId)
    const claim = this.#claims.get(accountId)
    this.#claims.delete(accountId)
    await claim?.giveBack(isGone)
  }
}
