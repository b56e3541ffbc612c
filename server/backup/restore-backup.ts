/** Restores a backup: everything is checked and made ready beside what is there, before anything is put into its place. */
import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { noteDeed, verifyTrail } from '../audit/audit-command.ts'
import { headFileName, TrailHead } from '../audit/trail-head.ts'
import { readKey, restoreJournal } from '../platform/data-dir.ts'
import { type Database, migrate, openDatabase } from '../platform/database/database.ts'
import { checkSqlite, copySqlite, readSqlite, syncFile } from '../platform/database/sqlite-copy.ts'
import { replaceFileSync } from '../platform/durable-file.ts'
import type { Logger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { checkContent, type Note, readNote, removeNote } from './backup-note.ts'
import type { JudgeKey } from './make-backup.ts'
import { finishMoves, type Journal, readJournal, writeJournal } from './restore-moves.ts'

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

export interface RestoreSurroundings {
  judgeKey: JudgeKey
  /** As at each start. @throws Error */
  checkKey(db: Database, secrets: SecretBox, head: TrailHead): Promise<void>
  logger: Logger
  now: () => number
}

export interface Restored {
  note: Note
  /** Where those of before are now. */
  kept: readonly string[]
  /** What is wrong with the trail; undefined: it is whole. */
  trailFault: string | undefined
  /** Entries that the `audit.head` of before knew, and the backup does not hold: `from 7 to 9`. */
  missing: string | undefined
}

/** What a backup is made of, where it is made ready. */
class Drafts {
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

/**
 * Data directory and database are the caller's alone.
 * @throws Error in one clear line; then nothing that was there is changed.
 */
export async function restoreBackup(request: RestoreRequest, surroundings: RestoreSurroundings): Promise<Restored> {
  const place = { ...request, database: realPlace(request.database) }
  const journal = restoreJournal(place.dataDir)
  const { plan, restored } = await prepareRestore(place, surroundings)
  writeJournal(journal, plan)
  finishMoves(journal, plan)
  return restored
}

/** One that was killed while files were put into their places. Answers what it was; undefined when there was none. */
export function finishRestore({ dataDir, file }: Pick<RestoreRequest, 'dataDir' | 'file'>): Journal | undefined {
  const path = restoreJournal(dataDir)
  const journal = readJournal(path)
  if (!journal) return undefined
  if (journal.backup !== file) {
    throw new Error(
      `a restore of ${journal.backup} was interrupted: finish it first, with "rustymail restore ${journal.backup}"`,
    )
  }
  finishMoves(path, journal)
  return journal
}

/** Everything but the moves. */
export async function prepareRestore(
  request: RestoreRequest,
  surroundings: RestoreSurroundings,
): Promise<{ plan: Journal; restored: Restored }> {
  const { file, database, dataDir, force } = request
  const there = ownFiles(request)
  if (there.length > 0 && !force) {
    throw new Error(
      `${there[0]} is there already: restore into an empty data directory, or keep what is there beside it with --force`,
    )
  }
  const drafts = new Drafts(request)
  drafts.remove()
  try {
    const note = takeCopy(file, drafts)
    const { key, isWritten } = keyFor(request, note)
    const { trailFault, missing } = await makeReady({ request, note, drafts, key, surroundings })
    settle(drafts)
    if (isWritten) replaceFileSync(drafts.key, `${key.toString('base64')}\n`)
    const stamp = new Date(surroundings.now()).toISOString().replaceAll(/[-:.]/g, '')
    const keep = there.map(from => ({ kind: 'keep', from, to: besideOf(from, database, stamp) }) as const)
    const put = [
      { kind: 'put', from: drafts.key, to: join(dataDir, 'secret.key') },
      { kind: 'put', from: drafts.head, to: join(dataDir, headFileName) },
      // Last: without it nothing runs.
      { kind: 'put', from: drafts.database, to: database },
    ] as const
    const moves = [...keep, ...put.filter(({ from }) => existsSync(from))]
    const kept = keep.map(({ to }) => to)
    return {
      plan: { version: 1, backup: file, made_at: note.made_at, moves },
      restored: { note, kept, trailFault, missing },
    }
  } catch (error) {
    drafts.remove()
    throw error
  }
}

/** What a server would work with. A database without a single page is none: taking its lock made it. */
function ownFiles({ database, dataDir }: RestoreRequest): string[] {
  const databases = ['', '-wal', '-shm', '-journal'].map(end => database + end)
  const others = ['secret.key', 'secret.key.next', headFileName].map(name => join(dataDir, name))
  return [...databases, ...others].filter(path => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0)
}

/** Log and index keep the name of their database, so that SQLite finds them. */
function besideOf(path: string, database: string, stamp: string): string {
  const mark = `.before-restore-${stamp}`
  return path.startsWith(`${database}-`) ? database + mark + path.slice(database.length) : path + mark
}

/** The copy is looked at, which is what will be used, whatever becomes of the backup meanwhile. */
function takeCopy(file: string, drafts: Drafts): Note {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`there is no file ${file}`)
  try {
    // In the backup itself: copying leaves out what is damaged in an index.
    readSqlite(file, checkSqlite)
    copySqlite(file, drafts.database)
    const copy = new DatabaseSync(drafts.database)
    try {
      checkSqlite(copy)
      const note = readNote(copy)
      checkContent(copy, note)
      removeNote(copy)
      return note
    } finally {
      copy.close()
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`${file} cannot be restored: ${words}`, { cause: error })
  }
}

function keyFor({ givenKey, keyFrom }: RestoreRequest, note: Note): { key: Buffer; isWritten: boolean } {
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
    'this backup was made without the secret key: give that of then with --key-from <file>, or in RUSTYMAIL_SECRET_KEY',
  )
}

interface Making {
  request: RestoreRequest
  note: Note
  drafts: Drafts
  key: Buffer
  surroundings: RestoreSurroundings
}

/** Brings the copy up to date, looks whether key and trail are right, and takes out what must not come to life again. */
async function makeReady({
  request,
  note,
  drafts,
  key,
  surroundings,
}: Making): Promise<Pick<Restored, 'trailFault' | 'missing'>> {
  const { judgeKey, checkKey, logger, now } = surroundings
  const secrets = new SecretBox(key)
  const head = new TrailHead({ file: drafts.head, secrets })
  const db = openDatabase(`sqlite:${drafts.database}`)
  try {
    await migrate(db)
    if ((await judgeKey(db, secrets)) === 'wrong') {
      const source = request.givenKey ? ' of RUSTYMAIL_SECRET_KEY' : ''
      throw new Error(`the secret key${source} is not the one that sealed the passwords in this backup`)
    }
    if (note.head !== null) replaceFileSync(drafts.head, note.head)
    await checkKey(db, secrets, head)
    const verdict = await verifyTrail(db, secrets, head)
    const trailFault = verdict.is_whole ? undefined : (verdict.fault?.detail ?? 'Its seal is not ours.')
    if (trailFault !== undefined && note.trail_fault === null && !request.force) {
      throw new Error(
        `the audit trail in it was whole when it was made, and is not any more (--force restores it all the same): ${trailFault}`,
      )
    }
    await endWhatMayHaveEnded(db)
    const missing = await knownBefore(db, request, secrets)
    const refs = { backup_made_at: note.made_at, newest: String(verdict.newest ?? 0), ...(missing ? { missing } : {}) }
    const deed = { operation: 'cli.restoreBackup', effect: 'write', refs } as const
    await noteDeed(db, { secrets, head, logger, now, deed })
    return { trailFault, missing }
  } finally {
    await db.destroy()
  }
}

/** Everything is in the one file, and on the disk: it alone is put into its place. */
function settle({ database }: Drafts): void {
  const written = new DatabaseSync(database)
  try {
    written.exec('PRAGMA journal_mode = DELETE')
    checkSqlite(written)
  } finally {
    written.close()
  }
  syncFile(database)
}

/**
 * Nobody knows which sessions and links were ended since: all of them are, and people sign in again. Numbers of events are given
 * away a second time, so the log gets another epoch, by which streams that come back know it.
 */
async function endWhatMayHaveEnded(db: Database): Promise<void> {
  await db.transaction().execute(async transaction => {
    await transaction.deleteFrom('sessions').execute()
    await transaction.deleteFrom('user_links').execute()
    await transaction
      .updateTable('event_counter')
      .set({ epoch: randomBytes(4).toString('hex') })
      .execute()
  })
}

/** The file of before, where there is one, may know entries that came after the backup. */
async function knownBefore(db: Database, { dataDir }: RestoreRequest, secrets: SecretBox): Promise<string | undefined> {
  const before = await new TrailHead({ file: join(dataDir, headFileName), secrets }).read()
  const ends = await db.selectFrom('audit_chain').select(['trail_id', 'newest']).executeTakeFirst()
  if (before.kind !== 'ours' || !ends || before.head.trail_id !== ends.trail_id) return undefined
  return before.head.newest > ends.newest ? `${ends.newest + 1} to ${before.head.newest}` : undefined
}

/** Through a link to where the file is: to move another into its place would take away the link. */
function realPlace(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}
