/** What a thread of the index is told, and what it answers. */
import type { IndexHome } from './index-databases.ts'
import type { IndexFaultCode } from './index-fault.ts'
import type { IndexOperation, IndexOperations } from './index-operations.ts'
import type { PageWriter } from './index-page.ts'
import type { HitWriter } from './search-types.ts'

/** A module that makes what lists and searches answer as text, and the key with which it signs the references of messages. */
export interface WriterPlace {
  /** A URL. */
  module: string
  key: Uint8Array
}

/** What such a module exports. */
export interface WriterModule {
  pageWriter(key: Uint8Array): PageWriter
  hitWriter(key: Uint8Array): HitWriter
}

export interface IndexThreadData {
  home: IndexHome
  isReader: boolean
  /** For threads that answer people. */
  writers?: WriterPlace
}

/** `release` closes the file of an account, `drop` removes it, `open` makes it; `close` comes last and is not answered. */
export type IndexOrder =
  | { [Name in IndexOperation]: { do: Name; arguments: Parameters<IndexOperations[Name]> } }[IndexOperation]
  | { do: 'open' | 'release' | 'drop' }

export type ToIndexThread = { number: number; accountId: string; order: IndexOrder } | 'close'

/** Code and words of an `IndexFault`, or what else went wrong. */
export interface IndexFailure {
  code: IndexFaultCode | undefined
  message: string
  stack: string | undefined
  /** What SQLite or PostgreSQL said, where the database failed. */
  database?: { errcode?: number; code?: string; isMarked: boolean }
}

export type FromIndexThread = { number: number } & ({ value: unknown } | { failure: IndexFailure })
