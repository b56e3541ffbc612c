/** How an account signs: its name in From, its signature, and further addresses of its owner, to which no reply goes. People set it, programs do not. */
import type { DraftBody, Signature, SignatureInput } from '../../contract/draft.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { readRecipients } from './draft-recipients.ts'
import type { SignatureRow } from './draft-tables.ts'
import { headerName } from './header-forms.ts'
import type { IdentityStore } from './identity-store.ts'

export interface Identity {
  email: string
  fromName: string | null
  signature: DraftBody | null
  /** Addresses of the owner, that of the account among them. */
  own: readonly string[]
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
    const aliases = row ? (JSON.parse(row.aliases) as string[]) : []
    const logins = imap.user.includes('@') ? [imap.user] : []
    const signature = row && row.content.trim() !== '' ? { format: row.format, content: row.content } : null
    return { email, fromName: row?.from_name ?? null, signature, own: [email, ...logins, ...aliases] }
  }

  async get(principal: Principal, accountId: string): Promise<Signature> {
    await this.#check(principal, accountId)
    const row = await this.#store.find(accountId)
    if (!row) return { format: 'markdown', content: '', from_name: null, aliases: [], updated_at: null }
    return signatureOf(row)
  }

  /** @throws Problem for programs: what stands below each message of an account is for people to say. */
  async set(principal: Principal, accountId: string, input: SignatureInput): Promise<Signature> {
    await this.#check(principal, accountId)
    if (principal.kind === 'token') {
      throw new Problem('session_needed', 'Sign in on the dashboard for this: API tokens may not change a signature.')
    }
    await this.#store.save(toSignatureRow(accountId, input))
    return this.get(principal, accountId)
  }

  async #check(principal: Principal, accountId: string): Promise<void> {
    if (!maySeeAccount(principal, accountId)) throw new Problem('account_not_found', 'There is no such account.')
    await this.#accounts.get(principal, accountId)
  }
}

export function signatureOf({ format, content, from_name, aliases, updated_at }: SignatureRow): Signature {
  return { format, content, from_name, aliases: JSON.parse(aliases) as string[], updated_at }
}

/** @throws Problem where an alias is no address. */
export function toSignatureRow(accountId: string, input: SignatureInput): SignatureRow {
  const aliases = readRecipients(input.aliases, 'body.aliases').map(({ email }) => email)
  const name = headerName(input.from_name ?? '')
  return {
    account_id: accountId,
    format: input.format,
    content: input.content,
    from_name: name === '' ? null : name,
    aliases: JSON.stringify(aliases),
    updated_at: new Date().toISOString(),
  }
}
