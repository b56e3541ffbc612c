/** A file lock held by the operating system (through SQLite), so that it ends with the process, however it ends. */
import { rmSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { openSqlite } from './database/sqlite-file.ts'
import { reasonOf } from './start-fault.ts'

export interface FileLock {
  /**
   * Retakes the lock if its file was removed or replaced, since the next process would lock a new file. Returns false
   * if another process has it by now.
   */
  keep(): boolean
  /** Releases the lock, and removes the file. */
  release(): void
}

/** A lock with the inode of its file. */
interface Taken {
  lock: DatabaseSync
  inode: number
}

/** Takes a lock; undefined if another process has it. @throws Error if the file cannot be locked */
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
      // Only our own file: by now another process may hold a new one.
      if (inode(file) === taken.inode) rmSync(file, { force: true })
      taken.lock.close()
    },
  }
}

/**
 * Retakes the lock; undefined if another process has it, `nowhere` if the directory is gone, so that no process can.
 */
function retake(file: string): Taken | undefined | 'nowhere' {
  try {
    return take(file)
  } catch {
    return 'nowhere'
  }
}

function take(file: string): Taken | undefined {
  // A further attempt is needed only if the previous holder releases the lock at this moment.
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
    // The previous holder may have removed the file after we opened it: then our lock is on an unlinked file.
    const after = inode(file)
    if (isStill(before, after)) return { lock, inode: after }
    lock.close()
  }
  return undefined
}

/** @param before Inode before opening; undefined if opening created the file. */
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

/** Whether an error is SQLITE_BUSY: another process holds the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

function inode(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.ino
  } catch {
    // A directory of the path was replaced.
    return undefined
  }
}
