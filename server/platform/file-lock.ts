/** A lock on a file that the operating system holds for this process (through SQLite), so it ends with the process however that ends. */
import { rmSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { openSqlite } from './database/sqlite-file.ts'

export interface FileLock {
  /** Removes the file too. */
  release(): void
}

/** Undefined when somebody else has it. @throws Error when there can be no lock at that place. */
export function takeFileLock(file: string): FileLock | undefined {
  // Each further attempt means that one who had it let go at this very moment.
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = inode(file)
    const lock = open(file)
    try {
      lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      lock.close()
      if (isBusy(error)) return undefined
      throw unusable(file, error)
    }
    // The one before may have removed the file while we opened it: then our lock is on a file that nobody else sees.
    const after = inode(file)
    if (after !== undefined && (before === undefined || before === after)) {
      return {
        release: () => {
          rmSync(file, { force: true })
          lock.close()
        },
      }
    }
    lock.close()
  }
  return undefined
}

function open(file: string): DatabaseSync {
  try {
    return openSqlite(file, { timeout: 0 })
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, cause: unknown): Error {
  return new Error(`${file} cannot be used as a lock: ${String(cause)}`, { cause })
}

/** SQLITE_BUSY: somebody else holds it. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

function inode(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}
