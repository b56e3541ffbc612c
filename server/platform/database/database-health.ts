/** Tracks whether the database accepts writes, by outcomes of statements; a fault persists until a write is retried. */
import { statSync } from 'node:fs'
import { type DatabaseFaultKind, DatabaseRemoved, databaseFaultKind } from './database-fault.ts'

/** Files that SQLite creates at the first write, and keeps while the database is open. */
const companions = ['-wal', '-shm'] as const
/** Validity of a check of the files: it costs about 5 µs, a write at least 20 µs. */
const freshMs = 250

/** Observes statements. */
export interface DatabaseObserver {
  /** Called with an SQLite file that was just opened. */
  opened(file: LiveFile): void
  /** Called before a write. @throws DatabaseRemoved if the write would be lost */
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
    // The files may have been moved since the last check.
    this.#file?.expire()
    if (isWrite) this.#writeFailures++
    // A read that failed because of a lock or the network says nothing about writes.
    else if (kind !== 'damaged') return
    this.unwritable({ kind, error })
  }

  /** Records that a trial write failed. */
  unwritable(fault: DatabaseFault): void {
    if (this.#fault?.kind !== 'damaged') this.#fault = fault
  }

  /** Records that a trial write succeeded. A damaged database stays so until the next start. */
  writable(): void {
    if (this.#fault?.kind !== 'damaged') this.#fault = undefined
  }

  /** The current fault; undefined while writes succeed, as far as is known. */
  get fault(): DatabaseFault | undefined {
    if (this.#file?.isThere === false) return { kind: 'removed', error: new DatabaseRemoved() }
    return this.#fault
  }

  /** Number of failed writes since the start. */
  get writeFailures(): number {
    return this.#writeFailures
  }
}

/** Checks whether the files of an open SQLite database are still those at its path. */
export class LiveFile {
  readonly #file: string
  readonly #now: () => number
  readonly #known = new Map<string, string>()
  #isThere = true
  #lookedAt: number

  /** @param file Path of a database that is already open. */
  constructor(file: string, now: () => number = () => performance.now()) {
    this.#file = file
    this.#now = now
    this.#lookedAt = now()
    this.#look()
  }

  /** Whether the files are in place, cached for 250 ms. True again once they are put back. */
  get isThere(): boolean {
    const now = this.#now()
    // The removal of a file not seen yet would go unnoticed.
    const isKnown = this.#known.size > companions.length
    if (isKnown && now - this.#lookedAt < freshMs) return this.#isThere
    this.#lookedAt = now
    this.#isThere = this.#look()
    return this.#isThere
  }

  /** Discards the cached result. */
  expire(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  #look(): boolean {
    return this.#isSame(this.#file) && companions.every(end => this.#isSame(this.#file + end))
  }

  /** Whether a file is unchanged; true while it was never seen. */
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
    // A directory of the path was replaced, or is not accessible.
    return undefined
  }
}

/** Whether a statement writes; includes `commit`, where writes may fail. */
export function isWriteStatement(sql: string): boolean {
  return /^\s*(insert|update|delete|replace|create|alter|drop|commit)\b/i.test(sql)
}
