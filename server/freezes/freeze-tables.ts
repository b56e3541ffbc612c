/** The table of freezes for Kysely. */
import type { Freeze } from '../../contract/freezes.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    freezes: FreezeRow
  }
}

type Kind = Freeze['by']['kind']

export interface FreezeRow {
  id: string
  target: Freeze['target']
  /** The id of a `Principal`. */
  principal_id: string | null
  account_id: string | null
  reads: Freeze['reads']
  reason: string | null
  by_kind: Kind
  by_id: string
  by_name: string
  at: string
  lifted_at: string | null
  lifted_by_kind: Kind | null
  lifted_by_id: string | null
  lifted_by_name: string | null
}
