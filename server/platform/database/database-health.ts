/** Whether the database takes what is written, from what became of each statement: a fault stays until a write was tried again. */
import { type DatabaseFaultKind, DatabaseRemoved, databaseFaultKind } from './database-fault.ts'
import type { LiveFile } from './live-file.ts'

/** Hears of statements. */
export interface DatabaseObserver {
  /** An SQLite file that was just opened. */
  opened(file: LiveFile): void
  /** @throws DatabaseRemoved before anything is written that would be lost. */
  beforeWrite(): void
  failed(error: unknown, isWrite: boolean): void
}

export interface DatabaseFault {
  kind: DatabaseFaultKind
  error: unknown
}

export class DatabaseHealth implements DatabaseObserver {
  #file: LiveFile | undefined
  #fault: DatabaseFault | undefined
  #writeFailures = 0

  opened(file: LiveFile): void {
    this.#file = file
  }

  beforeWrite(): void {
    if (this.#file?.isThere === false) throw new DatabaseRemoved()
  }

  failed(error: unknown, isWrite: boolean): void {
    const kind = databaseFaultKind(error)
    if (kind === undefined) return
    if (isWrite) this.#writeFailures++
    // A read that another program holds up, or that a network lost, says nothing of writes.
    else if (kind !== 'damaged') return
    this.unwritable({ kind, error })
  }

  /** As a try has shown. */
  unwritable(fault: DatabaseFault): void {
    if (this.#fault?.kind !== 'damaged') this.#fault = fault
  }

  /** As a try has shown. What is damaged stays so until the next start. */
  writable(): void {
    if (this.#fault?.kind !== 'damaged') this.#fault = undefined
  }

  /** Of now; undefined while writes go through, as far as is known. */
  get fault(): DatabaseFault | undefined {
    if (this.#file?.isThere === false) return { kind: 'removed', error: new DatabaseRemoved() }
    return this.#fault
  }

  /** Since the start. */
  get writeFailures(): number {
    return this.#writeFailures
  }
}

/** Statements that change something, and the end of a transaction, which may be where that fails. */
export function isWriteStatement(sql: string): boolean {
  return /^\s*(insert|update|delete|replace|create|alter|drop|commit)\b/i.test(sql)
}
