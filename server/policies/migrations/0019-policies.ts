/** Adds policies of tokens, the use of their rates, and when a token last read a stranger's mail. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('token_policies')
    .addColumn('token_id', 'text', column => column.primaryKey().references('api_tokens.id').onDelete('cascade'))
    .addColumn('policy', 'text', column => column.notNull())
    .addColumn('changed_at', 'text', column => column.notNull())
    .addColumn('changed_by', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createTable('policy_uses')
    .addColumn('principal_id', 'text', column => column.notNull())
    // `send` or `change`
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('at', 'text', column => column.notNull())
    .addColumn('messages', 'integer', column => column.notNull())
    .addColumn('recipients', 'integer', column => column.notNull())
    .execute()
  await db.schema
    .createIndex('policy_uses_principal')
    .on('policy_uses')
    .columns(['principal_id', 'kind', 'at'])
    .execute()
  await db.schema.createIndex('policy_uses_at').on('policy_uses').column('at').execute()
  await db.schema
    .createTable('stranger_reads')
    .addColumn('principal_id', 'text', column => column.primaryKey())
    .addColumn('at', 'text', column => column.notNull())
    .execute()
}
