/** Mail accounts: connecting, changing, trying and forgetting them. Reading their mail is the business of `mail`. */
import type {
  Account,
  AccountAuth,
  AccountChange,
  AccountInput,
  IndexLevel,
  MailServer,
  VerifyResult,
} from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AccountGrants, NewAccess } from './account-grants.ts'
import {
  changedFields,
  changedParts,
  changeOfServer,
  defaultOf,
  type EnabledAccount,
  type LoginName,
  loginOf,
  mergeChange,
  named,
  newRow,
  type Part,
  type ServerChoice,
  serverOf,
  toAccount,
  toEnabled,
} from './account-row.ts'
import {
  refuseBeyondList,
  refuseMovedPassword,
  refuseNarrow,
  refusePasswordBesideGrant,
  refuseSandboxChange,
  sandboxStopped,
} from './account-rules.ts'
import { takeGrant } from './account-sign-in.ts'
import type { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'
import { type AccountVerifier, refusePlainOverNetwork, type Trial, testServers, tryServer } from './account-verifier.ts'
import type { HealthRegistry } from './health-registry.ts'
import { LoginSources } from './login-sources.ts'
import type { KnownServer, LoginSource, MailLogin } from './mail-login.ts'

export interface AccountServiceOptions {
  store: AccountStore
  hub: EventHub
  health: HealthRegistry
  secrets: SecretBox
  verifier: AccountVerifier
  grants: AccountGrants
  /** How long a server may take to answer a trial. */
  timeoutMs: () => number
}

type ReconnectListener = (accountId: string) => void

/** What is written with a change, and announced with it. */
export type AlsoKept = Parameters<EventHub['transact']>[0]

export class AccountService {
  readonly #options: AccountServiceOptions
  readonly #logins: LoginSources
  readonly #reconnectListeners = new Set<ReconnectListener>()
  #isSandboxRunning = false

  constructor(options: AccountServiceOptions) {
    this.#options = options
    this.#logins = new LoginSources(options)
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
   * Callers that may not see it get the oldest account that they may see: it would be the default one, were theirs the
   * only ones.
   */
  async findDefault(principal: Principal): Promise<Account | undefined> {
    const row = await this.#findDefaultRow(principal)
    return row && this.#view(row, row)
  }

  /** Tries the servers first, then keeps the account and announces it. */
  async create(principal: Principal, input: AccountInput, trial: Trial): Promise<Account> {
    const auth = await this.check(principal, input, trial)
    return this.add(input, { isSandbox: false, auth })
  }

  /** Whether it could be created; nothing is kept. @returns How it would log in. */
  async check(principal: Principal, input: AccountInput, trial: Trial): Promise<AccountAuth> {
    refuseNarrow(principal, 'Adding an account')
    await this.#refuseKnown(input.imap)
    const auth = await this.#logins.authOf(principal, input)
    for (const part of ['imap', 'smtp'] as const) {
      const server = input[part]
      if (!server) continue
      refusePlainOverNetwork(part, server)
      if (trial.verify) await this.#try(part, this.#logins.ofNew(part, input, auth), trial)
    }
    return auth
  }

  /** Keeps an account without trying it: for the environment's and the sandbox's. */
  async add(
    input: AccountInput,
    { isSandbox, auth = { kind: 'password' } }: { isSandbox: boolean; auth?: AccountAuth },
  ): Promise<Account> {
    refusePlainOverNetwork('imap', input.imap)
    if (input.smtp) refusePlainOverNetwork('smtp', input.smtp)
    await this.#refuseKnown(input.imap)
    const at = now()
    const draft = newRow(input, { isSandbox, at, secrets: this.#options.secrets, auth })
    const kept = await this.#options.hub.transact(async (transaction, tell) => {
      // Looked at again: another request may have connected it meanwhile.
      await this.#refuseKnown(input.imap, undefined, transaction)
      const inserted = await this.#options.store.insert(transaction, draft)
      if (auth.kind === 'oauth') await this.#options.grants.bind(transaction, auth.grant_id, draft.id)
      tell({ type: 'account_added', data: named(inserted, at) })
      return inserted
    })
    return this.#view(kept, kept.is_default ? kept : undefined)
  }

  /**
   * Servers that the change concerns are tried first, with the password that stays or comes.
   * @param also Kept in the same transaction, also when the account is as it was.
   */
  async update(
    principal: Principal,
    accountId: string,
    change: AccountChange,
    trial: Trial,
    also?: AlsoKept,
  ): Promise<Account> {
    const before = await this.#getRow(accountId, principal)
    refuseBeyondList(principal, change)
    if (before.is_sandbox) refuseSandboxChange(change, this.#isSandboxRunning)
    refuseMovedPassword(before, change)
    refusePasswordBesideGrant(before, change)
    const after = mergeChange(before, change, this.#options.secrets)
    const changed = changedFields(before, after, change)
    if (changed.length === 0 && !also) return this.#tell(principal, before)
    if (changed.some(field => /^imap\.(host|port|user)$/.test(field))) {
      await this.#refuseKnown(loginOf(after), accountId)
    }
    for (const part of changedParts(changed)) {
      const server = serverOf(after, part)
      if (!server) continue
      refusePlainOverNetwork(part, server)
      if (trial.verify && this.#isOn(after)) await this.#try(part, this.#logins.of(after, part)!, trial, accountId)
    }
    return this.#tell(principal, await this.#keepChange(accountId, change, also))
  }

  /** The trial took a while, so the change is laid over what the account is by now. */
  #keepChange(accountId: string, change: AccountChange, also?: AlsoKept): Promise<AccountRow> {
    const { hub, store, secrets } = this.#options
    return hub.transact(async (transaction, tell) => {
      const current = await store.find(accountId, transaction)
      if (!current) throw new Problem('account_not_found', 'There is no such account.')
      const merged = { ...mergeChange(current, change, secrets), updated_at: now() }
      const changed = changedFields(current, merged, change).filter(field => field !== 'updated_at')
      if (changed.length > 0) {
        await this.#refuseKnown(loginOf(merged), accountId, transaction)
        await store.update(transaction, merged)
        tell({ type: 'account_updated', data: { ...named(merged, merged.updated_at), changed } })
      }
      await also?.(transaction, tell)
      return changed.length > 0 ? merged : current
    })
  }

  /** For the plan's configuration, which speaks of the default account. */
  async updateDefaultServer(principal: Principal, choice: ServerChoice, trial: Trial, also: AlsoKept): Promise<void> {
    const row = await this.#findDefaultRow(principal)
    if (!row) throw new Problem('no_default_account', 'Connect a mailbox first: there is no account to configure.')
    const change = changeOfServer(row, choice)
    refuseMovedPassword(row, change, () => 'password')
    await this.update(principal, row.id, change, trial, also)
  }

  async delete(principal: Principal, accountId: string): Promise<void> {
    await this.#remove(await this.#getRow(accountId, principal))
  }

  /**
   * The sandbox's server has started. Its account of an earlier run is connected to it, with its id and the rights of those
   * who may see it; after it was deleted, a new one is made.
   * @param input `enabled` false leaves one that was disabled as it is.
   */
  async openSandbox(input: AccountInput): Promise<Account> {
    const { imap, smtp = null, enabled } = input
    const known = (await this.#options.store.list()).find(row => row.is_sandbox === 1)
    this.#isSandboxRunning = true
    try {
      if (!known) return await this.add({ ...input, enabled: true }, { isSandbox: true })
      const kept = await this.#keepChange(known.id, { imap, smtp, ...(enabled ? { enabled } : {}) })
      return this.#view(kept, kept.is_default ? kept : undefined)
    } catch (error) {
      this.#isSandboxRunning = false
      throw error
    }
  }

  /** Its server has ended: the account stays, and is connected no more. */
  closeSandbox(): void {
    this.#isSandboxRunning = false
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
    if (this.#isParked(row)) throw sandboxStopped()
    const { verifier, timeoutMs } = this.#options
    const logins = { imap: this.#logins.of(row, 'imap')!, smtp: this.#logins.of(row, 'smtp') }
    const result = await testServers(verifier, logins, timeoutMs(), accountId)
    if (result.imap.ok && row.enabled) this.reconnect(accountId)
    return result
  }

  /** Ends the connections of an account and makes new ones. */
  reconnect(accountId: string): void {
    for (const listener of this.#reconnectListeners) listener(accountId)
  }

  /** Hears when an account should be connected again at once. Returns how to stop. */
  onReconnect(listener: ReconnectListener): () => void {
    this.#reconnectListeners.add(listener)
    return () => this.#reconnectListeners.delete(listener)
  }

  async listIds(): Promise<ReadonlySet<string>> {
    return new Set(await this.#options.store.listIds())
  }

  async listEnabled(): Promise<EnabledAccount[]> {
    const rows = await this.#options.store.list()
    return rows.filter(row => this.#isOn(row)).map(toEnabled)
  }

  /** As it was chosen, and null for the default; undefined when there is no such account. */
  async findIndexLevel(accountId: string): Promise<IndexLevel | null | undefined> {
    return (await this.#options.store.find(accountId))?.index_level
  }

  /** Where it sends, without the login; null where it does not. For work that no caller waits for. */
  async smtpServer(accountId: string): Promise<MailServer | null> {
    return toAccount(await this.#getRow(accountId), true, this.#options.health.get(accountId, true)).smtp
  }

  /** For work that no caller waits for. */
  async emailOf(accountId: string): Promise<string> {
    return (await this.#getRow(accountId)).email
  }

  /**
   * With the password or access token in the clear: only for those who connect with it at once.
   * @param rejected The access token that the server has just rejected.
   */
  async login(accountId: string, rejected?: string): Promise<MailLogin> {
    return this.#openLogin(accountId, 'imap', rejected)
  }

  /** The same for its SMTP server. @throws Problem where it has none. */
  async smtpLogin(accountId: string, rejected?: string): Promise<MailLogin> {
    return this.#openLogin(accountId, 'smtp', rejected)
  }

  async #openLogin(accountId: string, part: Part, rejected: string | undefined): Promise<MailLogin> {
    const row = await this.#getRow(accountId)
    if (this.#isParked(row)) throw sandboxStopped()
    const what = part === 'imap' ? 'read' : 'send'
    if (!row.enabled) throw new Problem('account_disabled', `This account is disabled; enable it to ${what} its mail.`)
    const source = this.#logins.of(row, part)
    if (!source) throw new Problem('account_cannot_send', 'This account has no SMTP server; add one to send mail.')
    return source(rejected)
  }

  /**
   * Somebody signed in for this account at its provider: its servers are tried with the new access token, then it logs in by the grant.
   * Nothing is kept when a server rejects that login, as it does where somebody else signed in.
   */
  async signInAgain(principal: Principal, accountId: string, again: NewAccess): Promise<void> {
    await takeGrant(this.#options, await this.#getRow(accountId, principal), again)
  }

  /** Of both servers, also where the account is disabled: only to find out what is wrong with them. */
  async servers(
    principal: Principal,
    accountId: string,
  ): Promise<{ imap: KnownServer; smtp: KnownServer | undefined }> {
    const row = await this.#getRow(accountId, principal)
    if (this.#isParked(row)) throw sandboxStopped()
    return { imap: this.#logins.known(row, 'imap')!, smtp: this.#logins.known(row, 'smtp') }
  }

  /** States of all accounts; the caller tells each principal of theirs. */
  async listHealth(): Promise<{ id: string; enabled: boolean; state: Account['state'] }[]> {
    const rows = await this.#options.store.list()
    return rows.map(row => {
      const enabled = this.#isOn(row)
      return { id: row.id, enabled, state: this.#options.health.get(row.id, enabled).state }
    })
  }

  #isOn(row: AccountRow): boolean {
    return row.enabled === 1 && !this.#isParked(row)
  }

  /** The sandbox's account while its server does not run: it is kept, but there is nothing to connect to. */
  #isParked(row: AccountRow): boolean {
    return row.is_sandbox === 1 && !this.#isSandboxRunning
  }

  async #remove({ id }: AccountRow): Promise<void> {
    const { hub, store, grants } = this.#options
    const revoke = await hub.transact(async (transaction, tell) => {
      const row = await store.find(id, transaction)
      if (!row) return undefined
      const release = row.grant_id === null ? undefined : await grants.release(transaction, row.grant_id)
      await store.delete(transaction, id)
      tell({ type: 'account_removed', data: named(row, now()) })
      return release
    })
    revoke?.()
  }

  async #try(part: Part, source: LoginSource, trial: Trial, accountId?: string): Promise<void> {
    await tryServer(this.#options.verifier, part, source, trial.timeoutMs ?? this.#options.timeoutMs(), accountId)
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
    throw new Problem('account_exists', `${login.user} on ${login.host}:${login.port} is already connected.`)
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
    const isOn = this.#isOn(row)
    const account = toAccount(row, isOn, this.#options.health.get(row.id, isOn))
    return { ...account, is_default: account.id === standIn?.id }
  }
}

function now(): string {
  return new Date().toISOString()
}
