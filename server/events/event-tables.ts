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
  /** 1 for the class that is kept longer. */
  is_administrative: number
}

export interface EventCounterRow {
  /** Always 1: there is one sequence. */
  id: number
  epoch: string
  /** Number of the newest fact. */
  newest: number
  /** From this number on the log has every fact; of older ones it has some administrative ones. */
  oldest: number
}
