/** The data directory: taken by one server at a time, and home of the secret key. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { removeDrafts, renameDurably, replaceFileSync } from './durable-file.ts'
import { type FileLock, takeFileLock } from './file-lock.ts'
import { naming, reasonOf, StartFault } from './start-fault.ts'

/** Another server runs on the same data directory. */
export class DataDirTaken extends Error {
  /** @param whose Which process it is, where that is known. */
  constructor(whose = '') {
    super(
      `another RustyMail${whose} is running on this data directory. Stop it, or set RUSTYMAIL_DATA_DIR to another one`,
    )
  }
}

export interface DataDir {
  readonly path: string
  /** 32 bytes of `secret.key`; undefined when there is none. */
  secretKey(): Buffer | undefined
  keepSecretKey(key: Buffer): void
  /** The key of a change that was not finished. */
  nextKey(): Buffer | undefined
  /** Beside the old one, until it is adopted. */
  keepNextKey(key: Buffer): Buffer
  adoptNextKey(): void
  /** Takes its lock again when that was removed. False when another server has the directory. */
  keep(): boolean
  release(): void
}

/** There while the files of a restored backup are put into their places; see `server/backup/restore-moves.ts`. */
const restoreJournalName = 'restore.json'

export function restoreJournal(path: string): string {
  return join(path, restoreJournalName)
}

/** @throws Error when some files of the data directory are of a backup and others are not. */
export function refuseHalfRestored(path: string): void {
  if (!existsSync(restoreJournal(path))) return
  throw new Error(
    'a restore was interrupted in this data directory: run the same "rustymail restore" again, which finishes it',
  )
}

const wayOut =
  'It must belong to the user that runs RustyMail, with all that is in it: change that, or set RUSTYMAIL_DATA_DIR to another directory'

/**
 * The lock ends with the process however that ends; the pid file beside it is for people.
 * @param options `isRestoring`: half of it may be restored.
 * @throws DataDirTaken
 */
export function takeDataDir(path: string, { isRestoring = false } = {}): DataDir {
  if (!isRestoring) refuseHalfRestored(path)
  const pidFile = join(path, 'rustymail.pid')
  const whole = resolve(path)
  const lock = naming(`the data directory ${whole}`, wayOut, whole, () => prepare(whole, pidFile))
  if (!lock) throw new DataDirTaken(pidIn(pidFile))
  return {
    path,
    secretKey: () => readSecretKey(path),
    keepSecretKey: key => writeKey(join(path, 'secret.key'), key),
    nextKey: () => readNextKey(path),
    keepNextKey: key => {
      writeKey(join(path, 'secret.key.next'), key)
      return key
    },
    adoptNextKey: () => renameDurably(join(path, 'secret.key.next'), join(path, 'secret.key')),
    keep: () => lock.keep(),
    release: () => {
      rmSync(pidFile, { force: true })
      lock.release()
    },
  }
}

/** Undefined when another server has it. */
function prepare(path: string, pidFile: string): FileLock | undefined {
  makeDirectory(path)
  // Before anything is changed of what may be somebody's file.
  if (!statSync(path).isDirectory()) throw new Error('not a directory')
  chmodSync(path, 0o700)
  const lock = takeFileLock(join(path, 'rustymail.lock'))
  if (!lock) return undefined
  try {
    removeDrafts(path)
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
    return lock
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Not `recursive: true`, with which Node never comes back from a file system that refuses new directories with ENOENT, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  if (dirname(path) !== path) makeDirectory(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!existsSync(path)) throw error
  }
}

function pidIn(file: string): string {
  const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return /^\d+$/.test(pid) ? ` (process ${pid})` : ''
}

/** Without taking the directory; undefined when there is none. */
export function readSecretKey(path: string): Buffer | undefined {
  return readKey(join(path, 'secret.key'))
}

/** Of a change that was not finished; without taking the directory. */
export function readNextKey(path: string): Buffer | undefined {
  return readKey(join(path, 'secret.key.next'))
}

/** A key as `secret.key` holds it. */
export function readKey(file: string): Buffer | undefined {
  if (!existsSync(file)) return undefined
  const key = Buffer.from(textOf(file).trim(), 'base64')
  if (key.length !== 32) throw new StartFault(`${file} does not hold a key of 32 bytes in base64. ${keyWayOut}`)
  return key
}

const keyWayOut = 'Put the right key back, from a backup: what is stored encrypted cannot be read without it'

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new StartFault(`the key ${file} cannot be read: ${reasonOf(error, file)}`, { cause: error })
  }
}

/** Whole or not at all: half a key would stop every start. */
function writeKey(file: string, key: Buffer): void {
  replaceFileSync(file, `${key.toString('base64')}\n`)
}
