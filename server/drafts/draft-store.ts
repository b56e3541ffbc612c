/** Drafts, their attachments and what was composed of them, in the database. What changes several rows takes the transaction of its caller. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { DraftAttachmentRow, DraftKeyRow, DraftRow } from './draft-tables.ts'

export interface DraftListQuery {
  accountId: string
  /** Undefined for all. */
  principalId: string | undefined
  before: { updatedAt: string; id: string } | undefined
  limit: number
  /** Of all of them. */
  characters: number
}

export class DraftStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<DraftRow | undefined> {
    return db.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findAll(ids: readonly string[]): Promise<DraftRow[]> {
    if (ids.length === 0) return []
    return this.#db.selectFrom('drafts').selectAll().where('id', 'in', ids).execute()
  }

  /** Who wrote them, and whose words may be in them. */
  async origins(ids: readonly string[]): Promise<Pick<DraftRow, 'id' | 'principal_id' | 'taint_ms'>[]> {
    if (ids.length === 0) return []
    return this.#db.selectFrom('drafts').select(['id', 'principal_id', 'taint_ms']).where('id', 'in', ids).execute()
  }

  /** The latest change first, as long as what is written in them has room; at least one. */
  async list({ accountId, principalId, before, limit, characters }: DraftListQuery): Promise<DraftRow[]> {
    let query = this.#db
      .selectFrom('drafts')
      .select(['id', sql<number>`length(content)`.as('length')])
      .where('account_id', '=', accountId)
      .where('state', '!=', 'sent')
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    if (before) {
      query = query.where(({ or, and, eb }) =>
        or([
          eb('updated_at', '<', before.updatedAt),
          and([eb('updated_at', '=', before.updatedAt), eb('id', '<', before.id)]),
        ]),
      )
    }
    let left = characters
    const ids = (await query.execute())
      .filter(({ length }, index) => {
        left -= Number(length)
        return index === 0 || left >= 0
      })
      .map(({ id }) => id)
    if (ids.length === 0) return []
    return this.#db
      .selectFrom('drafts')
      .selectAll()
      .where('id', 'in', ids)
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .execute()
  }

  /** Of an account, that are neither sent nor discarded. */
  async count(accountId: string, db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('drafts')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('account_id', '=', accountId)
      .where('state', '!=', 'sent')
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async insert(transaction: Database, row: DraftRow): Promise<void> {
    await transaction.insertInto('drafts').values(row).execute()
  }

  /** Only while the draft is open and has this revision: of two writers one changes it. @returns Whether it did. */
  async update(
    transaction: Database,
    { id, rev }: Pick<DraftRow, 'id' | 'rev'>,
    values: Partial<DraftRow>,
    state: DraftRow['state'] = 'open',
  ): Promise<boolean> {
    const { numUpdatedRows } = await transaction
      .updateTable('drafts')
      .set(values)
      .where('id', '=', id)
      .where('rev', '=', rev)
      .where('state', '=', state)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  /** @param from It has one of these states. @param rev And this revision, where one is named. */
  async setState(
    transaction: Database,
    id: string,
    from: readonly DraftRow['state'][],
    values: Pick<DraftRow, 'state' | 'submission_id'>,
    rev?: number,
  ): Promise<boolean> {
    let query = transaction.updateTable('drafts').set(values).where('id', '=', id).where('state', 'in', from)
    if (rev !== undefined) query = query.where('rev', '=', rev)
    const { numUpdatedRows } = await query.executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  async delete(transaction: Database, { id, rev }: Pick<DraftRow, 'id' | 'rev'>): Promise<boolean> {
    const { numDeletedRows } = await transaction
      .deleteFrom('drafts')
      .where('id', '=', id)
      .where('rev', '=', rev)
      .where('state', '!=', 'submitted')
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  /** In their order, of several drafts at once. */
  async attachments(draftIds: readonly string[], db: Database = this.#db): Promise<DraftAttachmentRow[]> {
    if (draftIds.length === 0) return []
    return db
      .selectFrom('draft_attachments')
      .selectAll()
      .where('draft_id', 'in', draftIds)
      .orderBy('draft_id')
      .orderBy('position')
      .execute()
  }

  async addAttachment(transaction: Database, row: DraftAttachmentRow): Promise<void> {
    await transaction.insertInto('draft_attachments').values(row).execute()
  }

  async removeAttachment(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('draft_attachments').where('id', '=', id).execute()
  }

  /** JSON of what was composed of this revision. */
  async composed(draftId: string, rev: number, db: Database = this.#db): Promise<string | undefined> {
    const row = await db
      .selectFrom('draft_messages')
      .select('composed')
      .where('draft_id', '=', draftId)
      .where('rev', '=', rev)
      .executeTakeFirst()
    return row?.composed
  }

  async keepComposed(
    transaction: Database,
    { draftId, rev, blobId, composed }: { draftId: string; rev: number; blobId: string; composed: string },
  ): Promise<void> {
    await transaction
      .insertInto('draft_messages')
      .values({ draft_id: draftId, rev, blob_id: blobId, composed })
      .execute()
  }

  /** @returns The blobs that held them. */
  async forgetComposed(transaction: Database, draftId: string): Promise<string[]> {
    const rows = await transaction
      .deleteFrom('draft_messages')
      .where('draft_id', '=', draftId)
      .returning('blob_id')
      .execute()
    return rows.map(({ blob_id }) => blob_id)
  }

  async findKey(principalId: string, key: string, db: Database = this.#db): Promise<DraftKeyRow | undefined> {
    return db
      .selectFrom('draft_keys')
      .selectAll()
      .where('principal_id', '=', principalId)
      .where('key', '=', key)
      .executeTakeFirst()
  }

  async keepKey(transaction: Database, row: DraftKeyRow): Promise<void> {
    const { principal_id, key, ...values } = row
    await transaction
      .insertInto('draft_keys')
      .values(row)
      .onConflict(conflict => conflict.columns(['principal_id', 'key']).doUpdateSet(values))
      .execute()
  }

  async deleteKeysBefore(at: string): Promise<void> {
    await this.#db.deleteFrom('draft_keys').where('at', '<', at).execute()
  }

  /** At most 100 that were sent so long ago, with what they use. */
  async deleteSentBefore(transaction: Database, at: string): Promise<string[]> {
    const old = transaction
      .selectFrom('drafts')
      .select('id')
      .where('state', '=', 'sent')
      .where('updated_at', '<', at)
      .limit(100)
    const rows = await transaction.deleteFrom('drafts').where('id', 'in', old).returning('id').execute()
    return rows.map(({ id }) => id)
  }
}
