/** Drafts, attachments and composed messages in the database. Changes of several rows take the caller's transaction. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { DraftAttachmentRow, DraftKeyRow, DraftRow } from './draft-tables.ts'

export interface DraftListQuery {
  accountId: string
  /** Only drafts of this writer; undefined for all. */
  principalId: string | undefined
  before: { updatedAt: string; id: string } | undefined
  limit: number
  /** Upper bound for the content of the whole page. */
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

  /** Returns who wrote the drafts, and their taint. */
  async origins(ids: readonly string[]): Promise<Pick<DraftRow, 'id' | 'principal_id' | 'taint_ms'>[]> {
    if (ids.length === 0) return []
    return this.#db.selectFrom('drafts').select(['id', 'principal_id', 'taint_ms']).where('id', 'in', ids).execute()
  }

  /** Lists drafts, latest change first, until `characters` are used up; at least one. */
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

  /** Counts the drafts of an account that are neither sent nor discarded. */
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

  /** Updates a draft that is still open and at this revision. @returns False if another writer was faster. */
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

  /** @param from States that it may have now. @param rev The revision that it must have, if given. */
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

  /** Lists the attachments of several drafts, in order. */
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

  /** Returns the composed message of this revision, as JSON. */
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

  /** Deletes the composed messages of a draft. @returns The blobs that held them. */
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

  /** Deletes up to 100 drafts that were sent before a time. @returns Their ids. */
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
