/** The table of leases, as Kysely sees it. */

declare module '../platform/database/tables.ts' {
  interface Tables {
    leases: LeaseRow
  }
}

export interface LeaseRow {
  /** `watch:<account>`, `prune`, `backups`. */
  name: string
  /** The process that holds it; null if none does. */
  holder: string | null
  /** The fencing token: higher with each holder, never lower. */
  token: number
  /** Epoch seconds of the database's own clock, so that the clocks of the processes do not matter. */
  held_until: number
}
