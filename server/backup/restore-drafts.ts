/** A backup made ready beside the place where it is to be: copied, with the right key, and as it was written. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { headFileName } from '../audit/trail-head.ts'
import { readKey } from '../platform/data-dir.ts'
import { openDatabase } from '../platform/database/database.ts'
import { pendingMigrations } from '../platform/database/migrate.ts'
import { checkSqlite, copySqlite, readSqlite, syncFile } from '../platform/database/sqlite-copy.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { checkSeal, type Note, readNote, removeNote } from './backup-note.ts'
import type { BackupSurroundings } from './make-backup.ts'

export interface RestoreRequest {
  /** The backup; absolute. */
  file: string
  /** Where the database is to be. */
  database: string
  dataDir: string
  /** Of the environment: it is used and not written. */
  givenKey: Buffer | undefined
  /** A file like `secret.key`. */
  keyFrom: string | undefined
  /** Files that are there are kept beside the restored ones; a trail that was whole when the backup was made may not be so any more. */
  force: boolean
}

/** What a backup is made of, where it is made ready. */
export class Drafts {
  readonly database: string
  readonly head: string
  readonly key: string

  constructor({ database, dataDir }: Pick<RestoreRequest, 'database' | 'dataDir'>) {
    this.database = `${database}.restoring`
    this.head = join(dataDir, `${headFileName}.restoring`)
    this.key = join(dataDir, 'secret.key.restoring')
  }

  /** Also of a restore that was killed. */
  remove(): void {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(this.database + end, { force: true })
    for (const file of [this.head, this.key]) for (const end of ['', '.new']) rmSync(file + end, { force: true })
  }
}

/** The copy is looked at, which is what will be used, whatever becomes of the backup meanwhile. */
export function takeCopy(file: string, drafts: Drafts): Note {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`there is no file ${file}`)
  return restoring(file, () => {
    // In the backup itself: copying leaves out what is damaged in an index.
    readSqlite(file, checkSqlite)
    copySqlite(file, drafts.database)
    const copy = new DatabaseSync(drafts.database)
    try {
      checkSqlite(copy)
      const note = readNote(copy)
      removeNote(copy)
      return note
    } finally {
      copy.close()
    }
  })
}

function restoring<Result>(file: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`${file} cannot be restored: ${words}`, { cause: error })
  }
}

export function keyFor({ givenKey, keyFrom }: RestoreRequest, note: Note): { key: Buffer; isWritten: boolean } {
  if (givenKey) {
    if (keyFrom !== undefined) throw new Error('the key comes from RUSTYMAIL_SECRET_KEY: leave out --key-from')
    return { key: givenKey, isWritten: false }
  }
  if (keyFrom !== undefined) {
    const key = readKey(keyFrom)
    if (!key) throw new Error(`there is no file ${keyFrom}`)
    return { key, isWritten: true }
  }
  if (note.key !== null) return { key: Buffer.from(note.key, 'base64'), isWritten: true }
  throw new Error(
    'this backup was made without the secret key: give the key of that time with --key-from <file>, or in RUSTYMAIL_SECRET_KEY',
  )
}

interface Checking extends BackupSurroundings {
  note: Note
  drafts: Drafts
  secrets: SecretBox
}

/** Is it of a version that this program knows, is the key the right one, and is all of it as it was written. */
export async function checkCopy(
  { file, givenKey }: RestoreRequest,
  { note, drafts, secrets, judgeKey, migrations }: Checking,
): Promise<void> {
  const db = openDatabase(`sqlite:${drafts.database}`)
  try {
    await pendingMigrations(db, migrations)
    if ((await judgeKey(db, secrets)) === 'wrong') {
      const source = givenKey ? ' of RUSTYMAIL_SECRET_KEY' : ''
      throw new Error(`the secret key${source} is not the one that sealed the passwords in this backup`)
    }
  } finally {
    await db.destroy()
  }
  restoring(file, () => readSqlite(drafts.database, copy => checkSeal(copy, note, secrets)))
}

/** Everything is in the one file, and on the disk: it alone is put into its place. */
export function settle({ database }: Drafts): void {
  const written = new DatabaseSync(database)
  try {
    written.exec('PRAGMA journal_mode = DELETE')
    checkSqlite(written)
  } finally {
    written.close()
  }
  syncFile(database)
}
