/** Restores a backup: everything is verified and prepared beside the existing files before any of them is replaced. */
import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { recordAction, verifyTrail } from '../audit/audit-command.ts'
import { headFileName, TrailHead } from '../audit/trail-head.ts'
import { restoreJournal } from '../platform/data-dir.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { migrate } from '../platform/database/migrate.ts'
import { replaceFileSync } from '../platform/durable-file.ts'
import type { Logger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import type { Note } from './backup-note.ts'
import type { BackupSurroundings } from './make-backup.ts'
import { checkCopy, Drafts, keyFor, type RestoreRequest, settle, takeCopy } from './restore-drafts.ts'
import { finishMoves, type Journal, readJournal, writeJournal } from './restore-moves.ts'

export interface RestoreSurroundings extends BackupSurroundings {
  /** Checks the key, as each start does. @throws Error */
  checkKey(db: Database, secrets: SecretBox, head: TrailHead): Promise<void>
  /** Stops messages that waited to be sent, since they may have been sent since. Returns how many. */
  stopOutbox(transaction: Database, now: number): Promise<number>
  logger: Logger
  now: () => number
}

export interface Restored {
  note: Note
  /** The paths to which the previous files were moved. */
  kept: readonly string[]
  /** The fault of the trail; undefined if it is intact. */
  trailFault: string | undefined
  /** Entries that the previous `audit.head` knew and the backup lacks: `from 7 to 9`. */
  missing: string | undefined
  /** Messages that waited to be sent, and wait for a decision now. */
  undecided: number
}

/**
 * Restores a backup; the caller has locked data directory and database.
 * @throws Error with one clear line; then nothing that existed has changed.
 */
export async function restoreBackup(request: RestoreRequest, surroundings: RestoreSurroundings): Promise<Restored> {
  const place = { ...request, database: realPlace(request.database) }
  const journal = restoreJournal(place.dataDir)
  const { plan, restored } = await prepareRestore(place, surroundings)
  writeJournal(journal, plan)
  finishMoves(journal, plan)
  return restored
}

/** Finishes a restore that was killed while files were moved. Returns its journal; undefined if there was none. */
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

/** Prepares everything except the moves. */
export async function prepareRestore(
  request: RestoreRequest,
  surroundings: RestoreSurroundings,
): Promise<{ plan: Journal; restored: Restored }> {
  const { file, database, dataDir, force } = request
  const there = ownFiles(request)
  if (there.length > 0 && !force) {
    throw new Error(
      `${there[0]} already exists: restore into an empty data directory, or keep the old files beside the new ones with --force`,
    )
  }
  const drafts = new Drafts(request)
  drafts.remove()
  try {
    const note = takeCopy(file, drafts)
    const { key, isWritten } = keyFor(request, note)
    await checkCopy(request, { note, drafts, secrets: new SecretBox(key), ...surroundings })
    const { trailFault, missing, undecided } = await makeReady({ request, note, drafts, key, surroundings })
    settle(drafts)
    if (isWritten) replaceFileSync(drafts.key, `${key.toString('base64')}\n`)
    const stamp = new Date(surroundings.now()).toISOString().replaceAll(/[-:.]/g, '')
    const keep = there.map(from => ({ kind: 'keep', from, to: besideOf(from, database, stamp) }) as const)
    const put = [
      { kind: 'put', from: drafts.key, to: join(dataDir, 'secret.key') },
      { kind: 'put', from: drafts.head, to: join(dataDir, headFileName) },
      // Moved last: without it nothing runs.
      { kind: 'put', from: drafts.database, to: database },
    ] as const
    const moves = [...keep, ...put.filter(({ from }) => existsSync(from))]
    const kept = keep.map(({ to }) => to)
    return {
      plan: { version: 1, backup: file, made_at: note.made_at, moves },
      restored: { note, kept, trailFault, missing, undecided },
    }
  } catch (error) {
    drafts.remove()
    throw error
  }
}

/**
 * Returns the files that a server would use. A database without any page does not count: taking its lock created it.
 */
function ownFiles({ database, dataDir }: RestoreRequest): string[] {
  const databases = ['', '-wal', '-shm', '-journal'].map(end => database + end)
  const others = ['secret.key', 'secret.key.next', headFileName].map(name => join(dataDir, name))
  return [...databases, ...others].filter(path => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0)
}

/**
 * Returns the new name of a previous file; WAL and its index keep the name of their database, so that SQLite finds
 * them.
 */
function besideOf(path: string, database: string, stamp: string): string {
  const mark = `.before-restore-${stamp}`
  return path.startsWith(`${database}-`) ? database + mark + path.slice(database.length) : path + mark
}

interface Making {
  request: RestoreRequest
  note: Note
  drafts: Drafts
  key: Buffer
  surroundings: RestoreSurroundings
}

/** Migrates the copy, verifies the trail, and removes what must not be revived. */
async function makeReady({
  request,
  note,
  drafts,
  key,
  surroundings,
}: Making): Promise<Pick<Restored, 'trailFault' | 'missing' | 'undecided'>> {
  const { checkKey, stopOutbox, migrations, logger, now } = surroundings
  const secrets = new SecretBox(key)
  const head = new TrailHead({ file: drafts.head, secrets })
  const db = openDatabase(`sqlite:${drafts.database}`)
  try {
    await migrate(db, migrations)
    if (note.head !== null) replaceFileSync(drafts.head, note.head)
    await checkKey(db, secrets, head)
    const verdict = await verifyTrail(db, secrets, head)
    const trailFault = verdict.is_whole ? undefined : (verdict.fault?.detail ?? 'Its seal is not ours.')
    if (trailFault !== undefined && note.trail_fault === null && !request.force) {
      throw new Error(
        `the audit trail in it was intact when it was made, and no longer is (--force restores it anyway): ${trailFault}`,
      )
    }
    const undecided = await db.transaction().execute(async transaction => {
      await endWhatMayHaveEnded(transaction)
      return stopOutbox(transaction, now())
    })
    const missing = await knownBefore(db, request, secrets)
    const refs = { backup_made_at: note.made_at, newest: String(verdict.newest ?? 0), ...(missing ? { missing } : {}) }
    const action = { operation: 'cli.restoreBackup', effect: 'write', refs } as const
    await recordAction(db, { secrets, head, logger, now, action })
    return { trailFault, missing, undecided }
  } finally {
    await db.destroy()
  }
}

/**
 * Ends all sessions and links, since it is unknown which of them were ended since the backup. Event numbers are
 * assigned a second time, so the log gets a new epoch, by which resuming streams detect that.
 */
async function endWhatMayHaveEnded(transaction: Database): Promise<void> {
  await transaction.deleteFrom('sessions').execute()
  await transaction.deleteFrom('user_links').execute()
  await transaction
    .updateTable('event_counter')
    .set({ epoch: randomBytes(4).toString('hex') })
    .execute()
}

/** Returns entries newer than the backup that the previous head file knows. */
async function knownBefore(db: Database, { dataDir }: RestoreRequest, secrets: SecretBox): Promise<string | undefined> {
  const before = await new TrailHead({ file: join(dataDir, headFileName), secrets }).read()
  const ends = await db.selectFrom('audit_chain').select(['trail_id', 'newest']).executeTakeFirst()
  if (before.kind !== 'ours' || !ends || before.head.trail_id !== ends.trail_id) return undefined
  return before.head.newest > ends.newest ? `${ends.newest + 1} to ${before.head.newest}` : undefined
}

/** Resolves symbolic links: moving a file over the link would replace the link. */
function realPlace(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}
