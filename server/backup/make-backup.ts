/** Makes a backup beside a running server: one verified file with a snapshot of the database, key and trail head. */
import { randomBytes } from 'node:crypto'
import { linkSync, lstatSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { verifyTrail } from '../audit/audit-command.ts'
import { type HeadReading, headFileName, headText, TrailHead } from '../audit/trail-head.ts'
import { readNextKey, readSecretKey, refuseHalfRestored } from '../platform/data-dir.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { type Migrations, pendingMigrations } from '../platform/database/migrate.ts'
import { checkSqlite, copySqlite, readSqlite, syncFile, UnreadableDatabase } from '../platform/database/sqlite-copy.ts'
import { renameDurably, syncDirectory } from '../platform/durable-file.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { checkSeal, type Note, readNote, sealNote, writeNote } from './backup-note.ts'

/** A JSON-serialisable request, so that another process can carry it out. */
export interface BackupRequest {
  /** The file of the database. */
  database: string
  dataDir: string
  /** The file of the backup; absolute. */
  file: string
  /** Base64; null for the key of the data directory. It is never written: its owner stores it elsewhere. */
  givenKey: string | null
  withKey: boolean
  /** True to replace an existing file. */
  force: boolean
  program: string
}

export interface BackupMade {
  file: string
  bytes: number
  note: Omit<Note, 'key' | 'head'>
  hasKey: boolean
}

type Unsealed = Omit<Note, 'counts' | 'seal'>
export type JudgeKey = (db: Database, secrets: SecretBox) => Promise<'right' | 'wrong' | 'unknown'>

export interface BackupSurroundings {
  judgeKey: JudgeKey
  /** The migrations that this program knows. */
  migrations: Migrations
}

interface Candidate {
  key: Buffer
  secrets: SecretBox
  head: TrailHead
  /** Read before the copy is made. */
  early: HeadReading
}

/** Makes a backup. @throws Error with one clear line; then nothing is left behind or changed. */
export async function makeBackup(request: BackupRequest, surroundings: BackupSurroundings): Promise<BackupMade> {
  const { file, database, dataDir } = request
  refuseHalfRestored(dataDir)
  checkPlace(request)
  const candidates = await findKeys(request)
  const draft = `${file}.${randomBytes(4).toString('hex')}.partial`
  try {
    const madeAt = new Date().toISOString()
    writing(file, () => copySqlite(database, draft))
    const { note, secrets } = await describe(draft, { request, candidates, madeAt, ...surroundings })
    const { key, head: _head, ...told } = writing(file, () => finish(draft, note, secrets))
    const { size } = statSync(draft)
    writing(file, () => publish(draft, request))
    return { file, bytes: size, note: told, hasKey: key !== null }
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(draft + end, { force: true })
  }
}

/** Checks the target before anything is copied. */
function checkPlace({ file, database, dataDir, force }: BackupRequest): void {
  const there = lstatSync(file, { throwIfNoEntry: false })
  if (!there) return
  if (!there.isFile()) throw new Error(`${file} already exists and is not a file`)
  if (!force) throw new Error(`${file} already exists: choose another name, or replace it with --force`)
  const own = [database, ...['secret.key', 'secret.key.next', headFileName].map(name => join(dataDir, name))]
  const taken = own.flatMap(path => [path, `${path}-wal`, `${path}-shm`]).find(path => isSame(path, file))
  if (taken !== undefined) throw new Error(`${file} is in use by RustyMail: choose another file for the backup`)
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map(path => statSync(path, { throwIfNoEntry: false }))
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev
}

/** Returns two keys after an interrupted rotation: the content of the copy decides which one is right. */
async function findKeys({ givenKey, dataDir }: BackupRequest): Promise<Candidate[]> {
  const kept = () => [readSecretKey(dataDir), readNextKey(dataDir)].filter(key => key !== undefined)
  const keys = givenKey === null ? kept() : [Buffer.from(givenKey, 'base64')]
  if (keys.length === 0) throw new Error(`there is no secret.key in ${dataDir}`)
  return Promise.all(
    keys.map(async key => {
      const secrets = new SecretBox(key)
      const head = new TrailHead({ file: join(dataDir, headFileName), secrets })
      return { key, secrets, head, early: await head.read() }
    }),
  )
}

interface Described extends BackupSurroundings {
  request: BackupRequest
  candidates: readonly Candidate[]
  madeAt: string
}

/** Inspects the copy, never the database, since the copy is what will be restored. */
async function describe(
  draft: string,
  { request, candidates, madeAt, judgeKey, migrations }: Described,
): Promise<Pick<Candidate, 'secrets'> & { note: Unsealed }> {
  const hasEnds = readSqlite(draft, hasKnownEnds)
  const db = openDatabase(`sqlite:${draft}`)
  try {
    await pendingMigrations(db, migrations)
    const candidate = await findRight(db, candidates, judgeKey)
    const trail = hasEnds ? await lookAtTrail(db, candidate, request.dataDir, madeAt) : earlierTrail
    const isKept = request.withKey && request.givenKey === null
    const key = isKept ? candidate.key.toString('base64') : null
    const note = { format: 2, program: request.program, made_at: madeAt, key, ...trail } as const
    return { note, secrets: candidate.secrets }
  } finally {
    await db.destroy()
  }
}

async function findRight(db: Database, candidates: readonly Candidate[], judgeKey: JudgeKey): Promise<Candidate> {
  for (const candidate of candidates) {
    if ((await judgeKey(db, candidate.secrets)) !== 'wrong') return candidate
  }
  throw new Error(
    'the secret key is not the one that sealed the passwords in this database: a backup with it would be unusable',
  )
}

const earlierTrail = {
  head: null,
  trail_fault: 'It was not verified: an earlier RustyMail wrote it, and the first start of this one converts it.',
}

/** Returns false for a table without its present columns, from before the file existed. */
function hasKnownEnds(database: DatabaseSync): boolean {
  return (
    database.prepare("select 1 from pragma_table_info('audit_chain') where name = 'head_number'").get() !== undefined
  )
}

/** Gives an intact trail a head that ends where the copy does: the file has moved on since, or lagged behind. */
async function lookAtTrail(
  db: Database,
  { secrets, head, early }: Candidate,
  dataDir: string,
  madeAt: string,
): Promise<Pick<Note, 'head' | 'trail_fault'>> {
  // One reading before the copy and one after it, as beside a running server.
  const readings = [early, await head.read()]
  const verdict = await verifyTrail(db, secrets, { read: async () => readings.shift() ?? early })
  const ends = await db.selectFrom('audit_chain').selectAll().executeTakeFirst()
  if (!verdict.is_whole || !ends) {
    // The file as it is, since it is evidence.
    return { head: textOf(join(dataDir, headFileName)), trail_fault: verdict.fault?.detail ?? 'Its seal is not ours.' }
  }
  const { trail_id, newest, newest_hash } = ends
  return { head: headText({ version: 1, trail_id, newest, newest_hash, at: madeAt }, [secrets]), trail_fault: null }
}

function textOf(file: string): string | null {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file, 'utf8').slice(0, 4_096) : null
}

/** Writes the note, then reads the whole file once more. */
function finish(draft: string, unsealed: Unsealed, secrets: SecretBox): Note {
  const database = new DatabaseSync(draft)
  try {
    // One file, readable also where nothing can be written.
    database.exec('PRAGMA journal_mode = DELETE')
    writeNote(database, sealNote(database, unsealed, secrets))
  } finally {
    database.close()
  }
  syncFile(draft)
  return readSqlite(draft, written => {
    checkSqlite(written)
    const note = readNote(written)
    checkSeal(written, note, secrets)
    return note
  })
}

/** Publishes the file atomically, never over a file that appeared meanwhile, unless forced. */
function publish(draft: string, { file, force }: BackupRequest): void {
  if (force) return renameDurably(draft, file)
  try {
    linkSync(draft, file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST') throw new Error('a file of that name was created meanwhile')
    // The file system has no hard links.
    return renameDurably(draft, file)
  }
  syncDirectory(dirname(file))
}

function writing<Result>(file: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof UnreadableDatabase) throw error
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`the backup ${basename(file)} could not be written in ${placeOf(file)}: ${words}`, { cause: error })
  }
}

function placeOf(file: string): string {
  const directory = dirname(file)
  return statSync(directory, { throwIfNoEntry: false }) ? realpathSync(directory) : directory
}
