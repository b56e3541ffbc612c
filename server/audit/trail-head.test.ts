/** The trail cannot be wiped, cut or rolled back by anyone who has the database, or the file, and not the key. */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { auditSecrets, headAt, startAudit } from '../../test/support/audit.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { checkKey, resealAll } from '../key-rotation.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { acceptTrail, verifyTrail } from './audit-command.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'
import { TrailHead } from './trail-head.ts'

const logger = createLogger('silent')

/** Everything that an attacker may have copied at some moment. */
interface State {
  rows: AuditRow[]
  ends: AuditChainRow
  file: string
}

function headFile(): string {
  const dir = tempDir('head')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'audit.head')
}

/** Starts as the server does: checks the key, and continues the trail. */
async function start(db: Database, file: string) {
  await checkKey(db, { secrets: auditSecrets, keep: undefined }, headAt(file))
  const started = await startAudit(db, { file })
  // After the check that a start runs automatically.
  await started.audit.forget()
  return started
}

/** Starts a server that records `entries`, and stops it. */
async function live(db: Database, file: string, entries: number): Promise<State> {
  const { audit, record } = await start(db, file)
  await record(entries)
  await audit.stop()
  const rows = await db.selectFrom('audit_entries').selectAll().orderBy('number').execute()
  const ends = await db.selectFrom('audit_chain').selectAll().executeTakeFirstOrThrow()
  return { rows, ends, file: existsSync(file) ? readFileSync(file, 'utf8') : '' }
}

const wipeRows = (db: Database) => db.deleteFrom('audit_entries').execute()
const wipeEnds = (db: Database) => db.deleteFrom('audit_chain').execute()
const cut = (db: Database, after: number) => db.deleteFrom('audit_entries').where('number', '>', after).execute()
const putEnds = (db: Database, ends: AuditChainRow) => db.updateTable('audit_chain').set(ends).execute()
async function rollBack(db: Database, { rows, ends }: State): Promise<void> {
  await wipeRows(db)
  await db.insertInto('audit_entries').values(rows).execute()
  await putEnds(db, ends)
}
const forgetKeyMark = (db: Database) => db.deleteFrom('settings').where('name', '=', 'key_check').execute()

interface Scene {
  db: Database
  file: string
  /** States after entries 0, 5, 10 and 15; the last is the current one. */
  states: [State, State, State, State]
}
type Kind = 'changed' | 'missing' | 'unconfirmed'

/** The manipulation, what verification reports, and, if a start changes that, what it reports then. */
const tampering: Record<string, { tamper(scene: Scene): Promise<unknown>; number: number; kind: Kind; later?: Kind }> =
  {
    'all entries deleted': { tamper: ({ db }) => wipeRows(db), number: 1, kind: 'missing' },
    'the ends deleted': { tamper: ({ db }) => wipeEnds(db), number: 1, kind: 'missing', later: 'changed' },
    'both tables emptied': {
      tamper: async ({ db }) => [await wipeRows(db), await wipeEnds(db)],
      number: 0,
      kind: 'missing',
      later: 'changed',
    },
    'both tables emptied and the file deleted': {
      tamper: async ({ db, file }) => [await wipeRows(db), await wipeEnds(db), rmSync(file)],
      number: 0,
      kind: 'missing',
      later: 'changed',
    },
    'both tables emptied, and the mark of the key deleted': {
      tamper: async ({ db }) => [await wipeRows(db), await wipeEnds(db), await forgetKeyMark(db)],
      number: 0,
      kind: 'missing',
      // A trail that is truly sealed begins there, and it is not the one of the file.
      later: 'changed',
    },
    'an older row of ends put back, and the entries behind it cut': {
      tamper: async ({ db, states }) => [await cut(db, 5), await putEnds(db, states[1].ends)],
      number: 6,
      kind: 'missing',
    },
    'the very first row of ends put back, and all entries cut': {
      tamper: async ({ db, states }) => [await cut(db, 0), await putEnds(db, states[0].ends)],
      number: 1,
      kind: 'missing',
    },
    'an older row of ends put back': {
      tamper: ({ db, states }) => putEnds(db, states[1].ends),
      number: 6,
      kind: 'changed',
    },
    'the newest entries cut': { tamper: ({ db }) => cut(db, 12), number: 13, kind: 'missing' },
    'the newest entry cut': { tamper: ({ db }) => cut(db, 14), number: 15, kind: 'missing' },
    'the file deleted': { tamper: async ({ file }) => rmSync(file), number: 15, kind: 'unconfirmed' },
    'an older file put back': {
      tamper: async ({ file, states }) => writeFileSync(file, states[1].file),
      number: 15,
      kind: 'unconfirmed',
    },
    'a file of another key put in its place': {
      tamper: async ({ file, states: [, , , { ends }] }) => {
        const { trail_id, newest, newest_hash } = ends
        const foreign = new TrailHead({ file, secrets: new SecretBox(Buffer.alloc(32, 8)) })
        await foreign.save({ trail_id, newest, newest_hash, at: new Date().toISOString() })
      },
      number: 15,
      kind: 'unconfirmed',
    },
    'a number in the file changed': {
      tamper: async ({ file, states }) => writeFileSync(file, states[3].file.replace('"newest":15', '"newest":14')),
      number: 15,
      kind: 'unconfirmed',
    },
    'rubbish in the file': { tamper: async ({ file }) => writeFileSync(file, '{'), number: 15, kind: 'unconfirmed' },
    'an older state of the database put back, and the file deleted': {
      tamper: async ({ db, file, states }) => [await rollBack(db, states[1]), rmSync(file)],
      number: 5,
      kind: 'unconfirmed',
    },
    'the first state of the database put back, and the file deleted': {
      tamper: async ({ db, file, states }) => [await cut(db, 0), await putEnds(db, states[0].ends), rmSync(file)],
      number: 0,
      kind: 'unconfirmed',
    },
    'an older state of the database put back, and an even older file': {
      tamper: async ({ db, file, states }) => [await rollBack(db, states[2]), writeFileSync(file, states[0].file)],
      number: 10,
      kind: 'unconfirmed',
    },
    'ends in the form of an earlier version put back': {
      tamper: async ({ db, states }) => [await cut(db, 5), await putEnds(db, earlierEnds(states[1].ends))],
      number: 5,
      kind: 'unconfirmed',
      later: 'changed',
    },
  }

/** Returns the ends as the previous version wrote them: sealed with the same key, without a trail id. */
function earlierEnds(ends: AuditChainRow): AuditChainRow {
  const { newest, newest_hash, forgotten_to, forgotten_hash } = ends
  const seal = earlierSeal([newest, newest_hash, forgotten_to, forgotten_hash])
  return { ...ends, trail_id: '', begun_at: '', head_number: 0, seal }
}

function earlierSeal(ends: unknown[]): string {
  return createHmac('sha256', auditSecrets.derive('audit seal')).update(JSON.stringify(ends)).digest('hex')
}

async function scene(db: Database): Promise<Scene> {
  const file = headFile()
  const states: Scene['states'] = [
    await live(db, file, 0),
    await live(db, file, 5),
    await live(db, file, 5),
    await live(db, file, 5),
  ]
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
  return { db, file, states }
}

const whole = { is_whole: true, fault: null }

onEachDatabase(open => {
  test.each(Object.entries(tampering))(
    'the check finds %s; no start, no further entry and no forgetting hides it',
    async (_name, { tamper, number, kind, later = kind }) => {
      const all = await scene(await open())
      const { db, file } = all
      const check = () => verifyTrail(db, auditSecrets, headAt(file))
      expect(await check()).toMatchObject({ ...whole, entries: 15 })
      await tamper(all)
      expect(await check()).toMatchObject({ is_whole: false, fault: { number, kind } })

      const { audit, record } = await start(db, file)
      expect(await audit.verify()).toMatchObject({ is_whole: false, fault: { kind: later } })
      // Beyond its old end, so that no number is missing.
      await record(30)
      expect(await audit.verify()).toMatchObject({ is_whole: false })
      await audit.stop()
      expect(await check()).toMatchObject({ is_whole: false })
      const again = await start(db, file)
      await again.audit.changeSettings({ ...again.audit.settings, keep_entries: 2 })
      await again.audit.forget()
      await again.audit.stop()
      expect(await check()).toMatchObject({ is_whole: false })
    },
  )

  test('database and file put back together to one older state are found by the server that runs, and by nobody else', async () => {
    const { db, file, states } = await scene(await open())
    const running = await start(db, file)
    await rollBack(db, states[1])
    writeFileSync(file, states[1].file)
    // This cannot be distinguished from a server that stopped then; docs/security.md documents it.
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, newest: 5 })
    expect(await running.audit.verify()).toMatchObject({ fault: { number: 6, kind: 'missing' } })
    await running.record(20)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ is_whole: false })
  })

  test('everything wiped, the mark of the key and the file too, begins a trail that says since when', async () => {
    const { db, file } = await scene(await open())
    await wipeRows(db)
    await wipeEnds(db)
    await forgetKeyMark(db)
    rmSync(file)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ is_whole: false })
    const before = new Date().toISOString()
    await live(db, file, 1)
    const { begun_at } = await verifyTrail(db, auditSecrets, headAt(file))
    expect(begun_at! >= before).toBe(true)
  })

  test('what people and mail accounts there are betrays that a database without mark and ends is not new', async () => {
    const { db, file } = await scene(await open())
    await db
      .insertInto('users')
      .values(aUser({ id: 'ann' }))
      .execute()
    await wipeRows(db)
    await wipeEnds(db)
    await forgetKeyMark(db)
    rmSync(file)
    await live(db, file, 1)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ is_whole: false })
  })

  test('a kill between commit and file leaves a whole trail, and the next start brings the file up', async () => {
    const { db, file, states } = await scene(await open())
    // The entries of the last life were one commit, during which the file was at 10.
    writeFileSync(file, states[2].file)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 15 })
    const { audit } = await start(db, file)
    expect(await audit.verify()).toMatchObject({ ...whole, entries: 15 })
    await audit.stop()
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ newest: 15, trail_id: states[0].ends.trail_id })
  })

  test('a start that ends between file and database is finished by the next one', async () => {
    const db = await open()
    const file = headFile()
    await headAt(file).save({ trail_id: 'first', newest: 0, newest_hash: '', at: new Date().toISOString() })
    const { ends } = await live(db, file, 3)
    expect(ends.trail_id).toBe('first')
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 3 })
    // The same during migration of ends from an earlier version.
    await putEnds(db, earlierEnds(ends))
    expect((await live(db, file, 1)).ends.trail_id).toBe('first')
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 4 })
  })

  test('ends of an earlier version are taken over at the first start, once', async () => {
    const { db, file, states } = await scene(await open())
    const earlier = earlierEnds(states[3].ends)
    await putEnds(db, earlier)
    rmSync(file)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ fault: { kind: 'unconfirmed' } })
    const state = await live(db, file, 1)
    expect(state.ends.trail_id).not.toBe('')
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 16 })
    await cut(db, 15)
    await putEnds(db, earlier)
    await live(db, file, 1)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ is_whole: false })
  })

  test('ends of an earlier version with a seal that is not theirs are not taken over', async () => {
    const { db, file, states } = await scene(await open())
    await cut(db, 9)
    const nine = states[3].rows[8]!
    await putEnds(db, { ...earlierEnds(states[3].ends), newest: 9, newest_hash: nine.hash })
    rmSync(file)
    await live(db, file, 1)
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ is_whole: false })
  })

  test('a restored backup is whole again when it is accepted, and the trail says what was accepted', async () => {
    const { db, file, states } = await scene(await open())
    await rollBack(db, states[1])
    const places = { secrets: auditSecrets, head: headAt(file), now: Date.now, logger }
    expect(await acceptTrail(db, places)).toMatchObject({ number: 6, kind: 'missing' })
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 6 })
    const { audit, record } = await start(db, file)
    const [entry] = (await audit.list({ limit: 1 })).items
    expect(entry).toMatchObject({ operation: 'cli.acceptTrail', refs: { entry: '6', kind: 'missing' } })
    await record(20)
    expect(await audit.verify()).toMatchObject({ ...whole, entries: 26 })
    await audit.stop()
    expect(await acceptTrail(db, places)).toBeUndefined()
    // The state that was given up is not let in again.
    await rollBack(db, states[3])
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ fault: { kind: 'changed' } })
  })

  test('what was wiped is accepted as begun again; entries that do not fit together are never', async () => {
    const { db, file } = await scene(await open())
    const places = { secrets: auditSecrets, head: headAt(file), now: Date.now, logger }
    await db.updateTable('audit_entries').set({ outcome: 'forbidden' }).where('number', '=', 4).execute()
    await expect(acceptTrail(db, places)).rejects.toThrow('entry 4 is changed')
    await wipeRows(db)
    await wipeEnds(db)
    await checkKey(db, { secrets: auditSecrets, keep: undefined }, headAt(file))
    expect(await acceptTrail(db, places)).toMatchObject({ kind: 'changed' })
    expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ ...whole, entries: 1 })
  })

  test('another key: the file is right under either while it changes, and a foreign one does not become ours', async () => {
    const { db, file } = await scene(await open())
    const next = new SecretBox(Buffer.alloc(32, 8))
    const under = (secrets: SecretBox) => verifyTrail(db, secrets, new TrailHead({ file, secrets }))
    await headAt(file).sealAlso(next)
    expect(await under(auditSecrets)).toMatchObject(whole)
    await resealAll(db, auditSecrets, next)
    expect(await under(next)).toMatchObject(whole)
    await headAt(file).sealAlso(new SecretBox(Buffer.alloc(32, 9)))
    writeFileSync(file, readFileSync(file, 'utf8').replace('"newest":15', '"newest":14'))
    await new TrailHead({ file, secrets: next }).sealAlso(new SecretBox(Buffer.alloc(32, 9)))
    expect(await under(next)).toMatchObject({ fault: { kind: 'unconfirmed' } })
  })

  test('beside a running server the check is right at every moment', async () => {
    const db = await open()
    const file = headFile()
    const { audit, record } = await start(db, file)
    for (let round = 0; round < 15; round++) {
      const writing = record(40)
      expect(await verifyTrail(db, auditSecrets, headAt(file))).toMatchObject({ fault: null })
      expect(await audit.verify()).toMatchObject({ fault: null })
      await writing
      // The file changes between the two reads of a verification.
      await audit.forget()
    }
    await audit.stop()
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ newest: 600 })
  })
})
