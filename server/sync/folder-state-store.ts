/** Stores the position up to which each watched folder was read. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    folder_states: FolderStateRow
  }
}

/** The position in a folder: everything below `uid_next` was announced, or predates the account. */
interface FolderStateRow {
  account_id: string
  path: string
  /** Login and server that the position belongs to. */
  mailbox: string
  uid_validity: number
  uid_next: number
  updated_at: string
}

/** A position: everything below `uidNext` was announced, or predates the account. */
export interface FolderState {
  uidValidity: number
  uidNext: number
}

export interface WatchedFolder {
  accountId: string
  path: string
  /** Login and server. A position from another mailbox is meaningless for this one. */
  mailbox: string
}

export class FolderStateStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Undefined for a folder never opened in this mailbox. */
  async find({ accountId, path, mailbox }: WatchedFolder, db: Database = this.#db): Promise<FolderState | undefined> {
    const row = await db
      .selectFrom('folder_states')
      .select(['uid_validity', 'uid_next'])
      .where('account_id', '=', accountId)
      .where('path', '=', path)
      .where('mailbox', '=', mailbox)
      .executeTakeFirst()
    return row && { uidValidity: row.uid_validity, uidNext: row.uid_next }
  }

  /** Fails when the account does not exist: a deleted one leaves nothing behind. */
  async save(
    transaction: Database,
    { accountId, path, mailbox }: WatchedFolder,
    { uidValidity, uidNext }: FolderState,
  ): Promise<void> {
    const values = { mailbox, uid_validity: uidValidity, uid_next: uidNext, updated_at: new Date().toISOString() }
    await transaction
      .insertInto('folder_states')
      .values({ account_id: accountId, path, ...values })
      .onConflict(conflict => conflict.columns(['account_id', 'path']).doUpdateSet(values))
      .execute()
  }
}
