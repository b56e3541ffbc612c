/** The tables of figures over time, as Kysely sees them. Times are in epoch seconds. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    history_series: SeriesRow
    history_frames: FrameRow
    history_blocks: BlockRow
    history_marks: MarkRow
  }
}

export interface SeriesRow {
  id: number
  /** Name and labels, see `keyOf`. */
  key: string
}

/** All series over one step. */
export interface FrameRow {
  /** Seconds; a row of step 5 holds the samples of a minute. */
  step: number
  start: number
  /** The number of the process among several that record at the same time; 0 if there is only one. */
  writer: number
  bytes: Uint8Array
}

/** One series over many steps. */
export interface BlockRow extends FrameRow {
  series: number
}

export interface MarkRow {
  id: string
  at: number
  kind: string
  account_id: string | null
  words: string
}
