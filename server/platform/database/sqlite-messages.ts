/** What a thread with an SQLite connection is told, and what it answers. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'

export interface ThreadData {
  path: string
  /** Reads only; what would write fails. */
  isReader: boolean
  /** One 32-bit integer, which is raised behind each message: a thread that sleeps on it wakes for less than one in its event loop. */
  bell: SharedArrayBuffer
}

/**
 * In the order in which they are to be run. `inside` runs in the transaction that was begun before, or fails with what broke that
 * one; a `commit` that fails takes everything back, so that what follows is never part of it. `later` is `inside` too, but what follows
 * was sent before its answer: where it fails, so does all that follows, up to a rollback. It can say how many rows it has to change, and
 * fails when it changes more or fewer.
 */
export type Order =
  | ['run' | 'inside', sql: string, values: SQLInputValue[]]
  | ['later', sql: string, values: SQLInputValue[], changes: number | undefined]
  | ['begin' | 'commit' | 'rollback']

/** The schema has changed: `forget` what was kept of statements. `close` comes last. */
export type ToThread = Order[] | 'forget' | 'close'

export interface Rows {
  columns: readonly string[]
  rows: readonly (readonly SQLOutputValue[])[]
  /** So long that others should not stand behind it. */
  isLong: boolean
}

export interface Changes {
  changes: number | bigint
  lastInsertRowid: number | bigint
}

/** An error as node:sqlite throws it. */
export interface Fault {
  message: string
  code?: string
  errcode?: number
  errstr?: string
}

/** One for each order, in their order. */
export type Answer = Rows | Changes | { fault: Fault }

export type FromThread = Answer[] | { opened: string | null } | { unopened: Fault }
