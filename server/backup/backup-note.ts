/**
 * The metadata of a backup: one row in a table of its own, so that the backup is one file and still a database that any
 * SQLite opens.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { listTables, readRows, readSchema } from '../platform/database/sqlite-copy.ts'
import type { SecretBox } from '../platform/secret-box.ts'

const Note = z.strictObject({
  /** In format 1 the seal does not cover the schema. */
  format: z.union([z.literal(1), z.literal(2)]),
  /** The version of RustyMail that made it. */
  program: z.string(),
  made_at: z.iso.datetime(),
  /** The secret key in base64; null if it was left out. */
  key: z.base64().nullable(),
  /** `audit.head` that matches this state of the database; null if there was none. */
  head: z.string().nullable(),
  /** A fault that the audit trail already had; null if it was intact. */
  trail_fault: z.string().nullable(),
  /** The number of rows of each table. */
  counts: z.record(z.string(), z.int().min(0)),
  /** HMAC of the schema, every row and the above, so that damage and tampering without the key are detected. */
  seal: z.string(),
})
export type Note = z.infer<typeof Note>

const noteTable = 'rustymail_backup'

export function writeNote(database: DatabaseSync, note: Note): void {
  database.exec(`drop table if exists ${noteTable}; create table ${noteTable} (note text not null)`)
  database.prepare(`insert into ${noteTable} values (?)`).run(JSON.stringify(note))
}

/** Reads the note. @throws Error if there is none, or a newer version wrote it. */
export function readNote(database: DatabaseSync): Note {
  const isThere = database.prepare('select 1 from sqlite_master where name = ?').get(noteTable)
  if (!isThere) throw new Error('it was not made by "rustymail backup"')
  const text = String(database.prepare(`select note from ${noteTable}`).get()?.note)
  const { success, data } = Note.safeParse(parsed(text))
  if (!success) throw new Error('its metadata cannot be read: it is damaged, or a newer RustyMail made it')
  return data
}

/** Drops the note securely: the key must not remain in a free page. */
export function removeNote(database: DatabaseSync): void {
  database.exec(`PRAGMA secure_delete = ON; drop table ${noteTable}`)
}

/** Seals the note over everything in the database except the note. */
export function sealNote(
  database: DatabaseSync,
  note: Omit<Note, 'counts' | 'seal'>,
  secrets: Pick<SecretBox, 'derive'>,
): Note {
  const hmac = createHmac('sha256', secrets.derive('backup'))
  const counts: Note['counts'] = {}
  for (const table of listTables(database).filter(name => name !== noteTable)) {
    let count = 0
    hmac.update(`${JSON.stringify([table])}\n`)
    for (const row of readRows(database, table)) {
      hmac.update(`${row}\n`)
      count++
    }
    counts[table] = count
  }
  const { format, program, made_at, head, trail_fault } = note
  // A trigger would change rows later, and a default those that are inserted.
  if (format > 1) for (const part of readSchema(database, noteTable)) hmac.update(`schema ${part}\n`)
  hmac.update(JSON.stringify([format, program, made_at, head, trail_fault]))
  return { ...note, counts, seal: hmac.digest('hex') }
}

/** @throws Error if database or note are not as they were written. */
export function checkSeal(database: DatabaseSync, note: Note, secrets: Pick<SecretBox, 'derive'>): void {
  const found = sealNote(database, note, secrets)
  const names = new Set([...Object.keys(note.counts), ...Object.keys(found.counts)])
  const wrong = [...names].find(name => note.counts[name] !== found.counts[name])
  if (wrong !== undefined) {
    throw new Error(
      `it should hold ${note.counts[wrong] ?? 'no'} rows of ${wrong}, and holds ${found.counts[wrong] ?? 'none'}`,
    )
  }
  const [given, wanted] = [Buffer.from(note.seal), Buffer.from(found.seal)]
  const isWhole = given.length === wanted.length && timingSafeEqual(given, wanted)
  // RustyMail has neither triggers nor views, which the seal of the first format would not reveal.
  if (isWhole && (note.format > 1 || !hasCode(database))) return
  throw new Error('its content is not as it was written: it was damaged or changed')
}

function hasCode(database: DatabaseSync): boolean {
  const found = database.prepare("select 1 from sqlite_master where type in ('trigger', 'view')").get()
  return found !== undefined
}

/** Describes the content for people. */
export function contentOf(counts: Note['counts']): string {
  const words = [
    ['users', 'user', 'users'],
    ['accounts', 'account', 'accounts'],
    ['api_tokens', 'token', 'tokens'],
    ['audit_entries', 'entry of the audit trail', 'entries of the audit trail'],
  ] as const
  return words.map(([table, one, many]) => `${counts[table] ?? 0} ${counts[table] === 1 ? one : many}`).join(', ')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
