/**
 * Facts learned of all accounts' mail servers: in memory for the pool and senders, and in the database to survive a
 * restart. Learning costs no commands: servers report it when connected to, and when they refuse.
 */
import type { QuotaLevel } from '../../contract/account-server.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { KnownLimit, ServerMemory } from '../imap/server-memory.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { ServerRow, ServerStore } from './server-store.ts'

export interface ServerBookOptions {
  store: Pick<ServerStore, 'list' | 'save'>
  hub: Pick<EventHub, 'listen'>
  logger: Logger
  /** Called with the quota level of an account; null when it is no longer known. */
  onLevel?(accountId: string, level: QuotaLevel | null): void
  now?: () => number
  flushMs?: number
}

export type KnownQuota = Pick<ServerRow, 'quota' | 'quota_at' | 'quota_level'>

/** Responses to EHLO kept for logins without an account; above it the oldest is evicted. */
const mostUnowned = 100
const mostOffers = 100

export class ServerBook implements ServerMemory {
  readonly #options: ServerBookOptions
  readonly #now: () => number
  readonly #rows = new Map<string, ServerRow>()
  readonly #changed = new Set<string>()
  /** Accounts whose current login was accepted by a server. */
  readonly #accepted = new Set<string>()
  /** EHLO capabilities by login, from trials before there was an account. */
  readonly #unowned = new Map<string, readonly string[]>()
  readonly #fullListeners = new Set<(accountId: string) => void>()
  #timer: NodeJS.Timeout | undefined
  #storing: Promise<void> = Promise.resolve()
  #stops: (() => void)[] = []

  constructor(options: ServerBookOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async start(): Promise<void> {
    const { store, hub, flushMs = 5_000 } = this.#options
    for (const row of await store.list()) {
      this.#rows.set(row.account_id, row)
      if (row.imap_offers !== null) this.#accepted.add(row.account_id)
      this.#reportLevel(row)
    }
    this.#stops = [
      hub.listen('account_removed', ({ account_id }) => {
        this.#rows.delete(account_id)
        this.#changed.delete(account_id)
        this.#accepted.delete(account_id)
      }),
      hub.listen('account_updated', ({ account_id, changed }) => this.#follow(account_id, changed)),
    ]
    this.#timer = setInterval(() => void this.store(), flushMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    for (const stop of this.#stops.splice(0)) stop()
    await this.store()
  }

  find(accountId: string): Readonly<ServerRow> | undefined {
    return this.#rows.get(accountId)
  }

  /** Accounts about which something is known. */
  get accountIds(): string[] {
    return [...this.#rows.keys()]
  }

  limitOf(accountId: string): KnownLimit | undefined {
    const row = this.#rows.get(accountId)
    if (!row || row.connection_limit === null) return undefined
    return { connections: row.connection_limit, waitMs: row.limit_wait_ms ?? 0 }
  }

  limited(accountId: string, limit: KnownLimit | undefined): void {
    if (!limit && !this.#rows.has(accountId)) return
    this.#change(accountId, {
      connection_limit: limit?.connections ?? null,
      limit_wait_ms: limit?.waitMs ?? null,
      limit_at: limit ? this.#at() : null,
    })
  }

  hasAccepted(accountId: string): boolean {
    return this.#accepted.has(accountId)
  }

  connected(accountId: string, offers: readonly string[]): void {
    this.#accepted.add(accountId)
    const words = JSON.stringify(offers.slice(0, mostOffers))
    const known = this.#rows.get(accountId)
    // Most connections repeat it; the time is refreshed once an hour.
    if (known?.imap_offers === words && this.#isFresh(known.imap_at)) return
    this.#change(accountId, { imap_offers: words, imap_at: this.#at() })
  }

  foundFull(accountId: string): void {
    for (const listener of this.#fullListeners) listener(accountId)
  }

  /** Subscribes to accounts whose mailbox was found full. Returns the function that unsubscribes. */
  onFull(listener: (accountId: string) => void): () => void {
    this.#fullListeners.add(listener)
    return () => this.#fullListeners.delete(listener)
  }

  /** @param owner An account, or the login of a trial. @param offers Upper-case EHLO lines: `SIZE 36700160`. */
  greeted(owner: { accountId: string } | { login: string }, offers: readonly string[]): void {
    const words = offers.slice(0, mostOffers)
    if ('accountId' in owner) {
      const text = JSON.stringify(words)
      const known = this.#rows.get(owner.accountId)
      if (known?.smtp_offers === text && this.#isFresh(known.smtp_at)) return
      return this.#change(owner.accountId, { smtp_offers: text, smtp_at: this.#at() })
    }
    this.#unowned.delete(owner.login)
    this.#unowned.set(owner.login, words)
    const [oldest] = this.#unowned.keys()
    if (this.#unowned.size > mostUnowned && oldest !== undefined) this.#unowned.delete(oldest)
  }

  /** Assigns the capabilities seen during the trial to the new account. */
  adopt(accountId: string, login: string): void {
    const offers = this.#unowned.get(login)
    this.#unowned.delete(login)
    if (offers) this.greeted({ accountId }, offers)
  }

  /** Saves the quota in the caller's transaction, before `noteQuota`. @returns Whether the account exists. */
  saveQuota(transaction: Database, accountId: string, values: KnownQuota): Promise<boolean> {
    return this.#options.store.save({ ...(this.#rows.get(accountId) ?? emptyRow(accountId)), ...values }, transaction)
  }

  noteQuota(accountId: string, values: KnownQuota): void {
    const row = { ...(this.#rows.get(accountId) ?? emptyRow(accountId)), ...values }
    this.#rows.set(accountId, row)
    this.#reportLevel(row)
  }

  /** Stores pending changes. Never throws: failed ones are stored later. */
  store(): Promise<void> {
    this.#storing = this.#storing.then(() => this.#store())
    return this.#storing
  }

  async #store(): Promise<void> {
    for (const accountId of [...this.#changed]) {
      this.#changed.delete(accountId)
      const row = this.#rows.get(accountId)
      if (!row) continue
      try {
        if (!(await this.#options.store.save(row))) this.#rows.delete(accountId)
      } catch (err) {
        this.#changed.add(accountId)
        const { logger } = this.#options
        return logger.warn({ err, account_id: accountId }, 'the limits of a mail server could not be stored')
      }
    }
  }

  /** Forgets what was learned when the account's server or mailbox changes. */
  #follow(accountId: string, changed: readonly string[]): void {
    if (changed.some(field => /^(imap\.|auth$)/.test(field))) this.#accepted.delete(accountId)
    if (!this.#rows.has(accountId)) return
    const isOther = (part: string) => changed.some(field => new RegExp(`^${part}\\.(host|port|user)$`).test(field))
    if (isOther('imap')) {
      this.#change(accountId, noImap)
      this.#options.onLevel?.(accountId, null)
    }
    if (isOther('smtp')) this.#change(accountId, noSmtp)
  }

  #change(accountId: string, values: Partial<ServerRow>): void {
    this.#rows.set(accountId, { ...(this.#rows.get(accountId) ?? emptyRow(accountId)), ...values })
    this.#changed.add(accountId)
  }

  #reportLevel({ account_id: accountId, quota, quota_level: level }: ServerRow): void {
    this.#options.onLevel?.(accountId, quota === null ? null : level)
  }

  #isFresh(at: string | null): boolean {
    return at !== null && this.#now() - Date.parse(at) < freshMs
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

const freshMs = 60 * 60_000
const noImap = {
  imap_offers: null,
  imap_at: null,
  connection_limit: null,
  limit_wait_ms: null,
  limit_at: null,
  quota: null,
  quota_at: null,
  quota_level: 'ok',
} as const
const noSmtp = { smtp_offers: null, smtp_at: null } as const

function emptyRow(accountId: string): ServerRow {
  return { account_id: accountId, ...noImap, ...noSmtp }
}
