/** Opens SQLite files with permissions for their owner only, set before anything is written to them. */
import { chmodSync, closeSync, fdatasync, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'

/** fdatasync, as SQLite uses: flushes what is needed to read the file, without waiting for unrelated metadata. */
const sync = promisify(fdatasync)

/** Timeout for a lock of another program, after which SQLITE_BUSY is thrown. */
export const busyMs = 5_000
/** SQLite's own busy timeout per attempt; see `whenFree`. */
const lookMs = 10
/** Upper bound of the random pause between attempts; the jitter keeps two waiters from polling in lockstep. */
const betweenLooksMs = 4
/** Mode of files that only the server's user can access. */
const ownMode = 0o600
/** Permission bits of group and others. */
const foreignBits = 0o077
/** Companion files, which SQLite creates with the mode of the database; existing ones keep theirs. */
const companions = ['-wal', '-shm', '-journal'] as const

/**
 * Opens a database. A new one is created with mode 0600 first; the mode of one that others may read is narrowed. If
 * that is not permitted (another user owns the file), it is opened all the same: see `foreignModes`.
 */
export function openSqlite(path: string, options: { timeout?: number } = {}): DatabaseSync {
  const file = sqliteFile(path)
  if (file !== undefined) createPrivately(file)
  const database = new DatabaseSync(path, options)
  // The file name as resolved by SQLite.
  const location = database.location()
  if (location !== null) narrow(location)
  return database
}

/**
 * Configures a connection for writing: readers never wait, and commits do not wait for the disk (docs/decisions/0016).
 */
export function prepareWriting(database: DatabaseSync): void {
  database.exec(
    // The timeout comes first, since the statements after it may already wait for a lock.
    `PRAGMA busy_timeout = ${busyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = ${lookMs}`,
  )
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** Sleeps synchronously, blocking the thread. */
export function sleep(ms: number): void {
  Atomics.wait(never, 0, 0, ms)
}

/**
 * Runs a statement on a connection from `prepareWriting`, waiting for locks of other programs. SQLite's own back-off
 * soon reaches 100 ms, which misses a program that writes constantly and releases its lock only briefly between
 * transactions.
 */
export function whenFree<Result>(database: DatabaseSync, run: () => Result): Result {
  if (database.isTransaction) return run()
  const began = performance.now()
  for (;;) {
    try {
      return run()
    } catch (error) {
      // Nothing was done yet. A busy timeout set by the caller is respected.
      const isOver = performance.now() - began >= busyMs || database.isTransaction || !isBusy(error)
      if (isOver || database.prepare('PRAGMA busy_timeout').get()?.timeout !== lookMs) throw error
      sleep(1 + Math.random() * betweenLooksMs)
    }
  }
}

/** Whether an error is SQLITE_BUSY, with any extended code. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}

/** Opens another, read-only connection to a database that is open already; writes on it fail and block nobody. */
export function openSqliteReader(path: string): DatabaseSync {
  return new DatabaseSync(readOnlyName(path), { readOnly: true, timeout: busyMs })
}

/** Makes a path or URI read-only, keeping the URI's other parameters. */
function readOnlyName(path: string): string {
  const [, name, query = ''] = /^(file:[^?#]*)(?:\?([^#]*))?/.exec(path) ?? []
  if (name === undefined) return path
  const others = query.split('&').filter(each => each !== '' && !/^(mode|cache)=/.test(each))
  return `${name}?${[...others, 'mode=ro', 'cache=private'].join('&')}`
}

/** Returns the file of a path or `file:` URI like SQLite (https://sqlite.org/uri.html); undefined if in memory. */
export function sqliteFile(path: string): string | undefined {
  if (path === ':memory:' || path === '') return undefined
  if (!path.startsWith('file:')) return resolve(path)
  const [, name = '', query = ''] = /^file:(?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/.exec(path) ?? []
  const parameters = new URLSearchParams(query)
  if (parameters.get('mode') === 'memory' || parameters.get('vfs') === 'memdb') return undefined
  const file = decoded(name)
  return file === '' || file === ':memory:' ? undefined : resolve(file)
}

/** Removes a database of zero bytes, which was only created by opening it. */
export function removeIfEmpty(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) rmSync(file)
}

/** Lists the files of a database that users other than the owner can access, as `name: mode`. */
export function foreignModes(file: string): string[] {
  return ['', ...companions].flatMap(end => {
    const mode = (statSync(file + end, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
    return process.platform !== 'win32' && (mode & foreignBits) !== 0 ? [`${file}${end}: ${mode.toString(8)}`] : []
  })
}

/**
 * Makes all commits so far survive a power failure, by flushing the write-ahead log: SQLite (WAL, synchronous = NORMAL)
 * guarantees that only after its next checkpoint. Unlike the database file, the log has no POSIX locks that closing it
 * would release.
 */
export async function syncSqlite(file: string): Promise<void> {
  const log = openLog(file)
  if (log === undefined) return
  // Only the flush is asynchronous: opening and closing cost less than a round trip to another thread.
  await sync(log).finally(() => closeSync(log))
}

function openLog(file: string): number | undefined {
  try {
    return openSync(`${file}-wal`, 'r+')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function createPrivately(file: string): void {
  // Never opens an existing file: closing it would release the POSIX locks of this process.
  if (statSync(file, { throwIfNoEntry: false })) return
  try {
    // Follows a symbolic link whose target does not exist yet, as SQLite does.
    closeSync(openSync(file, 'a', ownMode))
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`the database cannot be created: ${words}`, { cause: error })
  }
}

function narrow(location: string): void {
  for (const end of ['', ...companions]) {
    try {
      const file = realpathSync(location + end)
      if ((statSync(file).mode & foreignBits) !== 0) chmodSync(file, ownMode)
    } catch {
      // The file does not exist, or is owned by another user.
    }
  }
}

/** Decodes percent-escapes leniently, as SQLite does: an invalid one is taken literally. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
