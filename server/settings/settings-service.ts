/** Settings that an administrator changes at run time; a change takes effect immediately and is announced. */
import type { ImapConfiguration, ImapConfigurationChange, PoolLimits } from '../../contract/settings.ts'
import { refuseNarrow } from '../accounts/account-rules.ts'
import type { AccountService, AlsoKept } from '../accounts/account-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { connectionLimit, openFileLimit } from './connection-limit.ts'
import type { SettingStore } from './setting-store.ts'

export const defaultLimits: PoolLimits = {
  connection_timeout_seconds: 30,
  max_connections: 100,
  connection_pool_size: 4,
}

const limitNames = Object.keys(defaultLimits) as (keyof PoolLimits)[]

export interface SettingsServiceOptions {
  store: SettingStore
  accounts: AccountService
  hub: EventHub
  /** Files that this process may open; determined by default. */
  files?: number
}

export class SettingsService {
  readonly #store: SettingStore
  readonly #accounts: AccountService
  readonly #hub: EventHub
  readonly #files: number
  /** The stored limits; `max_connections` is missing until it is set. */
  #set: Partial<PoolLimits> = {}
  /** The default of `max_connections`, by the number of accounts. */
  #needed = defaultLimits.max_connections

  constructor({ store, accounts, hub, files = openFileLimit() }: SettingsServiceOptions) {
    this.#store = store
    this.#accounts = accounts
    this.#hub = hub
    this.#files = files
  }

  async start(): Promise<void> {
    this.#set = ((await this.#store.find('pool_limits')) as Partial<PoolLimits> | undefined) ?? {}
    await this.followAccounts()
  }

  get limits(): PoolLimits {
    return { ...defaultLimits, max_connections: this.#needed, ...this.#set }
  }

  /** Adapts `max_connections` to the number of accounts, unless it is set. */
  async followAccounts(): Promise<void> {
    this.#needed = connectionLimit((await this.#accounts.listEnabled()).length, this.#files)
  }

  /** Stores a value under a name. Returns true if it differs from the previous one. */
  async isNews(name: string, value: string): Promise<boolean> {
    if ((await this.#store.find(name)) === value) return false
    await this.#hub.transact(transaction => this.#store.save(transaction, name, value, new Date().toISOString()))
    return true
  }

  /**
   * Returns an integer that increases with each call for this name: the current second, unless the clock was set back.
   */
  async nextNumber(name: string): Promise<number> {
    const last = Number((await this.#store.find(name)) ?? 0)
    const next = Math.max(Math.floor(Date.now() / 1000), last + 1)
    await this.#hub.transact(transaction => this.#store.save(transaction, name, next, new Date().toISOString()))
    return next
  }

  /**
   * Returns the configuration of the default account as the principal sees it. Throws `no_default_account` for callers
   * that see no account.
   */
  async getConfig(principal: Principal): Promise<ImapConfiguration> {
    const account = await this.#accounts.findDefault(principal)
    if (!account) throw new Problem('no_default_account', 'Connect a mailbox first: there is no account to configure.')
    const { host, port, tls } = account.imap
    return { server_address: host, port, use_ssl: tls === 'implicit', ...this.limits }
  }

  /**
   * Tries a changed server before anything is stored, unless `verify` is false.
   * @param tried Called with the names of the fields to change: for the trail.
   */
  async updateConfig(
    principal: Principal,
    wanted: ImapConfigurationChange,
    verify: boolean,
    tried: (fields: readonly string[]) => void = () => undefined,
  ): Promise<ImapConfiguration> {
    // The limits apply to all accounts.
    refuseNarrow(principal, 'Changing the configuration')
    const before = await this.getConfig(principal)
    const changed = (Object.keys(before) as (keyof ImapConfiguration)[]).filter(name => before[name] !== wanted[name])
    tried(wanted.password === undefined ? changed : [...changed, 'password'])
    const at = new Date().toISOString()
    let setBefore: Partial<PoolLimits> | undefined
    const keepLimits: AlsoKept = async (transaction, publish) => {
      if (changed.length === 0) return
      const limits = this.#limitsOf(wanted, changed)
      if (limitNames.some(name => changed.includes(name)))
        await this.#store.save(transaction, 'pool_limits', limits, at)
      setBefore = this.#set
      // Applied before it is announced.
      this.#set = limits
      publish({ type: 'configuration_updated', data: { changed, principal: principal.name, at } })
    }
    const server = { host: wanted.server_address, port: wanted.port, useTls: wanted.use_ssl, password: wanted.password }
    const trial = { verify, timeoutMs: wanted.connection_timeout_seconds * 1000 }
    const isServerMeant =
      wanted.password !== undefined || changed.some(name => !limitNames.includes(name as keyof PoolLimits))
    // Server and limits in one transaction: both are stored, or neither.
    const kept = isServerMeant
      ? this.#accounts.updateDefaultServer(principal, server, trial, keepLimits)
      : this.#hub.transact(keepLimits)
    await kept.catch((error: unknown) => {
      this.#set = setBefore ?? this.#set
      throw error
    })
    return this.getConfig(principal)
  }

  /** A limit that was never set stays unset when other fields change, and keeps following the accounts. */
  #limitsOf(
    { connection_timeout_seconds, max_connections, connection_pool_size }: PoolLimits,
    changed: readonly string[],
  ): Partial<PoolLimits> {
    const isSet = this.#set.max_connections !== undefined || changed.includes('max_connections')
    return { connection_timeout_seconds, connection_pool_size, ...(isSet ? { max_connections } : {}) }
  }
}
