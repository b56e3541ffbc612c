/** Watches every enabled account, and follows accounts that come, change and go. One account is `AccountWatcher`. */
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
import { AccountWatcher, mailboxOf, type WatchedAccount } from './account-watcher.ts'
import type { FolderStateStore } from './folder-state-store.ts'

export interface MailWatcherOptions {
  accounts: Pick<AccountService, 'listEnabled' | 'onReconnect'>
  states: Pick<FolderStateStore, 'find' | 'save'>
  pool: ConnectionPool
  hub: Pick<EventHub, 'transact' | 'listen'>
  refs: Pick<MessageRefs, 'encode'>
  health: Pick<HealthRegistry, 'set' | 'noteMail' | 'noteProblem' | 'forget'>
  logger: Logger
  backoff?: Backoff
  /** One process watches an account; left out where there can be no other. */
  leases?: Pick<LeaseService, 'want'>
  /** What keeps the index of the account; it writes facts through the hub that it is given. Left out where nothing is indexed. */
  indexerOf?(accountId: string, hub: Pick<EventHub, 'transact'>, mailbox: string): Indexer
}

type Indexer = Pick<AccountIndexer, 'start' | 'stop' | 'notice' | 'renew' | 'arrive'>

/** Another of these is another mailbox: what is there is not new, since no position is known in it. */
export const mailboxFields: readonly string[] = ['imap.host', 'imap.port', 'imap.user']

export class MailWatcher {
  readonly #options: MailWatcherOptions
  readonly #watchers = new Map<string, AccountWatcher>()
  readonly #indexers = new Map<string, Indexer>()
  /** By account: the right to watch it. */
  readonly #claims = new Map<string, LeaseClaim>()
  /** What is being done to an account: one thing after the other. */
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
    for (const account of await accounts.listEnabled()) this.#after(account.id, async () => this.#watch(account))
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await Promise.all(this.#work.values())
    await Promise.all([...this.#watchers.keys()].map(accountId => this.#halt(accountId)))
    this.#watchers.clear()
    this.#indexers.clear()
    await Promise.all([...this.#claims.values()].map(claim => claim.giveBack()))
    this.#claims.clear()
  }

  /** The index of an account is empty now: it is read from the mail server again. */
  reindex(accountId: string): void {
    this.#indexers.get(accountId)?.renew()
  }

  /** Runs behind what is already being done to the account. */
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
    const { accounts: _accounts, leases, indexerOf, ...shared } = this.#options
    const hub = leases ? { transact: this.#fencedTransact(account.id) } : shared.hub
    const indexer = indexerOf?.(account.id, hub, mailboxOf(account))
    if (indexer) this.#indexers.set(account.id, indexer)
    const onChange = (folder: string) => indexer?.notice(folder)
    const identify: Indexer['arrive'] | undefined = indexer && ((path, arrived) => indexer.arrive(path, arrived))
    const watched = { account, ...shared, hub, onChange, ...(identify && { identify }) }
    this.#watchers.set(account.id, new AccountWatcher(watched))
    if (!leases) return this.#begin(account.id)
    const claim = leases.want(`watch:${account.id}`, {
      won: () => this.#after(account.id, async () => this.#startIfHeld(account.id)),
      lost: () => this.#after(account.id, () => this.#halt(account.id)),
    })
    this.#claims.set(account.id, claim)
  }

  /** Facts and positions are written only under the lease: a process that has not noticed its loss yet is refused. */
  #fencedTransact(accountId: string): EventHub['transact'] {
    return work =>
      this.#options.hub.transact(async (transaction, tell) => {
        const lease = this.#claims.get(accountId)?.find()
        if (!lease) throw new LeaseLost(`watch:${accountId}`)
        await lease.fence(transaction)
        return work(transaction, tell)
      })
  }

  /** Another process may have taken over before it was this one's turn. */
  #startIfHeld(accountId: string): void {
    const claim = this.#claims.get(accountId)
    if (!claim || claim.find()) this.#begin(accountId)
  }

  #begin(accountId: string): void {
    this.#watchers.get(accountId)?.start()
    this.#indexers.get(accountId)?.start()
  }

  async #halt(accountId: string): Promise<void> {
    await Promise.all([this.#watchers.get(accountId)?.stop(), this.#indexers.get(accountId)?.stop()])
  }

  async #follow(accountId: string, name: string, changed: readonly string[]): Promise<void> {
    this.#watchers.get(accountId)?.rename(name)
    const isMeant = changed.includes('enabled') || changed.some(field => field.startsWith('imap.'))
    if (!isMeant) return
    const isOther = changed.includes('enabled') || changed.some(field => mailboxFields.includes(field))
    if (!isOther && this.#watchers.has(accountId)) return this.#reconnect(accountId)
    await this.#renew(accountId, name)
  }

  async #reconnect(accountId: string): Promise<void> {
    await this.#halt(accountId)
    await this.#options.pool.drop(accountId)
    if (this.#watchers.has(accountId)) return this.#startIfHeld(accountId)
    await this.#renew(accountId)
  }

  /** On the login of now, from the stored position; or not at all when the account is disabled. */
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

  /** @param isGone There is no such account any more. */
  async #end(accountId: string, isGone = false): Promise<void> {
    await this.#halt(accountId)
    this.#watchers.delete(accountId)
    this.#indexers.delete(accountId)
    const claim = this.#claims.get(accountId)
    this.#claims.delete(accountId)
    await claim?.giveBack(isGone)
  }
}
