/** Prepares a backup beside its target: copied, with the right key, and verified to be as it was written. */
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
  /** The file of the backup; absolute. */
  file: string
  /** The target of the database. */
  database: string
  dataDir: string
  /** The key of the environment, which is used and not written. */
  givenKey: Buffer | undefined
  /** The path of a file like `secret.key`. */
  keyFrom: string | undefined
  /**
   * True to keep existing files beside the restored ones, and to accept a trail that was intact when backed up and is
   * not any more.
   */
  force: boolean
}

/** The files of a backup while they are prepared. */
export class Drafts {
  readonly database: string
  readonly head: string
  readonly key: string

  constructor({ database, dataDir }: Pick<RestoreRequest, 'database' | 'dataDir'>) {
    this.database = `${database}.restoring`
    this.head = join(dataDir, `${headFileName}.restoring`)
    this.key = join(dataDir, 'secret.key.restoring')
  }

  /** Deletes the drafts, also those of a restore that was killed. */
  remove(): void {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(this.database + end, { force: true })
    for (const file of [this.head, this.key]) for (const end of ['', '.new']) rmSync(file + end, { force: true })
  }
}

/**
 * Copies the backup; everything is checked on the copy, which is what will be used, whatever happens to the backup
 * meanwhile.
 */
export function takeCopy(file: string, drafts: Drafts): Note {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`there is no file ${file}`)
  return restoring(file, () => {
    // Checked in the backup itself, since copying skips what is damaged in an index.
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

/** Checks that this program knows its version, that the key is right, and that everything is as it was written. */
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

/** Moves everything into one file and flushes it to disk, since only that file is put in place. */
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
