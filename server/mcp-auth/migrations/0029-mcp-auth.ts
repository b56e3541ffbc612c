/**
 * Adds OAuth for MCP: tokens of connected clients, their short-lived secrets, and the records of the authorization
 * server.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('api_tokens').addColumn('oauth_client', 'text').execute()
  await db.schema
    .createTable('token_secrets')
    .addColumn('token_hash', 'text', column => column.primaryKey())
    .addColumn('token_id', 'text', column => column.notNull().references('api_tokens.id').onDelete('cascade'))
    .addColumn('audience', 'text', column => column.notNull())
    .addColumn('expires_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('token_secrets_token').on('token_secrets').columns(['token_id']).execute()
  await db.schema.createIndex('token_secrets_end').on('token_secrets').columns(['expires_at']).execute()
  await db.schema
    .createTable('mcp_auth_records')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('payload_sealed', 'text', column => column.notNull())
    .addColumn('token_id', 'text', column => column.references('api_tokens.id').onDelete('cascade'))
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('expires_at', 'text', column => column.notNull())
    .addColumn('consumed_at', 'text')
    .execute()
  await db.schema.createIndex('mcp_auth_records_token').on('mcp_auth_records').columns(['token_id']).execute()
  await db.schema.createIndex('mcp_auth_records_end').on('mcp_auth_records').columns(['kind', 'expires_at']).execute()
}
