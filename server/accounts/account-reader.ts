/** Reads mail accounts in the form that callers see, and how to log in to them. */
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
  /** The timeout of a server in a trial, in ms. */
  timeoutMs: () => number
}

/** The owner of a mailbox, and its server. */
interface MailboxOwner {
  email: string
  imapHost: string
  /** Changes with the account; null while it is disabled. */
  revision: string | null
  /** Null for the server's default. */
  indexLevel: IndexLevel | null
  /** See `mailboxOf`. */
  mailbox: string
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
    return this.present(principal, await this.getRow(accountId, principal))
  }

  /** Returns what reading the mail of an account needs to know of it. */
  readonly ownerOf = async (principal: Principal, accountId: string): Promise<MailboxOwner> => {
    const row = await this.getRow(accountId, principal)
    const { email, imap_host: host, imap_port: port, imap_user: user, index_level: indexLevel } = row
    const revision = this.isOn(row) ? row.updated_at : null
    return { email, imapHost: host, revision, indexLevel, mailbox: mailboxOf({ host, port, user }) }
  }

  /**
   * Returns the default account; callers that may not see it get the oldest account that they may see, which would be
   * the default if theirs were the only ones.
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

  /** Returns the chosen level, null for the default; undefined if there is no such account. */
  async findIndexLevel(accountId: string): Promise<IndexLevel | null | undefined> {
    return (await this.options.store.find(accountId))?.index_level
  }

  /** Returns the states of all accounts; the caller filters them for each principal. */
  async listHealth(): Promise<{ id: string; enabled: boolean; state: Account['state'] }[]> {
    const rows = await this.options.store.list()
    return rows.map(row => {
      const enabled = this.isOn(row)
      return { id: row.id, enabled, state: this.options.health.get(row.id, enabled).state }
    })
  }

  /** Returns the address of an account, for background work without a principal. */
  async emailOf(accountId: string): Promise<string> {
    return (await this.getRow(accountId)).email
  }

  /** Returns where the account sends, without the login; null if it cannot. For background work without a principal. */
  async smtpServer(accountId: string): Promise<MailServer | null> {
    return toAccount(await this.getRow(accountId), true, this.options.health.get(accountId, true)).smtp
  }

  /**
   * Returns the login with the password or access token in the clear, only for callers that connect with it
   * immediately.
   * @param rejected The access token that the server has just rejected.
   */
  async login(accountId: string, rejected?: string): Promise<MailLogin> {
    return this.#openLogin(accountId, 'imap', rejected)
  }

  /** Returns the login of the SMTP server. @throws Problem if the account has none. */
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

  /** Returns both servers, also of a disabled account: for diagnosis only. */
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

  /**
   * True for the sandbox's account while its server is stopped: the account stays, but there is nothing to connect to.
   */
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

  /** Returns the accounts that the principal may see, oldest first. */
  async #seenBy(principal: Principal): Promise<AccountRow[]> {
    return (await this.options.store.list()).filter(({ id }) => maySeeAccount(principal, id))
  }

  protected async findDefaultRow(principal: Principal): Promise<AccountRow | undefined> {
    const row = await this.options.store.findDefault()
    return row && maySeeAccount(principal, row.id) ? row : defaultOf(await this.#seenBy(principal))
  }

  /** Returns the account as the principal sees it. */
  protected async present(principal: Principal, row: AccountRow): Promise<Account> {
    return this.view(row, row.is_default ? row : await this.findDefaultRow(principal))
  }

  protected view(row: AccountRow, standIn: AccountRow | undefined): Account {
    const isOn = this.isOn(row)
    const account = toAccount(row, isOn, this.options.health.get(row.id, isOn))
    return { ...account, is_default: account.id === standIn?.id }
  }
}

/** Returns the identity of a mailbox by login and server: a change of either means another mailbox. */
export function mailboxOf({ user, host, port }: LoginName): string {
  return `${user}@${host}:${port}`
}
