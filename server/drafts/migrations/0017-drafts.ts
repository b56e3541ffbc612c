/** Adds drafts, their attachments, composed revisions, copies in the mailbox, signatures and idempotency keys. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('drafts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('rev', 'integer', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('submission_id', 'text')
    .addColumn('mode', 'text', column => column.notNull())
    .addColumn('content', 'text', column => column.notNull())
    // The answered message, and the quotation from it.
    .addColumn('source', 'text')
    .addColumn('quote', 'text')
    // Unique to this revision: its Message-ID and boundaries derive from it.
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('principal_name', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('changed_by', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('drafts_list').on('drafts').columns(['account_id', 'state', 'updated_at', 'id']).execute()
  await db.schema
    .createTable('draft_attachments')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('draft_id', 'text', column => column.notNull().references('drafts.id').onDelete('cascade'))
    .addColumn('position', 'integer', column => column.notNull())
    .addColumn('blob_id', 'text', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('type', 'text', column => column.notNull())
    .addColumn('size_bytes', 'bigint', column => column.notNull())
    .addColumn('sha256', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createIndex('draft_attachments_draft')
    .on('draft_attachments')
    .columns(['draft_id', 'position'])
    .execute()
  await db.schema
    .createTable('draft_messages')
    .addColumn('draft_id', 'text', column => column.notNull().references('drafts.id').onDelete('cascade'))
    .addColumn('rev', 'integer', column => column.notNull())
    .addColumn('blob_id', 'text', column => column.notNull())
    .addColumn('composed', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('draft_messages_key', ['draft_id', 'rev'])
    .execute()
  // Outlives its draft until the copy is removed.
  await db.schema
    .createTable('draft_copies')
    .addColumn('draft_id', 'text', column => column.primaryKey())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('state', 'text', column => column.notNull())
    // Null to remove the copy.
    .addColumn('wanted_rev', 'integer')
    .addColumn('saved_rev', 'integer')
    .addColumn('path', 'text')
    .addColumn('uid_validity', 'bigint')
    .addColumn('uid', 'bigint')
    // Message-IDs of copies that exist, or may exist.
    .addColumn('message_ids', 'text', column => column.notNull())
    .addColumn('why', 'text')
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('due_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('draft_copies_due').on('draft_copies').columns(['state', 'due_at']).execute()
  await db.schema
    .createTable('signatures')
    .addColumn('account_id', 'text', column => column.primaryKey().references('accounts.id').onDelete('cascade'))
    .addColumn('format', 'text', column => column.notNull())
    .addColumn('content', 'text', column => column.notNull())
    .addColumn('from_name', 'text')
    .addColumn('aliases', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createTable('draft_keys')
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('digest', 'text', column => column.notNull())
    .addColumn('at', 'text', column => column.notNull())
    .addColumn('draft_id', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('draft_keys_key', ['principal_id', 'key'])
    .execute()
}
