/** The mail accounts as callers see them, and how to log in to them. */
import type { Account, IndexLevel, MailServer } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AccountGrants } from './account-grants.ts'
import { defaultOf, type EnabledAccount, type LoginName, type Part, toAccount, toEnabled } from './account-row.ts'
import { sandboxStopped } from './account-rules.ts'
import type { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'
import type { AccountVerifier } from './account-verifier.ts'
import type { HealthRegistry } from './health-registry.ts'
import { LoginSources } from './login-sources.ts'
import type { KnownServer, MailLogin } from './mail-login.ts'

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

export class AccountReader {
  protected readonly options: AccountServiceOptions
  protected readonly logins: LoginSources
  protected isSandboxRunning = false

  constructor(options: AccountServiceOptions) {
    this.options = options
    this.logins = new LoginSources(options)
  }

  async list(principal: Principal): Promise<Account[]> {
    const rows = await this.#seenBy(principal)
    const standIn = defaultOf(rows)
    return rows.map(row => this.view(row, standIn))
  }

  async get(principal: Principal, accountId: string): Promise<Account> {
    return this.tell(principal, await this.getRow(accountId, principal))
  }

  /**
   * Callers that may not see it get the oldest account that they may see: it would be the default one, were theirs the
   * only ones.
   */
  async findDefault(principal: Principal): Promise<Account | undefined> {
    const row = await this.findDefaultRow(principal)
    return row && this.view(row, row)
  }

  async listIds(): Promise<ReadonlySet<string>> {
    return new Set(await this.options.store.listIds())
  }

  async isKnown(login: LoginName): Promise<boolean> {
    return (await this.options.store.findLogin(login)) !== undefined
  }

  async hasSandbox(): Promise<boolean> {
    return (await this.options.store.list()).some(row => row.is_sandbox === 1)
  }

  async listEnabled(): Promise<EnabledAccount[]> {
    const rows = await this.options.store.list()
    return rows.filter(row => this.isOn(row)).map(toEnabled)
  }

  /** As it was chosen, and null for the default; undefined when there is no such account. */
  async findIndexLevel(accountId: string): Promise<IndexLevel | null | undefined> {
    return (await this.options.store.find(accountId))?.index_level
  }

  /** States of all accounts; the caller tells each principal of theirs. */
  async listHealth(): Promise<{ id: string; enabled: boolean; state: Account['state'] }[]> {
    const rows = await this.options.store.list()
    return rows.map(row => {
      const enabled = this.isOn(row)
      return { id: row.id, enabled, state: this.options.health.get(row.id, enabled).state }
    })
  }

  /** For work that no caller waits for. */
  async emailOf(accountId: string): Promise<string> {
    return (await this.getRow(accountId)).email
  }

  /** Where it sends, without the login; null where it does not. For work that no caller waits for. */
  async smtpServer(accountId: string): Promise<MailServer | null> {
    return toAccount(await this.getRow(accountId), true, this.options.health.get(accountId, true)).smtp
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
    const row = await this.getRow(accountId)
    if (this.isParked(row)) throw sandboxStopped()
    const what = part === 'imap' ? 'read' : 'send'
    if (!row.enabled) throw new Problem('account_disabled', `This account is disabled; enable it to ${what} its mail.`)
    const source = this.logins.of(row, part)
    if (!source) throw new Problem('account_cannot_send', 'This account has no SMTP server; add one to send mail.')
    return source(rejected)
  }

  /** Of both servers, also where the account is disabled: only to find out what is wrong with them. */
  async servers(
    principal: Principal,
    accountId: string,
  ): Promise<{ imap: KnownServer; smtp: KnownServer | undefined }> {
    const row = await this.getRow(accountId, principal)
    if (this.isParked(row)) throw sandboxStopped()
    return { imap: this.logins.known(row, 'imap')!, smtp: this.logins.known(row, 'smtp') }
  }

  protected isOn(row: AccountRow): boolean {
    return row.enabled === 1 && !this.isParked(row)
  }

  /** The sandbox's account while its server does not run: it is kept, but there is nothing to connect to. */
  protected isParked(row: AccountRow): boolean {
    return row.is_sandbox === 1 && !this.isSandboxRunning
  }

  protected async getRow(accountId: string, principal?: Principal): Promise<AccountRow> {
    const row = await this.options.store.find(accountId)
    if (!row || (principal && !maySeeAccount(principal, accountId))) {
      throw new Problem('account_not_found', 'There is no such account.')
    }
    return row
  }

  /** Oldest first. */
  async #seenBy(principal: Principal): Promise<AccountRow[]> {
    return (await this.options.store.list()).filter(({ id }) => maySeeAccount(principal, id))
  }

  protected async findDefaultRow(principal: Principal): Promise<AccountRow | undefined> {
    const row = await this.options.store.findDefault()
    return row && maySeeAccount(principal, row.id) ? row : defaultOf(await this.#seenBy(principal))
  }

  /** As the principal sees it. */
  protected async tell(principal: Principal, row: AccountRow): Promise<Account> {
    return this.view(row, row.is_default ? row : await this.findDefaultRow(principal))
  }

  protected view(row: AccountRow, standIn: AccountRow | undefined): Account {
    const isOn = this.isOn(row)
    const account = toAccount(row, isOn, this.options.health.get(row.id, isOn))
    return { ...account, is_default: account.id === standIn?.id }
  }
}
