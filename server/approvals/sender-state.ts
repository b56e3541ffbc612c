/**
 * Whether a message may be sent as far as its sender, its account and its policy are concerned: read from the database, whichever process wrote
 * it, when it is approved and when it leaves.
 */
import type { FreezeService } from '../freezes/freeze-service.ts'
import type { SubmissionRow } from '../outbox/submission-tables.ts'
import type { Database } from '../platform/database/database.ts'
import type { PolicyService } from '../policies/policy-service.ts'
import type { ReadPolicy } from '../policies/stored-policy.ts'

/** An account as it is now. */
export interface SendingAccount {
  /** Equal only for the same logins and addresses. */
  version: string
  /** Whether it is its address, or a further one of its owner. */
  owns(email: string): Promise<boolean>
}

export interface SenderStateOptions {
  freezes: Pick<FreezeService, 'readHeld'>
  policies: Pick<PolicyService, 'read'>
  /** Whether who asks may still send: a token may be revoked or narrowed, a user disabled, while its message waits. */
  mayStillSend(sender: Sender, db?: Database): Promise<boolean>
  /** Undefined when it is gone. */
  accountOf(accountId: string, db?: Database): Promise<SendingAccount | undefined>
}

export type Sender = Pick<SubmissionRow, 'principal_kind' | 'principal_id' | 'user_id' | 'account_id'>
export type SentBy = Sender & Pick<SubmissionRow, 'from_email' | 'envelope_from'>

/** Why it may not leave by itself: it ends with this. */
export interface Refusal {
  code: 'sender_not_allowed' | 'sender_changed'
  why: string
}

/** Of one transaction: each thing is read once. */
export class SenderState {
  readonly #options: SenderStateOptions
  readonly #db: Database | undefined
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(options: SenderStateOptions, db?: Database) {
    this.#options = options
    this.#db = db
  }

  async isFrozen({ principal_kind: kind, principal_id: id, account_id: accountId }: Sender): Promise<boolean> {
    const isHeld = await this.#once('freezes', () => this.#options.freezes.readHeld(this.#db))
    return isHeld({ kind, id }, accountId)
  }

  /** For good, or until somebody changes the sender or its account. */
  async refusal(row: SentBy): Promise<Refusal | undefined> {
    const { account_id: accountId, principal_kind: kind, principal_id: id, user_id: userId } = row
    const { mayStillSend } = this.#options
    const isAllowed = this.#once(`sender ${JSON.stringify([kind, id, userId, accountId])}`, () =>
      mayStillSend(row, this.#db),
    )
    if (!(await isAllowed)) {
      const why = 'Its sender may not send it any more: the token or user has ended, or has fewer rights now.'
      return { code: 'sender_not_allowed', why }
    }
    const account = await this.account(accountId)
    if (account && (await account.owns(row.from_email)) && (await account.owns(row.envelope_from))) return undefined
    const why = `It says that it is from ${row.from_email}, which is no address of the account any more.`
    return { code: 'sender_changed', why }
  }

  account(accountId: string): Promise<SendingAccount | undefined> {
    return this.#once(`account ${accountId}`, () => this.#options.accountOf(accountId, this.#db))
  }

  /** Undefined for people. */
  policy({ principal_kind: kind, principal_id: id }: Sender): Promise<ReadPolicy | undefined> {
    return this.#once(`policy ${kind} ${id}`, () => this.#options.policies.read({ kind, id }, this.#db))
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = (this.#known.get(key) as Promise<T> | undefined) ?? read()
    this.#known.set(key, known)
    return known
  }
}
