/** Whether the database takes what is written, from what became of each statement: a fault stays until a write was tried again. */
import { statSync } from 'node:fs'
import { type DatabaseFaultKind, DatabaseRemoved, databaseFaultKind } from './database-fault.ts'

/** SQLite makes the others when it first writes, and keeps them while the database is open. */
const companions = ['-wal', '-shm'] as const
/** Looking costs some 5 µs, a write 20 µs and more. */
const freshMs = 250

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

/** Whether the files of an open SQLite database are still those that its path names. */
export class LiveFile {
  readonly #file: string
  readonly #now: () => number
  readonly #known = new Map<string, string>()
  #isThere = true
  #lookedAt: number

  /** @param file Open already. */
  constructor(file: string, now: () => number = () => performance.now()) {
    this.#file = file
    this.#now = now
    this.#lookedAt = now()
    this.#look()
  }

  /** At most 250 ms old. True again when the files were put back. */
  get isThere(): boolean {
    const now = this.#now()
    // What is not known yet could go away unnoticed.
    const isKnown = this.#known.size > companions.length
    if (isKnown && now - this.#lookedAt < freshMs) return this.#isThere
    this.#lookedAt = now
    this.#isThere = this.#look()
    return this.#isThere
  }

  #look(): boolean {
    return this.#isSame(this.#file) && companions.every(end => this.#isSame(this.#file + end))
  }

  /** Also while it was never there. */
  #isSame(file: string): boolean {
    const known = this.#known.get(file)
    const found = identityOf(file)
    if (known === undefined && found !== undefined) this.#known.set(file, found)
    return known === undefined || known === found
  }
}

function identityOf(file: string): string | undefined {
  try {
    const stat = statSync(file, { throwIfNoEntry: false })
    return stat && `${stat.dev}:${stat.ino}`
  } catch {
    // A directory on the way is no longer one, or may not be entered.
    return undefined
  }
}

/** Statements that change something, and the end of a transaction, which may be where that fails. */
export function isWriteStatement(sql: string): boolean {
  return /^\s*(insert|update|delete|replace|create|alter|drop|commit)\b/i.test(sql)
}
