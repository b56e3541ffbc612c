/** The table of what the authorisation server stores, as Kysely sees it. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    mcp_auth_records: McpAuthRow
  }
}

export interface McpAuthRow {
  /** SHA-256 of kind and id, hex: of a code or token, only this is stored. */
  id: string
  kind: string
  payload_sealed: string
  /** Of the connection that it belongs to, with which it ends. */
  token_id: string | null
  created_at: string
  expires_at: string
  consumed_at: string | null
}

export function recordSealContext(id: string): string {
  return `mcp-auth:${id}`
}
