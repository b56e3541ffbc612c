/** Capabilities and limits of an account's mail servers, as shown to callers. */
import { type AccountServers, imapOffers, type MailboxQuota, smtpOffers } from '../../contract/account-server.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { QuotaFigures } from '../imap/gateway-capabilities.ts'
import type { Principal } from '../platform/principal.ts'
import { percentOf } from './quota-looks.ts'
import type { ServerBook } from './server-book.ts'
import type { ServerRow } from './server-store.ts'

export class ServerService {
  readonly #book: Pick<ServerBook, 'find'>
  readonly #accounts: Pick<AccountService, 'get'>

  constructor(book: Pick<ServerBook, 'find'>, accounts: Pick<AccountService, 'get'>) {
    this.#book = book
    this.#accounts = accounts
  }

  /** @throws Problem `account_not_found`, also for accounts hidden from the principal. */
  async get(principal: Principal, accountId: string): Promise<AccountServers> {
    const account = await this.#accounts.get(principal, accountId)
    const row = this.#book.find(account.id)
    if (!row) return { imap: null, smtp: null, quota: null }
    return { imap: imapOf(row), smtp: account.smtp === null ? null : smtpOf(row), quota: quotaOf(row) }
  }

  /**
   * Maximum bytes of a message that the SMTP server accepts; undefined where it announces none or was not asked yet.
   */
  sizeLimitOf(accountId: string): number | undefined {
    return sizeOf(this.#book.find(accountId)?.smtp_offers ?? null)
  }
}

function imapOf(row: ServerRow): AccountServers['imap'] {
  if (row.imap_offers === null || row.imap_at === null) return null
  const words = JSON.parse(row.imap_offers) as string[]
  const limit = words.find(word => word.startsWith('APPENDLIMIT='))?.slice('APPENDLIMIT='.length)
  return {
    capabilities: offered(imapOffers, new Set(words)),
    append_limit_bytes: positive(limit) ?? null,
    connection_limit:
      row.connection_limit === null || row.limit_at === null
        ? null
        : { connections: row.connection_limit, at: row.limit_at },
    at: row.imap_at,
  }
}

function smtpOf(row: ServerRow): AccountServers['smtp'] {
  if (row.smtp_offers === null || row.smtp_at === null) return null
  const lines = JSON.parse(row.smtp_offers) as string[]
  const names = new Set(lines.map(line => line.split(' ')[0]!))
  return {
    capabilities: offered(smtpOffers, names),
    size_limit_bytes: sizeOf(row.smtp_offers) ?? null,
    at: row.smtp_at,
  }
}

function sizeOf(offers: string | null): number | undefined {
  if (offers === null) return undefined
  const line = (JSON.parse(offers) as string[]).find(each => each.startsWith('SIZE '))
  return positive(line?.slice('SIZE '.length))
}

function quotaOf(row: ServerRow): MailboxQuota | null {
  if (row.quota === null || row.quota_at === null) return null
  const quota = JSON.parse(row.quota) as QuotaFigures
  return {
    level: row.quota_level,
    used_bytes: quota.bytes?.used ?? null,
    limit_bytes: quota.bytes?.limit ?? null,
    used_messages: quota.messages?.used ?? null,
    limit_messages: quota.messages?.limit ?? null,
    percent: percentOf(quota) ?? null,
    at: row.quota_at,
  }
}

function offered<Name extends string>(
  known: Record<Name, readonly string[]>,
  words: ReadonlySet<string>,
): Record<Name, boolean> {
  const entries = Object.entries<readonly string[]>(known)
  const isOffered = (names: readonly string[]) =>
    names.some(name => words.has(name) || (name === 'QUOTA' && [...words].some(word => word.startsWith('QUOTA=RES-'))))
  return Object.fromEntries(entries.map(([name, names]) => [name, isOffered(names)])) as Record<Name, boolean>
}

/** 0 means no fixed limit (RFC 1870, section 3). */
function positive(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d{1,15}$/.test(digits) && Number(digits) > 0 ? Number(digits) : undefined
}
