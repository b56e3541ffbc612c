/** Adds submissions: outgoing messages and their outcome. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('submissions')
    // Rises with time.
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
    // JSON: each recipient with its outcome.
    .addColumn('recipients', 'text', column => column.notNull())
    // JSON: the message that it replies to or forwards.
    .addColumn('answers', 'text')
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('send_at', 'text')
    // The earliest time at which the message may be sent.
    .addColumn('ready_at', 'text')
    // The time of the next attempt; null while it waits for a human, and once it has ended.
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
    // JSON: the state of the folder before the copy was appended.
    .addColumn('copy_intent', 'text')
    .execute()
  await db.schema.createIndex('submissions_due').on('submissions').columns(['account_id', 'due_at', 'id']).execute()
  await db.schema.createIndex('submissions_state').on('submissions').columns(['account_id', 'state', 'id']).execute()
  await db.schema.createIndex('submissions_copy').on('submissions').columns(['account_id', 'copy_due_at']).execute()
  await db.schema.createIndex('submissions_principal').on('submissions').columns(['principal_id', 'id']).execute()
  await db.schema.createIndex('submissions_message').on('submissions').columns(['account_id', 'message_id']).execute()
  await db.schema.createIndex('submissions_draft').on('submissions').columns(['draft_id']).execute()
}
