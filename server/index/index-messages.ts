/** Messages to and from a thread of the index. */
import type { IndexHome } from './index-databases.ts'
import type { IndexFaultCode } from './index-fault.ts'
import type { IndexOperation, IndexOperations } from './index-operations.ts'
import type { PageWriter } from './index-page.ts'
import type { HitWriter } from './search-types.ts'

/** A module that renders lists and hits as JSON text, and the key with which it signs message references. */
export interface WriterPlace {
  /** URL of the module. */
  module: string
  key: Uint8Array
}

/** Exports of such a module. */
export interface WriterModule {
  pageWriter(key: Uint8Array): PageWriter
  hitWriter(key: Uint8Array): HitWriter
}

export interface IndexThreadData {
  home: IndexHome
  isReader: boolean
  /** Set for threads that answer requests. */
  writers?: WriterPlace
}

/** An order to the thread: `open` creates an account's index, `release` closes its file, `drop` removes it. */
export type IndexOrder =
  | { [Name in IndexOperation]: { do: Name; arguments: Parameters<IndexOperations[Name]> } }[IndexOperation]
  | { do: 'open' | 'release' | 'drop' }

/** `close` is the last message and is not answered. */
export type ToIndexThread = { number: number; accountId: string; order: IndexOrder } | 'close'

/** An error in transferable form: an `IndexFault` if it has a code. */
export interface IndexFailure {
  code: IndexFaultCode | undefined
  message: string
  stack: string | undefined
  /** Error codes of SQLite or PostgreSQL, if the database failed. */
  database?: { errcode?: number; code?: string; isMarked: boolean }
}

export type FromIndexThread = { number: number } & ({ value: unknown } | { failure: IndexFailure })
