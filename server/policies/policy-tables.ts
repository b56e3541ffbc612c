/** The tables of policies, as Kysely sees them. */

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
  /** A name. */
  changed_by: string
}

/** What a caller used of its rates with one call. */
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
