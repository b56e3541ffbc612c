/** The data directory: locked by one server at a time, and home of the secret key. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { removeDrafts, renameDurably, replaceFileSync } from './durable-file.ts'
import { type FileLock, takeFileLock } from './file-lock.ts'
import { naming, reasonOf, StartFault } from './start-fault.ts'

/** Another server runs on the same data directory. */
export class DataDirTaken extends Error {
  /** @param whose Description of the other process, if known. */
  constructor(whose = '') {
    super(
      `another RustyMail${whose} is running on this data directory. Stop it, or set RUSTYMAIL_DATA_DIR to another one`,
    )
  }
}

export interface DataDir {
  readonly path: string
  /** Returns the 32 bytes of `secret.key`; undefined if there is none. */
  secretKey(): Buffer | undefined
  keepSecretKey(key: Buffer): void
  /** Returns the new key of an unfinished key rotation. */
  nextKey(): Buffer | undefined
  /** Stores a new key beside the old one, until it is adopted. */
  keepNextKey(key: Buffer): Buffer
  adoptNextKey(): void
  /** Retakes the lock if its file was removed. Returns false if another server has the directory. */
  keep(): boolean
  release(): void
}

/** Journal that exists while the files of a backup are moved into place; see `server/backup/restore-moves.ts`. */
const restoreJournalName = 'restore.json'

export function restoreJournal(path: string): string {
  return join(path, restoreJournalName)
}

/** Checks for an interrupted restore. @throws Error if only some files of the data directory are restored */
export function refuseHalfRestored(path: string): void {
  if (!existsSync(restoreJournal(path))) return
  throw new Error(
    'a restore was interrupted in this data directory: run the same "rustymail restore" again, which finishes it',
  )
}

const wayOut =
  'It must belong to the user that runs RustyMail, with all that is in it: change that, or set RUSTYMAIL_DATA_DIR to another directory'

/**
 * Takes the data directory. The lock ends with the process, however it ends; the pid file is only for people.
 * @param options `isRestoring`: accept a partially restored directory.
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

/** Creates and locks the directory; undefined if another server has it. */
function prepare(path: string, pidFile: string): FileLock | undefined {
  makeDirectory(path)
  // Checked before the mode of what may be an unrelated file is changed.
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

/** Replaces `recursive: true`, with which Node loops forever where mkdir fails with ENOENT, as in /proc. */
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

/** Reads the key without taking the directory; undefined if there is none. */
export function readSecretKey(path: string): Buffer | undefined {
  return readKey(join(path, 'secret.key'))
}

/** Reads the new key of an unfinished key rotation without taking the directory. */
export function readNextKey(path: string): Buffer | undefined {
  return readKey(join(path, 'secret.key.next'))
}

/** Reads a key file in the format of `secret.key`; undefined if there is none. @throws StartFault */
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

/** Writes a key atomically, since a partial key would make every start fail. */
function writeKey(file: string, key: Buffer): void {
  replaceFileSync(file, `${key.toString('base64')}\n`)
}
