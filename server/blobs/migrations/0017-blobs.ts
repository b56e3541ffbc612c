/**
 * Content stored beside rows: attachments of drafts, and composed messages. In chunks, so that nothing is ever fully in
 * memory.
 */
import { type Kysely, PostgresAdapter, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  await db.schema
    .createTable('blobs')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('size_bytes', 'bigint')
    .addColumn('sha256', 'text')
    .addColumn('created_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('blobs_account').on('blobs').column('account_id').execute()
  await db.schema.createIndex('blobs_age').on('blobs').column('created_at').execute()
  await db.schema
    .createTable('blob_chunks')
    .addColumn('blob_id', 'text', column => column.notNull().references('blobs.id').onDelete('cascade'))
    .addColumn('position', 'integer', column => column.notNull())
    .addColumn('bytes', isPostgres ? 'bytea' : sql`blob`, column => column.notNull())
    .addPrimaryKeyConstraint('blob_chunks_key', ['blob_id', 'position'])
    .execute()
  await db.schema
    .createTable('blob_uses')
    .addColumn('blob_id', 'text', column => column.notNull().references('blobs.id').onDelete('cascade'))
    .addColumn('owner', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('blob_uses_key', ['blob_id', 'owner'])
    .execute()
  await db.schema.createIndex('blob_uses_owner').on('blob_uses').column('owner').execute()
}
