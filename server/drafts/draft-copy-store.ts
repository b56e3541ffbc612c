/** Copies of drafts in mailboxes, in the database: the wanted state, the known state, and copies that may exist. */
import type { Database } from '../platform/database/database.ts'
import type { DraftCopyRow } from './draft-tables.ts'

export class DraftCopyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Sets the wanted copy, in the transaction of the change. @param rev Null to remove the copy. */
  async want(
    transaction: Database,
    { draftId, accountId, rev, dueAt }: { draftId: string; accountId: string; rev: number | null; dueAt: string },
  ): Promise<void> {
    const wanted = { state: 'waiting', wanted_rev: rev, why: null, attempts: 0, due_at: dueAt } as const
    const nothing = { saved_rev: null, path: null, uid_validity: null, uid: null, message_ids: '[]' }
    await transaction
      .insertInto('draft_copies')
      .values({ draft_id: draftId, account_id: accountId, ...nothing, ...wanted })
      .onConflict(conflict => conflict.column('draft_id').doUpdateSet(wanted))
      .execute()
  }

  /** Cancels a waiting copy, since a revision that is only proposed is not copied; an earlier copy stays as it is. */
  async leave(transaction: Database, draftId: string): Promise<void> {
    const waiting = () =>
      transaction.updateTable('draft_copies').where('draft_id', '=', draftId).where('state', '=', 'waiting')
    await waiting()
      .where('saved_rev', 'is not', null)
      .set(({ ref }) => ({ state: 'saved', wanted_rev: ref('saved_rev') }))
      .execute()
    await waiting().set({ state: 'none', why: 'A later revision waits for a human to apply it.' }).execute()
  }

  /** Returns whether a copy in the mailbox exists, may exist or was wanted. */
  async isKnown(transaction: Database, draftId: string): Promise<boolean> {
    const row = await transaction
      .selectFrom('draft_copies')
      .select('draft_id')
      .where('draft_id', '=', draftId)
      .executeTakeFirst()
    return row !== undefined
  }

  async find(draftIds: readonly string[]): Promise<DraftCopyRow[]> {
    if (draftIds.length === 0) return []
    return this.#db.selectFrom('draft_copies').selectAll().where('draft_id', 'in', draftIds).execute()
  }

  /** Lists due copies, the earliest first. */
  async due(now: string, limit: number): Promise<DraftCopyRow[]> {
    return this.#db
      .selectFrom('draft_copies')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('due_at', '<=', now)
      .orderBy('due_at')
      .limit(limit)
      .execute()
  }

  async nextDue(): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('draft_copies')
      .select('due_at')
      .where('state', '=', 'waiting')
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst()
    return row?.due_at
  }

  /** Records what is known of the mailbox, whatever is wanted by now. */
  async note(transaction: Database, draftId: string, values: Partial<DraftCopyRow>): Promise<void> {
    await transaction.updateTable('draft_copies').set(values).where('draft_id', '=', draftId).execute()
  }

  /** Updates a copy only while the same revision is still wanted. */
  async settle(
    transaction: Database,
    { draft_id, wanted_rev }: Pick<DraftCopyRow, 'draft_id' | 'wanted_rev'>,
    values: Partial<DraftCopyRow>,
  ): Promise<void> {
    await transaction
      .updateTable('draft_copies')
      .set(values)
      .where('draft_id', '=', draft_id)
      .where('wanted_rev', wanted_rev === null ? 'is' : '=', wanted_rev)
      .execute()
  }

  async forget(transaction: Database, draftId: string): Promise<void> {
    await transaction
      .deleteFrom('draft_copies')
      .where('draft_id', '=', draftId)
      .where('wanted_rev', 'is', null)
      .execute()
  }
}
