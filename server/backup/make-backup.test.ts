/** A backup made while the trail goes on, while the key is being changed, and of a trail that is not whole. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { writeMigratedFile } from '../../test/support/migrated-file.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { recordAction, verifyTrail } from '../audit/audit-command.ts'
import { headText, TrailHead } from '../audit/trail-head.ts'
import { checkKey, judgeKey } from '../key-rotation.ts'
import { migrations } from '../migrations.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { readNote, removeNote, sealNote, writeNote } from './backup-note.ts'
import { makeBackup } from './make-backup.ts'
import { restoreBackup } from './restore-backup.ts'

const key = Buffer.alloc(32, 3)
const secrets = new SecretBox(key)
const logger = createLogger('silent')
const action = { operation: 'cli.rotateKey', effect: 'write', refs: {} } as const

async function home() {
  const dir = tempDir('make-backup')
  onTestFinished(() => dir.remove())
  const place = (name: string) => join(dir.path, name)
  for (const name of ['data', 'restored']) mkdirSync(place(name))
  writeFileSync(place('data/secret.key'), `${key.toString('base64')}\n`)
  await writeMigratedFile(place('data/rustymail.db'))
  const db = openDatabase(`sqlite:${place('data/rustymail.db')}`)
  onTestFinished(() => db.destroy())
  const head = new TrailHead({ file: place('data/audit.head'), secrets })
  await checkKey(db, { secrets, keep: undefined }, head)
  const note = () => recordAction(db, { secrets, head, logger, now: Date.now, action })
  await note()
  const request = {
    database: place('data/rustymail.db'),
    dataDir: place('data'),
    file: place('backup.db'),
    givenKey: null,
    withKey: true,
    force: false,
    program: '1',
  }
  const restore = async (force = false) => {
    const restored = place('restored')
    const database = join(restored, 'rustymail.db')
    const rest = { givenKey: undefined, keyFrom: undefined, force }
    const outcome = await restoreBackup(
      { file: request.file, database, dataDir: restored, ...rest },
      {
        judgeKey,
        migrations,
        checkKey: (each, box, file) => checkKey(each, { secrets: box, keep: undefined }, file),
        stopOutbox: async () => 0,
        logger,
        now: Date.now,
      },
    )
    const copy = openDatabase(`sqlite:${database}`)
    onTestFinished(() => copy.destroy())
    const verdict = await verifyTrail(copy, secrets, new TrailHead({ file: join(restored, 'audit.head'), secrets }))
    return { outcome, verdict }
  }
  return { place, db, note, request, restore }
}

/** Damages all pages but the first few, which hold the schema. */
function damaged(bytes: Buffer): Buffer {
  return Buffer.from(bytes).fill(7, 8 * 4_096)
}

test('the head in it is that of the copy, though the file beside the database has gone on since', async () => {
  const { note, request, restore } = await home()
  let isFirst = true
  // Requested once the copy exists.
  const judgeLater = async (copy: Database, box: SecretBox) => {
    if (isFirst) for (let count = 0; count < 3; count++) await note()
    isFirst = false
    return judgeKey(copy, box)
  }
  expect(await makeBackup(request, { judgeKey: judgeLater, migrations })).toMatchObject({
    note: { trail_fault: null },
    hasKey: true,
  })
  const { outcome, verdict } = await restore()
  expect(outcome.trailFault).toBeUndefined()
  // The first entry, and that of the restore.
  expect(verdict).toMatchObject({ is_whole: true, newest: 2 })
})

test('while a change of the key is interrupted, the one that is right goes into it', async () => {
  const { place, request, restore } = await home()
  writeFileSync(place('data/secret.key.next'), readFileSync(place('data/secret.key')))
  writeFileSync(place('data/secret.key'), `${Buffer.alloc(32, 4).toString('base64')}\n`)
  expect(await makeBackup(request, { judgeKey, migrations })).toMatchObject({ hasKey: true })
  expect((await restore()).verdict.is_whole).toBe(true)
  expect(readFileSync(place('restored/secret.key'), 'utf8').trim()).toBe(key.toString('base64'))
})

test('a trail that is not whole is said to be so, and a restore makes it no better', async () => {
  const { place, request, restore } = await home()
  rmSync(place('data/audit.head'))
  const { note } = await makeBackup(request, { judgeKey, migrations })
  expect(note.trail_fault).toContain('audit.head is missing')
  const { outcome, verdict } = await restore()
  expect(outcome.trailFault).toContain('audit.head is missing')
  expect(verdict).toMatchObject({ is_whole: false, fault: { kind: 'unconfirmed' } })
})

test('a database that cannot be read is told as that, not as a place where nothing can be written', async () => {
  const { request } = await home()
  const other = `${request.database}-other`
  const unreadable = `the database ${other} cannot be read: `
  const surroundings = { judgeKey, migrations }
  for (const [content, reason] of [
    ['This is no database, however long it is. '.repeat(500), 'file is not a database'],
    [damaged(readFileSync(request.database)), 'database disk image is malformed'],
  ] as const) {
    writeFileSync(other, content)
    await expect(makeBackup({ ...request, database: other }, surroundings)).rejects.toThrow(unreadable + reason)
  }
  const gone = `${other}-too`
  await expect(makeBackup({ ...request, database: gone }, surroundings)).rejects.toThrow(
    `there is no database at ${gone}`,
  )
})

test('a file that appears under its name while it is made is left as it is', async () => {
  const { place, request } = await home()
  const judgeLater = async (copy: Database, box: SecretBox) => {
    writeFileSync(request.file, 'of someone else')
    return judgeKey(copy, box)
  }
  await expect(makeBackup(request, { judgeKey: judgeLater, migrations })).rejects.toThrow('was created meanwhile')
  expect(readFileSync(request.file, 'utf8')).toBe('of someone else')
  expect(readdirSync(place('.')).sort()).toEqual(['backup.db', 'data', 'restored'])
})

test('the key in a backup is not in the database that is restored from it', async () => {
  const { place, request, restore } = await home()
  await makeBackup(request, { judgeKey, migrations })
  const bytes = Buffer.from(key.toString('base64'))
  expect(readFileSync(request.file).includes(bytes)).toBe(true)
  await restore()
  expect(readFileSync(place('restored/rustymail.db')).includes(bytes)).toBe(false)
})

test('a trail that was whole when it was backed up and is not any more is restored only by force', async () => {
  const { request, restore } = await home()
  await makeBackup(request, { judgeKey, migrations })
  // As only the owner of the key can do it.
  const written = new DatabaseSync(request.file)
  const { counts: _counts, seal: _seal, ...note } = readNote(written)
  written.exec("update audit_entries set operation = 'cli.another'")
  writeNote(written, sealNote(written, note, secrets))
  written.close()
  await expect(restore()).rejects.toThrow('was intact when it was made, and no longer is')
  expect((await restore(true)).outcome.trailFault).toBeTypeOf('string')
})

test('it says which entries are lost, of the same trail alone, and keeps a link to the database', async () => {
  const { place, db, request, restore } = await home()
  await makeBackup(request, { judgeKey, migrations })
  const { trail_id } = await db.selectFrom('audit_chain').select('trail_id').executeTakeFirstOrThrow()
  mkdirSync(place('elsewhere'))
  writeFileSync(place('elsewhere/real.db'), 'the previous one')
  symlinkSync(place('elsewhere/real.db'), place('restored/rustymail.db'))
  const head = (id: string) =>
    headText({ version: 1, trail_id: id, newest: 9, newest_hash: 'x', at: '2026-11-28T12:00:00.000Z' }, [secrets])
  for (const [id, missing] of [
    [`${trail_id.slice(0, -1)}${trail_id.endsWith('0') ? '1' : '0'}`, undefined],
    [trail_id, '2 to 9'],
  ] as const) {
    writeFileSync(place('restored/audit.head'), head(id))
    expect((await restore(true)).outcome.missing).toBe(missing)
    expect(lstatSync(place('restored/rustymail.db')).isSymbolicLink()).toBe(true)
  }
})

/** Each changes what is restored, or what happens to it afterwards, without changing a row. */
const schemaChanges = [
  "create trigger later after delete on user_links begin update users set role = 'administrator'; end",
  'create trigger later after insert on audit_entries begin delete from api_tokens; end',
  'create view later as select * from users',
  'create index later on users (name)',
  'create unique index later on users (name)',
  "alter table users rename column name to later; alter table users rename column later to name; create table sqlitelater (name text default 'x')",
]

test.each(schemaChanges)('a backup whose schema was changed without the key is refused: %s', async statement => {
  const { request, restore } = await home()
  await makeBackup(request, { judgeKey, migrations })
  onFile(request.file, file => file.exec(statement))
  await expect(restore()).rejects.toThrow('it was damaged or changed')
})

test('an earlier backup, whose seal does not cover the schema, is restored unless it has triggers or views', async () => {
  const { request, restore } = await home()
  await makeBackup(request, { judgeKey, migrations })
  onFile(request.file, file => {
    const { counts: _counts, seal: _seal, ...note } = readNote(file)
    removeNote(file)
    writeNote(file, sealNote(file, { ...note, format: 1 }, secrets))
    file.exec(schemaChanges[0]!)
  })
  await expect(restore()).rejects.toThrow('it was damaged or changed')
  onFile(request.file, file => file.exec('drop trigger later'))
  expect((await restore()).verdict).toMatchObject({ is_whole: true })
})

function onFile(path: string, work: (file: DatabaseSync) => void): void {
  const file = new DatabaseSync(path)
  try {
    work(file)
  } finally {
    file.close()
  }
}
