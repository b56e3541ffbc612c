/**
 * Proposals and their items in the database. An item is changed only while it waits, and with the hash that was
 * reviewed.
 */
import type { ProposalState } from '../../contract/proposal.ts'
import type { Database } from '../platform/database/database.ts'
import type { ProposalItemRow, ProposalRow } from './proposal-tables.ts'

export interface ProposalQuery {
  /** Account ids; undefined for all. */
  accounts: readonly string[] | undefined
  principalId: string | undefined
  state?: ProposalState | undefined
}

const idsAtOnce = 500

export class ProposalStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<ProposalRow | undefined> {
    return db.selectFrom('proposals').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** Locks a proposal and its items until the transaction ends. @returns Its current state. */
  async lock(transaction: Database, id: string): Promise<ProposalRow | undefined> {
    await transaction.updateTable('proposals').set({ id }).where('id', '=', id).execute()
    return this.find(id, transaction)
  }

  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('proposals').where('id', '=', id).execute()
  }

  /** Lists the items of several proposals, in order. */
  async items(proposalIds: readonly string[], db: Database = this.#db): Promise<ProposalItemRow[]> {
    if (proposalIds.length === 0) return []
    return db
      .selectFrom('proposal_items')
      .selectAll()
      .where('proposal_id', 'in', proposalIds)
      .orderBy('proposal_id')
      .orderBy('position')
      .orderBy('id')
      .execute()
  }

  /** Finds a caller's open proposal in an account, to which items can be added. */
  async findOpen(
    transaction: Database,
    principalId: string,
    accountId: string,
    at: string,
  ): Promise<ProposalRow | undefined> {
    return transaction
      .selectFrom('proposals')
      .selectAll()
      .where('principal_id', '=', principalId)
      .where('account_id', '=', accountId)
      .where('state', '=', 'open')
      .where('expires_at', '>', at)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
  }

  async countOpen(principalId: string, db: Database): Promise<number> {
    return this.count({ accounts: undefined, principalId, state: 'open' }, db)
  }

  async count({ accounts, principalId, state }: ProposalQuery, db: Database = this.#db): Promise<number> {
    let query = db.selectFrom('proposals').select(({ fn }) => fn.countAll<number>().as('count'))
    if (accounts) query = query.where('account_id', 'in', accounts.length > 0 ? accounts : [''])
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    if (state !== undefined) query = query.where('state', '=', state)
    return Number((await query.executeTakeFirstOrThrow()).count)
  }

  async insert(transaction: Database, row: ProposalRow): Promise<void> {
    await transaction.insertInto('proposals').values(row).execute()
  }

  async update(transaction: Database, id: string, values: Partial<ProposalRow>): Promise<void> {
    await transaction.updateTable('proposals').set(values).where('id', '=', id).execute()
  }

  /** Upserts an item; an existing one waits again. */
  async saveItem(transaction: Database, row: ProposalItemRow): Promise<void> {
    const { proposal_id: _proposal, id: _id, position: _position, ...values } = row
    await transaction
      .insertInto('proposal_items')
      .values(row)
      .onConflict(conflict => conflict.columns(['proposal_id', 'id']).doUpdateSet(values))
      .execute()
  }

  async findWaiting(itemId: string, db: Database = this.#db): Promise<ProposalItemRow | undefined> {
    return db
      .selectFrom('proposal_items')
      .selectAll()
      .where('id', '=', itemId)
      .where('state', '=', 'waiting')
      .executeTakeFirst()
  }

  async findTwin(
    transaction: Database,
    principalId: string,
    accountId: string,
    hash: string,
  ): Promise<string | undefined> {
    const row = await transaction
      .selectFrom('proposal_items')
      .innerJoin('proposals', 'proposals.id', 'proposal_items.proposal_id')
      .select('proposal_items.id')
      .where('proposals.principal_id', '=', principalId)
      .where('proposals.account_id', '=', accountId)
      .where('proposals.state', '=', 'open')
      .where('proposal_items.state', '=', 'waiting')
      .where('proposal_items.hash', '=', hash)
      .executeTakeFirst()
    return row?.id
  }

  /** @returns Whether the item was waiting, with this hash. */
  async changeItem(
    transaction: Database,
    { proposal_id, id, hash }: Pick<ProposalItemRow, 'proposal_id' | 'id' | 'hash'>,
    values: Partial<ProposalItemRow>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await transaction
      .updateTable('proposal_items')
      .set(values)
      .where('proposal_id', '=', proposal_id)
      .where('id', '=', id)
      .where('hash', '=', hash)
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  async removeWaiting(transaction: Database, itemId: string): Promise<void> {
    await transaction.deleteFrom('proposal_items').where('id', '=', itemId).where('state', '=', 'waiting').execute()
  }

  /** Lists open proposals, oldest first. */
  async listOpen(query: ProposalQuery, after: string | undefined, limit: number): Promise<ProposalRow[]> {
    let found = this.#seen(query).where('state', '=', 'open').orderBy('id').limit(limit)
    if (after !== undefined) found = found.where('id', '>', after)
    return found.execute()
  }

  /** Lists decided proposals, newest first. */
  async listDecided(query: ProposalQuery, before: string | undefined, limit: number): Promise<ProposalRow[]> {
    let found = this.#seen(query).where('state', '!=', 'open').orderBy('id', 'desc').limit(limit)
    if (query.state !== undefined) found = found.where('state', '=', query.state)
    if (before !== undefined) found = found.where('id', '<', before)
    return found.execute()
  }

  async newestId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom('proposals').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id
  }

  /** Deletes a batch of proposals that were decided before a time. @returns How many were deleted. */
  async deleteDecidedBefore(at: string): Promise<number> {
    const rows = await this.#db
      .selectFrom('proposals')
      .select('id')
      .where('state', '!=', 'open')
      .where('updated_at', '<', at)
      .limit(idsAtOnce)
      .execute()
    const ids = rows.map(({ id }) => id)
    if (ids.length > 0) await this.#db.deleteFrom('proposals').where('id', 'in', ids).execute()
    return ids.length
  }

  #seen({ accounts, principalId }: ProposalQuery) {
    let query = this.#db.selectFrom('proposals').selectAll()
    // No account has an empty id.
    if (accounts) query = query.where('account_id', 'in', accounts.length > 0 ? accounts : [''])
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    return query
  }
}
