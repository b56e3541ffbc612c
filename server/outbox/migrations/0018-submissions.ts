/** Messages on their way out, and what became of them. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('submissions')
    // Later ones are greater.
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('draft_id', 'text', column => column.notNull())
    .addColumn('rev', 'integer', column => column.notNull())
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('principal_name', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('sha256', 'text', column => column.notNull())
    .addColumn('blob_id', 'text', column => column.notNull())
    .addColumn('size_bytes', 'integer', column => column.notNull())
    .addColumn('message_id', 'text', column => column.notNull())
    .addColumn('envelope_from', 'text', column => column.notNull())
    .addColumn('from_email', 'text', column => column.notNull())
    .addColumn('from_name', 'text')
    .addColumn('subject', 'text', column => column.notNull())
    // JSON, with what became of each.
    .addColumn('recipients', 'text', column => column.notNull())
    // JSON: the message that it answers.
    .addColumn('answers', 'text')
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('send_at', 'text')
    // Since when the mail server may be told.
    .addColumn('ready_at', 'text')
    // When its next attempt is due; null while it waits for a human, and once it has ended.
    .addColumn('due_at', 'text')
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('error', 'text')
    .addColumn('ended_at', 'text')
    .addColumn('approval_id', 'text')
    .addColumn('copy_state', 'text', column => column.notNull())
    .addColumn('copy_folder', 'text')
    .addColumn('copy_why', 'text')
    .addColumn('copy_attempts', 'integer', column => column.notNull())
    .addColumn('copy_due_at', 'text')
    // JSON: how the folder stood before the copy was told to the mail server.
    .addColumn('copy_intent', 'text')
    .execute()
  await db.schema.createIndex('submissions_due').on('submissions').columns(['account_id', 'due_at', 'id']).execute()
  await db.schema.createIndex('submissions_state').on('submissions').columns(['account_id', 'state', 'id']).execute()
  await db.schema.createIndex('submissions_copy').on('submissions').columns(['account_id', 'copy_due_at']).execute()
  await db.schema.createIndex('submissions_principal').on('submissions').columns(['principal_id', 'id']).execute()
  await db.schema.createIndex('submissions_message').on('submissions').columns(['account_id', 'message_id']).execute()
  await db.schema.createIndex('submissions_draft').on('submissions').columns(['draft_id']).execute()
}
