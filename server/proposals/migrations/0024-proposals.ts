/** Adds proposals of tokens, and the proposal that an operation, a draft or an approval belongs to. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('proposals')
    // Rises with time.
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('principal_name', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .addColumn('expires_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('proposals_state').on('proposals').columns(['state', 'id']).execute()
  await db.schema
    .createTable('proposal_items')
    .addColumn('proposal_id', 'text', column => column.notNull().references('proposals.id').onDelete('cascade'))
    // The id of its operation, draft or submission; a draft may be proposed again after it was applied.
    .addColumn('id', 'text', column => column.notNull())
    .addColumn('position', 'integer', column => column.notNull())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('words', 'text', column => column.notNull())
    .addColumn('needs_first', 'text', column => column.notNull())
    .addColumn('messages', 'integer', column => column.notNull())
    .addColumn('deletions', 'integer', column => column.notNull())
    .addColumn('decided', 'text')
    .addColumn('why', 'text')
    .addColumn('at', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('proposal_items_key', ['proposal_id', 'id'])
    .execute()
  await db.schema.createIndex('proposal_items_item').on('proposal_items').columns(['id', 'state']).execute()
  for (const table of ['operations', 'drafts', 'approvals']) {
    await db.schema.alterTable(table).addColumn('proposal_id', 'text').execute()
  }
}
