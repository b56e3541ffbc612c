/**
 * Conversations with the assistant, their answers, the parts of each in chunks, and what each principal spends per day.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('conversations')
    .addColumn('id', 'text', column => column.primaryKey())
    // A user, a token or the API key.
    .addColumn('owner', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.references('users.id').onDelete('cascade'))
    .addColumn('title', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .addColumn('tokens', 'double precision', column => column.notNull())
    .addColumn('cost_usd', 'double precision')
    // A model's summary of its old answers; JSON.
    .addColumn('summary', 'text')
    .execute()
  await db.schema.createIndex('conversations_list').on('conversations').columns(['owner', 'updated_at', 'id']).execute()
  await db.schema.createIndex('conversations_age').on('conversations').columns(['updated_at']).execute()
  await db.schema
    .createTable('conversation_answers')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('conversation_id', 'text', column => column.notNull().references('conversations.id').onDelete('cascade'))
    .addColumn('question', 'text', column => column.notNull())
    // The content of the page from which it was asked; JSON.
    .addColumn('context', 'text')
    .addColumn('asked_at', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    // Everything that it said, for searches.
    .addColumn('said', 'text', column => column.notNull())
    // Its facts, beside the parts; JSON.
    .addColumn('facts', 'text', column => column.notNull())
    // When its waiting calls expire.
    .addColumn('expires_at', 'text')
    .execute()
  await db.schema
    .createIndex('conversation_answers_list')
    .on('conversation_answers')
    .columns(['conversation_id', 'id'])
    .execute()
  await db.schema
    .createIndex('conversation_answers_state')
    .on('conversation_answers')
    .columns(['state', 'expires_at'])
    .execute()
  await db.schema
    .createTable('conversation_parts')
    .addColumn('answer_id', 'text', column =>
      column.notNull().references('conversation_answers.id').onDelete('cascade'),
    )
    .addColumn('first', 'integer', column => column.notNull())
    // Ordered by number; JSON.
    .addColumn('parts', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('conversation_parts_key', ['answer_id', 'first'])
    .execute()
  await db.schema
    .createTable('assistant_usage')
    .addColumn('owner', 'text', column => column.notNull())
    .addColumn('day', 'text', column => column.notNull())
    .addColumn('tokens', 'double precision', column => column.notNull())
    .addColumn('cost_usd', 'double precision', column => column.notNull())
    .addPrimaryKeyConstraint('assistant_usage_key', ['owner', 'day'])
    .execute()
}
