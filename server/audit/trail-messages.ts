/**
 * Messages between a `TrailWorker` and its thread. Each export has a number, and its chunks are requested one at a
 * time.
 */
import type { ExportName } from './audit-export.ts'
import type { AuditSearch } from './audit-store.ts'
import type { OwnKnowledge } from './audit-verifier.ts'

/** The data that the thread starts with. */
export interface TrailThreadData {
  databaseUrl: string
  headFile: string | undefined
  /** Keys derived from the secret key, by purpose. */
  keys: Readonly<Record<string, Uint8Array>>
}

export type TrailTask =
  | { kind: 'verify'; own: OwnKnowledge }
  | { kind: 'begin'; exported: number; filter: AuditSearch; name: ExportName }
  /** Returns a chunk, or null after the last one. */
  | { kind: 'next'; exported: number }
  | { kind: 'end'; exported: number }
  /** Closes the database. */
  | { kind: 'close' }

export interface TrailRequest {
  number: number
  task: TrailTask
}

/** An error between threads, with what would be lost: whether it is a fault of the database. */
export interface TrailFailure {
  message: string
  errcode?: number | undefined
  code?: string | undefined
  isOfDatabase: boolean
}

export type TrailAnswer = { number: number; outcome: unknown } | { number: number; failure: TrailFailure }
