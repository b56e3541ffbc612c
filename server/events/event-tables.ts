/** The tables of the event log, as Kysely sees them. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    events: EventRow
    event_counter: EventCounterRow
  }
}

export interface EventRow {
  number: number
  type: string
  account_id: string | null
  /** JSON. */
  data: string
  at: string
}

export interface EventCounterRow {
  /** Always 1: there is one sequence. */
  id: number
  epoch: string
  /** Number of the newest fact. */
  newest: number
}
