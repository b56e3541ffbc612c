/** A lock on a file that the operating system holds for this process (through SQLite), so it ends with the process however that ends. */
import { rmSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { openSqlite } from './database/sqlite-file.ts'
import { reasonOf } from './start-fault.ts'

export interface FileLock {
  /**
   * Takes the lock again when its file was removed or replaced, since the next process would lock a new file. False when another
   * process was faster and has it.
   */
  keep(): boolean
  /** Removes the file too. */
  release(): void
}

/** The lock itself, and the file that it is on. */
interface Taken {
  lock: DatabaseSync
  inode: number
}

/** Undefined when somebody else has it. @throws Error when there can be no lock at that place. */
export function takeFileLock(file: string): FileLock | undefined {
  let taken = take(file)
  if (!taken) return undefined
  return {
    keep: () => {
      if (taken === undefined || inode(file) === taken.inode) return taken !== undefined
      const again = retake(file)
      if (again === 'nowhere') return true
      taken.lock.close()
      taken = again
      return taken !== undefined
    },
    release: () => {
      if (!taken) return
      // Only ours: by now another may stand there, which another process holds.
      if (inode(file) === taken.inode) rmSync(file, { force: true })
      taken.lock.close()
    },
  }
}

/** `nowhere`: the directory is gone, so that nobody can have a lock there; undefined when another process has it. */
function retake(file: string): Taken | undefined | 'nowhere' {
  try {
    return take(file)
  } catch {
    return 'nowhere'
  }
}

function take(file: string): Taken | undefined {
  // Each further attempt means that one who had it let go at this very moment.
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = inode(file)
    const lock = open(file)
    try {
      lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      lock.close()
      if (isBusy(error)) return undefined
      // SQLite cannot always lock a file that was removed.
      if (isStill(before, inode(file))) throw unusable(file, error)
      continue
    }
    // The one before may have removed the file while we opened it: then our lock is on a file that nobody else sees.
    const after = inode(file)
    if (isStill(before, after)) return { lock, inode: after }
    lock.close()
  }
  return undefined
}

/** @param before Undefined where opening made the file. */
function isStill(before: number | undefined, after: number | undefined): after is number {
  return after !== undefined && (before === undefined || before === after)
}

function open(file: string): DatabaseSync {
  try {
    return openSqlite(file, { timeout: 0 })
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, cause: unknown): Error {
  return new Error(`${file} cannot be used as a lock: ${reasonOf(cause, file)}`, { cause })
}

/** SQLITE_BUSY: somebody else holds it. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

function inode(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.ino
  } catch {
    // A directory on the way is no longer one.
    return undefined
  }
}
