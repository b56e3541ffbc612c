/** What goes between a `TrailWorker` and its thread. Exports go by a number each: pieces are asked for one at a time. */
import type { ExportName } from './audit-export.ts'
import type { AuditSearch } from './audit-store.ts'
import type { OwnKnowledge } from './audit-verifier.ts'

/** What the thread must know before it begins. */
export interface TrailThreadData {
  databaseUrl: string
  headFile: string | undefined
  /** Derived from the secret key, by what they are for. */
  keys: Readonly<Record<string, Uint8Array>>
}

export type TrailTask =
  | { kind: 'verify'; own: OwnKnowledge }
  | { kind: 'begin'; exported: number; filter: AuditSearch; name: ExportName }
  /** Answers a piece, or null behind the last one. */
  | { kind: 'next'; exported: number }
  | { kind: 'end'; exported: number }
  /** Lets go of the database. */
  | { kind: 'close' }

export interface TrailRequest {
  number: number
  task: TrailTask
}

/** Errors lose what makes them a fault of the database on their way between threads. */
export interface TrailFailure {
  message: string
  errcode?: number | undefined
  code?: string | undefined
  isOfDatabase: boolean
}

export type TrailAnswer = { number: number; outcome: unknown } | { number: number; failure: TrailFailure }
