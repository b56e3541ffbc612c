/** Opens SQLite files so that only their owner can read them, from before there is anything in them. */
import { chmodSync, closeSync, fdatasync, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'

/** As SQLite itself does it: all that is needed to read it again, without waiting for what other files of the disk do meanwhile. */
const sync = promisify(fdatasync)

/** How long a lock of another program is waited for before SQLITE_BUSY is said. */
export const busyMs = 5_000
/** How long SQLite itself looks for it at a time; see `whenFree`. */
const lookMs = 10
/** At random, so that two that wait do not look at the same moments. */
const betweenLooksMs = 4
/** Files of the user that runs the server, and of nobody else. */
const ownMode = 0o600
/** Group and others. */
const foreignBits = 0o077
/** SQLite gives them the mode of the database when it makes them; older ones keep what they have. */
const companions = ['-wal', '-shm', '-journal'] as const

/**
 * A database that does not exist yet is made with mode 0600 before SQLite opens it; one that others may read is narrowed.
 * Where that is not allowed (the file is somebody else's) it is opened all the same: see `foreignModes`.
 */
export function openSqlite(path: string, options: { timeout?: number } = {}): DatabaseSync {
  const file = sqliteFile(path)
  if (file !== undefined) createPrivately(file)
  const database = new DatabaseSync(path, options)
  // By the name that SQLite itself found, whatever it was given.
  const location = database.location()
  if (location !== null) narrow(location)
  return database
}

/** How a server writes: readers wait for nobody, and a commit waits for no disk (docs/decisions/0016). */
export function prepareWriting(database: DatabaseSync): void {
  database.exec(
    // The patience first: the statements behind it may already wait for another program.
    `PRAGMA busy_timeout = ${busyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = ${lookMs}`,
  )
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** Blocks the thread. */
export function sleep(ms: number): void {
  Atomics.wait(never, 0, 0, ms)
}

/**
 * Runs a statement, of a connection from `prepareWriting`, that waits for others to release the database. SQLite looks every 100 ms soon, and so
 * misses a program that writes all the time and releases it for a moment only between two transactions.
 */
export function whenFree<Result>(database: DatabaseSync, run: () => Result): Result {
  if (database.isTransaction) return run()
  const began = performance.now()
  for (;;) {
    try {
      return run()
    } catch (error) {
      // Nothing of it was done. Callers that set another time mean that one.
      const isOver = performance.now() - began >= busyMs || database.isTransaction || !isBusy(error)
      if (isOver || database.prepare('PRAGMA busy_timeout').get()?.timeout !== lookMs) throw error
      sleep(1 + Math.random() * betweenLooksMs)
    }
  }
}

/** SQLITE_BUSY, with whatever else its code says. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}

/** A further connection to a database that is open already. What would write through it fails, and holds up nobody. */
export function openSqliteReader(path: string): DatabaseSync {
  return new DatabaseSync(readOnlyName(path), { readOnly: true, timeout: busyMs })
}

/** With all that a URI says of how the file is read, but for the mode, which could ask for more than reading. */
function readOnlyName(path: string): string {
  const [, name, query = ''] = /^(file:[^?#]*)(?:\?([^#]*))?/.exec(path) ?? []
  if (name === undefined) return path
  const others = query.split('&').filter(each => each !== '' && !/^(mode|cache)=/.test(each))
  return `${name}?${[...others, 'mode=ro', 'cache=private'].join('&')}`
}

/** The file that SQLite means by a path or `file:` URI (https://sqlite.org/uri.html); undefined when it is in memory. */
export function sqliteFile(path: string): string | undefined {
  if (path === ':memory:' || path === '') return undefined
  if (!path.startsWith('file:')) return resolve(path)
  const [, name = '', query = ''] = /^file:(?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/.exec(path) ?? []
  const parameters = new URLSearchParams(query)
  if (parameters.get('mode') === 'memory' || parameters.get('vfs') === 'memdb') return undefined
  const file = decoded(name)
  return file === '' || file === ':memory:' ? undefined : resolve(file)
}

/** A database that holds nothing, not even its first page: opening it made it. */
export function removeIfEmpty(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.size === 0) rmSync(file)
}

/** Files of a database that others than their owner may read or write, as `name: mode`. */
export function foreignModes(file: string): string[] {
  return ['', ...companions].flatMap(end => {
    const mode = (statSync(file + end, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
    return process.platform !== 'win32' && (mode & foreignBits) !== 0 ? [`${file}${end}: ${mode.toString(8)}`] : []
  })
}

/**
 * What was committed survives a power failure from here on. SQLite alone (WAL, synchronous = NORMAL) promises that only after its
 * next checkpoint. The write-ahead log carries no lock that closing it could give up, unlike the database itself.
 */
export async function syncSqlite(file: string): Promise<void> {
  const log = openLog(file)
  if (log === undefined) return
  // The disk is waited for elsewhere; opening and closing cost less than to say so to another thread.
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
  // Never one that exists: to close it would give up the locks that this process has on it.
  if (statSync(file, { throwIfNoEntry: false })) return
  try {
    // Through a link whose target is not there yet, as SQLite does it.
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
      // Not there, or not ours to change.
    }
  }
}

/** As SQLite reads it: what is no escape stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
