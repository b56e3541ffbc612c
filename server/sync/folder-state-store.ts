/** How far each watched folder has been read, in the database. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    folder_states: FolderStateRow
  }
}

/** How far a folder has been read: everything below `uid_next` is announced, or was there before. */
interface FolderStateRow {
  account_id: string
  path: string
  /** Login and server that the position belongs to. */
  mailbox: string
  uid_validity: number
  uid_next: number
  updated_at: string
}

/** Everything below `uidNext` has been announced, or was there before. */
export interface FolderState {
  uidValidity: number
  uidNext: number
}

export interface WatchedFolder {
  accountId: string
  path: string
  /** Login and server. A position that was taken in another mailbox says nothing about this one. */
  mailbox: string
}

export class FolderStateStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Undefined for a folder that has never been opened in this mailbox. */
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

  /** Fails when there is no such account: a deleted one leaves nothing behind. */
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
