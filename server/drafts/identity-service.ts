/**
 * The identity of an account: sender names, signature, its owner's addresses, and copies of sent mail. People change
 * it, programs do not.
 */

import type { DraftBody, SentCopyChoice, Signature, SignatureInput } from '../../contract/draft.ts'
import type { Address } from '../../contract/mail.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { checkSeen } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { keyOf, readRecipients } from './draft-recipients.ts'
import type { SignatureRow } from './draft-tables.ts'
import { headerName } from './header-forms.ts'
import type { IdentityStore } from './identity-store.ts'

export interface Identity {
  /** Addresses that may be sent from, each with its name; the account's own address first. */
  senders: readonly Address[]
  /** The one of them that new messages are from. */
  sender: Address
  signature: DraftBody | null
  /** All addresses of the owner, including the account's own and its login. */
  own: readonly string[]
}

export interface SentChoice {
  copy: SentCopyChoice
  /** Undefined for the folder with the role `sent`. */
  folder: string | undefined
}

export class IdentityService {
  readonly #store: IdentityStore
  readonly #accounts: Pick<AccountService, 'get'>

  constructor(store: IdentityStore, accounts: Pick<AccountService, 'get'>) {
    this.#store = store
    this.#accounts = accounts
  }

  async identityOf(principal: Principal, accountId: string): Promise<Identity> {
    const { email, imap } = await this.#accounts.get(principal, accountId)
    const row = await this.#store.find(accountId)
    const fromName = row?.from_name ?? null
    const aliases = row ? aliasesOf(row) : []
    const logins = imap.user.includes('@') ? [imap.user] : []
    const signature = row && row.content.trim() !== '' ? { format: row.format, content: row.content } : null
    const senders = [{ email, name: fromName }, ...aliases.map(alias => ({ ...alias, name: alias.name ?? fromName }))]
    const sender = senderOf(senders, row?.default_from ?? null) ?? senders[0]!
    return { senders, sender, signature, own: [email, ...logins, ...aliases.map(alias => alias.email)] }
  }

  async get(principal: Principal, accountId: string): Promise<Signature> {
    await this.#check(principal, accountId)
    return signatureOf(await this.#store.find(accountId))
  }

  /** @throws Problem for programs: people decide what is appended to every message of an account. */
  async set(principal: Principal, accountId: string, input: SignatureInput): Promise<Signature> {
    const email = await this.#check(principal, accountId)
    if (principal.kind === 'token') {
      throw new Problem('session_needed', 'Sign in on the dashboard for this: API tokens may not change a signature.')
    }
    await this.#store.save(toSignatureRow(accountId, input, email))
    return this.get(principal, accountId)
  }

  /** Returns how sent messages are copied, for background work without a caller. */
  async sentChoiceOf(accountId: string): Promise<SentChoice> {
    const row = await this.#store.find(accountId)
    return { copy: row?.sent_copy ?? 'auto', folder: row?.sent_folder ?? undefined }
  }

  async #check(principal: Principal, accountId: string): Promise<string> {
    checkSeen(principal, accountId)
    return (await this.#accounts.get(principal, accountId)).email
  }
}

/** Returns the sender with this address; undefined if there is none. */
export function senderOf(senders: readonly Address[], email: string | null): Address | undefined {
  return email === null ? undefined : senders.find(sender => keyOf(sender.email) === keyOf(email))
}

export function aliasesOf({ aliases }: Pick<SignatureRow, 'aliases'>): Address[] {
  const stored = JSON.parse(aliases) as (string | Address)[]
  return stored.map(alias => (typeof alias === 'string' ? { email: alias, name: null } : alias))
}

export function signatureOf(row: SignatureRow | undefined): Signature {
  return {
    format: row?.format ?? 'markdown',
    content: row?.content ?? '',
    from_name: row?.from_name ?? null,
    aliases: row ? aliasesOf(row) : [],
    default_from: row?.default_from ?? null,
    sent_copy: row?.sent_copy ?? 'auto',
    sent_folder: row?.sent_folder ?? null,
    updated_at: row?.updated_at ?? null,
  }
}

/**
 * @param email The account's address. @throws Problem if an alias is invalid, or the default sender is none of the
 * addresses.
 */
export function toSignatureRow(accountId: string, input: SignatureInput, email: string): SignatureRow {
  const aliases = readRecipients(input.aliases, 'body.aliases').filter(alias => keyOf(alias.email) !== keyOf(email))
  const name = headerName(input.from_name ?? '')
  const wanted = input.default_from ?? null
  const isOwn = wanted !== null && keyOf(wanted) === keyOf(email)
  const chosen = isOwn ? undefined : senderOf(aliases, wanted)
  if (wanted !== null && !isOwn && !chosen) {
    const message = 'is none of the addresses of this account'
    throw new Problem('bad_request', `default_from ${message}.`, { errors: [{ path: 'body.default_from', message }] })
  }
  return {
    account_id: accountId,
    format: input.format,
    content: input.content,
    from_name: name === '' ? null : name,
    aliases: JSON.stringify(aliases),
    default_from: chosen?.email ?? null,
    sent_copy: input.sent_copy === 'auto' ? null : input.sent_copy,
    sent_folder: input.sent_folder ?? null,
    updated_at: new Date().toISOString(),
  }
}
