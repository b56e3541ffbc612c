/** Kysely types of the event log's tables. */

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
  /** Data of the fact as JSON. */
  data: string
  at: string
  /** 1 for administrative facts, which are kept longer. */
  is_administrative: number
}

export interface EventCounterRow {
  /** Always 1, since there is a single sequence. */
  id: number
  epoch: string
  /** Number of the newest fact. */
  newest: number
  /** The log has every fact from this number on; of older ones, only some administrative facts. */
  oldest: number
}
