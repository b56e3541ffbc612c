/** The tables of policies for Kysely. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    token_policies: PolicyRow
    policy_uses: UseRow
    stranger_reads: StrangerReadRow
  }
}

export interface PolicyRow {
  token_id: string
  /** `TokenPolicy`, JSON. */
  policy: string
  changed_at: string
  /** The name of a user. */
  changed_by: string
}

/** What one call used of a caller's rates. */
export interface UseRow {
  principal_id: string
  kind: 'send' | 'change'
  at: string
  messages: number
  recipients: number
}

export interface StrangerReadRow {
  principal_id: string
  at: string
}
