/**
 * Checks whether sender, account and policy still permit a message, at approval and at sending; read from the database,
 * whichever process wrote it.
 */
import type { FreezeService } from '../freezes/freeze-service.ts'
import type { SubmissionRow } from '../outbox/submission-tables.ts'
import type { Database } from '../platform/database/database.ts'
import type { PolicyService } from '../policies/policy-service.ts'
import type { ReadPolicy } from '../policies/stored-policy.ts'

/** The current state of an account. */
export interface SendingAccount {
  /** The same only for the same logins and addresses. */
  version: string
  /** Whether it is the account's address, or one of its owner's further ones. */
  owns(email: string): Promise<boolean>
}

export interface SenderStateOptions {
  freezes: Pick<FreezeService, 'readHeld'>
  policies: Pick<PolicyService, 'read'>
  /**
   * Whether the sender may still send: while a message waits, a token may be revoked or narrowed, or a user disabled.
   */
  mayStillSend(sender: Sender, db?: Database): Promise<boolean>
  /** Undefined if the account no longer exists. */
  accountOf(accountId: string, db?: Database): Promise<SendingAccount | undefined>
}

export type Sender = Pick<SubmissionRow, 'principal_kind' | 'principal_id' | 'user_id' | 'account_id'>
export type SentBy = Sender & Pick<SubmissionRow, 'from_email' | 'envelope_from'>

/** Why a message may not be sent as it is; when it is due, its submission ends with this error. */
export interface Refusal {
  code: 'sender_not_allowed' | 'sender_changed'
  why: string
}

/** Reads each thing once; to be used for one transaction. */
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

  /** Returns why the sender may no longer send, or no longer from this address; undefined if it may. */
  async refusal(row: SentBy): Promise<Refusal | undefined> {
    const { account_id: accountId, principal_kind: kind, principal_id: id, user_id: userId } = row
    const { mayStillSend } = this.#options
    const isAllowed = this.#once(`sender ${JSON.stringify([kind, id, userId, accountId])}`, () =>
      mayStillSend(row, this.#db),
    )
    if (!(await isAllowed)) {
      const why = 'Its sender may no longer send it: the token or user is no longer valid, or has fewer rights now.'
      return { code: 'sender_not_allowed', why }
    }
    const account = await this.account(accountId)
    if (account && (await account.owns(row.from_email)) && (await account.owns(row.envelope_from))) return undefined
    const why = `It is from ${row.from_email}, which is no longer an address of the account.`
    return { code: 'sender_changed', why }
  }

  account(accountId: string): Promise<SendingAccount | undefined> {
    return this.#once(`account ${accountId}`, () => this.#options.accountOf(accountId, this.#db))
  }

  /** Returns the sender's policy; undefined for people. */
  policy({ principal_kind: kind, principal_id: id }: Sender): Promise<ReadPolicy | undefined> {
    return this.#once(`policy ${kind} ${id}`, () => this.#options.policies.read({ kind, id }, this.#db))
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = (this.#known.get(key) as Promise<T> | undefined) ?? read()
    this.#known.set(key, known)
    return known
  }
}
