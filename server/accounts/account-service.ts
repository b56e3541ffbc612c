/** Mail accounts: connecting, changing, trying and forgetting them. Reading their mail is the business of `mail`. */
import { randomBytes } from 'node:crypto'
import type { Account, AccountChange, AccountInput, VerifyResult } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { AccountRow } from '../platform/database/tables.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { refuseBeyondList, refuseNarrow } from './account-rights.ts'
import { changedFields, changedParts, type Login, mergeChange, sealContext, toAccount, toLogin } from './account-row.ts'
import type { AccountStore } from './account-store.ts'
import { type AccountVerifier, isLoopback, refusePlainOverNetwork, testServer, tryServer } from './account-verifier.ts'
import type { HealthRegistry } from './health-registry.ts'
import type { MailLogin } from './mail-login.ts'
import { refuseMovedPassword } from './password-place.ts'

export interface AccountServiceOptions {
  store: AccountStore
  hub: EventHub
  health: HealthRegistry
  secrets: SecretBox
  verifier: AccountVerifier
  /** How long a server may take to answer a trial. */
  timeoutMs: () => number
}

interface Trial {
  verify: boolean
  timeoutMs?: number
}

type LoginName = { host: string; port: number; user: string }
type ReconnectListener = (accountId: string) => void

export class AccountService {
  readonly #options: AccountServiceOptions
  readonly #reconnectListeners = new Set<ReconnectListener>()

  constructor(options: AccountServiceOptions) {
    this.#options = options
  }

  async list(principal: Principal): Promise<Account[]> {
    const rows = await this.#seenBy(principal)
    const standIn = defaultOf(rows)
    return rows.map(row => this.#view(row, standIn))
  }

  async get(principal: Principal, accountId: string): Promise<Account> {
    return this.#tell(principal, await this.#getRow(accountId, principal))
  }

  /**
   * For who may not see it, the oldest account that they may see stands in: it would be the default one, were theirs the
   * only ones.
   */
  async findDefault(principal: Principal): Promise<Account | undefined> {
    const row = await this.#findDefaultRow(principal)
    return row && this.#view(row, row)
  }

  /** Tries the servers first, then keeps the account and announces it. */
  async create(principal: Principal, input: AccountInput, trial: Trial): Promise<Account> {
    refuseNarrow(principal, 'To add an account')
    await this.#refuseKnown(input.imap)
    if (trial.verify) {
      await this.#try('imap', input.imap, trial)
      if (input.smtp) await this.#try('smtp', input.smtp, trial)
    }
    return this.add(input, { isSandbox: false })
  }

  /** Keeps an account without trying it: for the environment's and the sandbox's. */
  async add(input: AccountInput, { isSandbox }: { isSandbox: boolean }): Promise<Account> {
    refusePlainOverNetwork('imap', input.imap)
    if (input.smtp) refusePlainOverNetwork('smtp', input.smtp)
    await this.#refuseKnown(input.imap)
    const id = randomBytes(8).toString('hex')
    const at = now()
    const { imap, smtp } = input
    const draft = {
      id,
      name: input.name ?? input.email,
      email: input.email,
      imap_host: imap.host,
      imap_port: imap.port,
      imap_tls: imap.tls,
      imap_user: imap.user,
      imap_password_sealed: this.#options.secrets.seal(imap.password, sealContext(id, 'imap')),
      smtp_host: smtp?.host ?? null,
      smtp_port: smtp?.port ?? null,
      smtp_tls: smtp?.tls ?? null,
      smtp_user: smtp?.user ?? null,
      smtp_password_sealed: smtp ? this.#options.secrets.seal(smtp.password, sealContext(id, 'smtp')) : null,
      is_sandbox: isSandbox ? 1 : 0,
      enabled: input.enabled ? 1 : 0,
      created_at: at,
      updated_at: at,
    }
    const kept = await this.#options.hub.transact(async (transaction, tell) => {
      // Looked at again: another request may have connected it meanwhile.
      await this.#refuseKnown(imap, undefined, transaction)
      const inserted = await this.#options.store.insert(transaction, draft)
      tell({ type: 'account_added', data: named(inserted, at) })
      return inserted
    })
    return this.#view(kept, kept.is_default ? kept : undefined)
  }

  /** Servers that the change concerns are tried first, with the password that stays or comes. */
  async update(principal: Principal, accountId: string, change: AccountChange, trial: Trial): Promise<Account> {
    const before = await this.#getRow(accountId, principal)
    refuseBeyondList(principal, change)
    refuseMovedPassword(before, change)
    const after = mergeChange(before, change, this.#options.secrets)
    const changed = changedFields(before, after, change)
    if (changed.length === 0) return this.#tell(principal, before)
    if (changed.some(field => /^imap\.(host|port|user)$/.test(field))) {
      await this.#refuseKnown(loginOf(after), accountId)
    }
    for (const part of changedParts(changed)) {
      const login = toLogin(after, part, this.#options.secrets)
      if (!login) continue
      refusePlainOverNetwork(part, login)
      if (trial.verify && after.enabled) await this.#try(part, login, trial)
    }
    return this.#tell(principal, await this.#keepChange(accountId, change))
  }

  /** The trial took a while, so the change is laid over what the account is by now. */
  #keepChange(accountId: string, change: AccountChange): Promise<AccountRow> {
    const { hub, store, secrets } = this.#options
    return hub.transact(async (transaction, tell) => {
      const current = await store.find(accountId, transaction)
      if (!current) throw new Problem('account_not_found', 'There is no such account.')
      const merged = { ...mergeChange(current, change, secrets), updated_at: now() }
      const changed = changedFields(current, merged, change).filter(field => field !== 'updated_at')
      if (changed.length === 0) return current
      await this.#refuseKnown(loginOf(merged), accountId, transaction)
      await store.update(transaction, merged)
      tell({ type: 'account_updated', data: { ...named(merged, merged.updated_at), changed } })
      return merged
    })
  }

  /**
   * For the plan's configuration, which knows TLS as yes or no: no keeps STARTTLS, and means no TLS at all only to
   * this machine itself.
   */
  async updateDefaultServer(
    principal: Principal,
    { host, port, useTls, password }: { host: string; port: number; useTls: boolean; password?: string | undefined },
    trial: Trial,
  ): Promise<void> {
    const row = await this.#findDefaultRow(principal)
    if (!row) throw new Problem('no_default_account', 'Connect a mailbox first: there is no account to configure.')
    const withoutImplicit = row.imap_tls === 'starttls' || !isLoopback(host) ? 'starttls' : 'none'
    const change = { imap: { host, port, tls: useTls ? 'implicit' : withoutImplicit, password } } as const
    refuseMovedPassword(row, change, () => 'password')
    await this.update(principal, row.id, change, trial)
  }

  async delete(principal: Principal, accountId: string): Promise<void> {
    await this.#remove(await this.#getRow(accountId, principal))
  }

  /** A sandbox ends with the process that ran it; its account from an earlier run leads nowhere. */
  async removeSandboxes(): Promise<void> {
    for (const row of await this.#options.store.list()) {
      if (row.is_sandbox) await this.#remove(row)
    }
  }

  async isKnown(login: LoginName): Promise<boolean> {
    return (await this.#options.store.findLogin(login)) !== undefined
  }

  async hasSandbox(): Promise<boolean> {
    return (await this.#options.store.list()).some(row => row.is_sandbox === 1)
  }

  /** Tries both servers now; when IMAP answers, a connection that had given up is made again. */
  async verify(principal: Principal, accountId: string): Promise<VerifyResult> {
    const row = await this.#getRow(accountId, principal)
    const { secrets, verifier, timeoutMs } = this.#options
    const [imapLogin, smtpLogin] = [toLogin(row, 'imap', secrets)!, toLogin(row, 'smtp', secrets)]
    const [imap, smtp] = await Promise.all([
      testServer(verifier, 'imap', imapLogin, timeoutMs()),
      smtpLogin ? testServer(verifier, 'smtp', smtpLogin, timeoutMs()) : null,
    ])
    if (imap.ok && row.enabled) for (const listener of this.#reconnectListeners) listener(accountId)
    return { imap, smtp }
  }

  /** Hears when an account should be connected again at once. Returns how to stop. */
  onReconnect(listener: ReconnectListener): () => void {
    this.#reconnectListeners.add(listener)
    return () => this.#reconnectListeners.delete(listener)
  }

  async listIds(): Promise<ReadonlySet<string>> {
    const rows = await this.#options.store.list()
    return new Set(rows.map(({ id }) => id))
  }

  async listEnabled(): Promise<{ id: string; name: string }[]> {
    const rows = await this.#options.store.list()
    return rows.filter(row => row.enabled).map(({ id, name }) => ({ id, name }))
  }

  /** With the password in the clear: only for those who connect with it at once. */
  async login(accountId: string): Promise<MailLogin> {
    const row = await this.#getRow(accountId)
    if (!row.enabled) throw new Problem('account_disabled', 'This account is disabled; enable it to read its mail.')
    return toLogin(row, 'imap', this.#options.secrets)!
  }

  /** States of all accounts, for who tells each principal of theirs. */
  async listHealth(): Promise<{ id: string; enabled: boolean; state: Account['state'] }[]> {
    const rows = await this.#options.store.list()
    return rows.map(({ id, enabled }) => ({
      id,
      enabled: enabled === 1,
      state: this.#options.health.get(id, enabled === 1).state,
    }))
  }

  async #remove(row: AccountRow): Promise<void> {
    await this.#options.hub.transact(async (transaction, tell) => {
      if (!(await this.#options.store.find(row.id, transaction))) return
      await this.#options.store.delete(transaction, row.id)
      tell({ type: 'account_removed', data: named(row, now()) })
    })
  }

  async #try(part: 'imap' | 'smtp', login: Login, trial: Trial): Promise<void> {
    await tryServer(this.#options.verifier, part, login, trial.timeoutMs ?? this.#options.timeoutMs())
  }

  async #getRow(accountId: string, principal?: Principal): Promise<AccountRow> {
    const row = await this.#options.store.find(accountId)
    if (!row || (principal && !maySeeAccount(principal, accountId))) {
      throw new Problem('account_not_found', 'There is no such account.')
    }
    return row
  }

  async #refuseKnown(login: LoginName, exceptId?: string, transaction?: Database): Promise<void> {
    const known = await this.#options.store.findLogin(login, transaction)
    if (!known || known.id === exceptId) return
    throw new Problem('account_exists', `${login.user} on ${login.host}:${login.port} is connected already.`)
  }

  /** Oldest first. */
  async #seenBy(principal: Principal): Promise<AccountRow[]> {
    return (await this.#options.store.list()).filter(({ id }) => maySeeAccount(principal, id))
  }

  async #findDefaultRow(principal: Principal): Promise<AccountRow | undefined> {
    const row = await this.#options.store.findDefault()
    return row && maySeeAccount(principal, row.id) ? row : defaultOf(await this.#seenBy(principal))
  }

  /** As the principal sees it. */
  async #tell(principal: Principal, row: AccountRow): Promise<Account> {
    return this.#view(row, row.is_default ? row : await this.#findDefaultRow(principal))
  }

  #view(row: AccountRow, standIn: AccountRow | undefined): Account {
    const account = toAccount(row, this.#options.health.get(row.id, row.enabled === 1))
    return { ...account, is_default: account.id === standIn?.id }
  }
}

function defaultOf(rows: AccountRow[]): AccountRow | undefined {
  return rows.find(row => row.is_default) ?? rows[0]
}

function loginOf(row: AccountRow): LoginName {
  return { host: row.imap_host, port: row.imap_port, user: row.imap_user }
}

function named(row: AccountRow, at: string) {
  return { account_id: row.id, name: row.name, email: row.email, is_sandbox: row.is_sandbox === 1, at }
}

function now(): string {
  return new Date().toISOString()
}
