/** Messages to and from a thread with an SQLite connection. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'

export interface ThreadData {
  path: string
  /** Whether the connection is read-only; writes fail. */
  isReader: boolean
  /** A 32-bit counter raised after each message: waking a thread that waits on it is cheaper than by its event loop. */
  bell: SharedArrayBuffer
}

/**
 * An order; orders run in sequence. `inside` runs in the open transaction, or fails with the error that broke it; a
 * failing `commit` rolls back, so that later orders are never part of the transaction. `later` is `inside`, but later
 * orders were sent before its answer: if it fails, so do all of them up to a rollback. It can state the number of rows
 * it must change, and fails otherwise.
 */
export type Order =
  | ['run' | 'inside', sql: string, values: SQLInputValue[]]
  | ['later', sql: string, values: SQLInputValue[], changes: number | undefined]
  | ['begin' | 'commit' | 'rollback']

/** `forget` clears cached statements after a schema change; `close` is the last message. */
export type ToThread = Order[] | 'forget' | 'close'

export interface Rows {
  columns: readonly string[]
  rows: readonly (readonly SQLOutputValue[])[]
  /** Whether it took so long that other reads should not queue behind it. */
  isLong: boolean
}

export interface Changes {
  changes: number | bigint
  lastInsertRowid: number | bigint
}

/** The properties of an error from node:sqlite. */
export interface Fault {
  message: string
  code?: string
  errcode?: number
  errstr?: string
}

/** The result of one order; results come in the sequence of orders. */
export type Answer = Rows | Changes | { fault: Fault }

export type FromThread = Answer[] | { opened: string | null } | { unopened: Fault }
