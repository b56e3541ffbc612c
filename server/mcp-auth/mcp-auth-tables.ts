/** The table of the authorization server's records for Kysely. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    mcp_auth_records: McpAuthRow
  }
}

export interface McpAuthRow {
  /** SHA-256 of kind and id, in hex: codes and tokens are stored only as this digest. */
  id: string
  kind: string
  payload_sealed: string
  /** Id of the connection's token; the record is deleted with it. */
  token_id: string | null
  created_at: string
  expires_at: string
  consumed_at: string | null
}

export function recordSealContext(id: string): string {
  return `mcp-auth:${id}`
}
