/** Anyone who has the database and not the key cannot change the trail unseen, whatever they do. */
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { auditFact, auditSecrets, beginAudit, headAt, startAudit } from '../../test/support/audit.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { resealAll } from '../key-rotation.ts'
import { migrations } from '../migrations.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { migrate } from '../platform/database/migrate.ts'
import { createLogger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { AuditChain } from './audit-chain.ts'
import { recordAction, verifyTrail } from './audit-command.ts'
import { system, toRow } from './audit-entry.ts'
import { AuditStore } from './audit-store.ts'
import type { AuditRow } from './audit-tables.ts'
import { AuditTrail } from './audit-trail.ts'
import { openSettings, sealSettings } from './trail-settings.ts'

const logger = createLogger('silent')

async function rowsOf(db: Database): Promise<AuditRow[]> {
  return db.selectFrom('audit_entries').selectAll().orderBy('number').execute()
}

async function put(db: Database, number: number, row: Partial<AuditRow>): Promise<void> {
  await db.updateTable('audit_entries').set(row).where('number', '=', number).execute()
}

/** Writes all hashes again, as one can who has read how they are made. */
async function rehash(db: Database): Promise<string> {
  const chain = new AuditChain(auditSecrets)
  let hash = ''
  for (const row of await rowsOf(db)) {
    hash = chain.hash(hash, row)
    await put(db, row.number, { hash })
  }
  return hash
}

const tampering: Record<string, [(db: Database) => Promise<unknown>, { number: number; kind: string }]> = {
  'a changed field': [db => put(db, 4, { principal_name: 'Somebody else' }), { number: 4, kind: 'changed' }],
  'a changed hash': [db => put(db, 4, { hash: 'f'.repeat(64) }), { number: 4, kind: 'changed' }],
  'blanks in the refs': [db => put(db, 4, { refs: '{ "x":"4"}' }), { number: 4, kind: 'changed' }],
  'a row taken out of the middle': [
    db => db.deleteFrom('audit_entries').where('number', '=', 5).execute(),
    { number: 5, kind: 'missing' },
  ],
  'a row taken out, and the others moved up': [
    async db => {
      await db.deleteFrom('audit_entries').where('number', '=', 5).execute()
      for (let number = 6; number <= 10; number++) await put(db, number, { number: number - 1 })
    },
    { number: 5, kind: 'changed' },
  ],
  'the newest row deleted': [
    db => db.deleteFrom('audit_entries').where('number', '=', 10).execute(),
    { number: 10, kind: 'missing' },
  ],
  'the newest rows deleted, and the end moved': [
    async db => {
      await db.deleteFrom('audit_entries').where('number', '>', 7).execute()
      const newest = (await rowsOf(db)).at(-1)
      await db.updateTable('audit_chain').set({ newest: 7, newest_hash: newest!.hash }).execute()
    },
    { number: 7, kind: 'changed' },
  ],
  'the oldest rows deleted': [
    db => db.deleteFrom('audit_entries').where('number', '<', 3).execute(),
    { number: 1, kind: 'missing' },
  ],
  'the oldest rows deleted, and the beginning moved': [
    async db => {
      const [, second] = await rowsOf(db)
      await db.deleteFrom('audit_entries').where('number', '<', 3).execute()
      await db.updateTable('audit_chain').set({ forgotten_to: 2, forgotten_hash: second!.hash }).execute()
    },
    { number: 10, kind: 'changed' },
  ],
  'two rows with their contents swapped': [
    async db => {
      const rows = await rowsOf(db)
      const { number: _third, hash: _its, ...third } = rows[2]!
      const { number: _eighth, hash: _its2, ...eighth } = rows[7]!
      await put(db, 3, eighth)
      await put(db, 8, third)
    },
    { number: 3, kind: 'reordered' },
  ],
  'two rows that changed places with all they have': [
    async db => {
      await put(db, 3, { number: 1000 })
      await put(db, 8, { number: 3 })
      await put(db, 1000, { number: 8 })
    },
    { number: 3, kind: 'reordered' },
  ],
  'a row moved to the end': [db => put(db, 5, { number: 11 }), { number: 5, kind: 'reordered' }],
  'a row added at the end': [
    async db => {
      const last = (await rowsOf(db)).at(-1)!
      const row = { ...last, number: 11 }
      const hash = new AuditChain(auditSecrets).hash(last.hash, row)
      await db
        .insertInto('audit_entries')
        .values({ ...row, hash })
        .execute()
    },
    { number: 11, kind: 'changed' },
  ],
  'a row added before the beginning': [
    async db => {
      const [first] = await rowsOf(db)
      await db
        .insertInto('audit_entries')
        .values({ ...first!, number: 0 })
        .execute()
    },
    { number: 0, kind: 'changed' },
  ],
  'all hashes written again after a change': [
    async db => {
      await put(db, 4, { outcome: 'forbidden' })
      await rehash(db)
    },
    { number: 10, kind: 'changed' },
  ],
  'all hashes and the end written again after a change': [
    async db => {
      await put(db, 4, { outcome: 'forbidden' })
      await db
        .updateTable('audit_chain')
        .set({ newest_hash: await rehash(db) })
        .execute()
    },
    { number: 10, kind: 'changed' },
  ],
  'the ends taken away': [db => db.deleteFrom('audit_chain').execute(), { number: 1, kind: 'missing' }],
  'all rows deleted': [db => db.deleteFrom('audit_entries').execute(), { number: 1, kind: 'missing' }],
}

async function tenEntries(db: Database): Promise<void> {
  await beginAudit(db, { now: () => 0 })
  const chain = new AuditChain(auditSecrets)
  const trail = new AuditTrail({ store: new AuditStore(db), chain, logger })
  const rows = Array.from({ length: 10 }, (_, index) =>
    toRow(auditFact({ requestId: `request-${index + 1}`, refs: { x: String(index + 1) } }), chain),
  )
  await trail.append(rows.slice(0, 6))
  await trail.append(rows.slice(6))
}

test.each(['null', "'abc'", "x'00'", '1e300', '-1e300', '9223372036854775807', '-9007199254740993', '7.5', "''"])(
  'a row with %s for its number is found, does not stand in the way, and makes nothing be forgotten',
  async number => {
    const { audit, db, record } = await startAudit()
    await record(10)
    const [row] = await rowsOf(db)
    const columns = Object.keys(row!).filter(name => name !== 'number')
    const names = sql.join(columns.map(name => sql.ref(name)))
    const at = { number: sql.raw(number), names }
    await sql`insert into audit_entries (number, ${at.names}) select ${at.number}, ${at.names} from audit_entries where number = 1`.execute(
      db,
    )
    expect(await audit.forget()).toBe(0)
    await record(1)
    const [{ count }] = (await sql<{ count: number }>`select count(*) as count from audit_entries`.execute(db))
      .rows as [{ count: number }]
    expect(count).toBe(12)
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: false })
  },
)

onEachDatabase((open, url) => {
  test.each(Object.entries(tampering))(
    'the check finds %s, also when the trail went on since',
    async (_name, [tamper, fault]) => {
      const db = await open()
      await tenEntries(db)
      expect(await verifyTrail(db, auditSecrets)).toEqual({
        is_whole: true,
        entries: 10,
        oldest: 1,
        newest: 10,
        begun_at: '1970-01-01T00:00:00.000Z',
        fault: null,
      })
      await tamper(db)
      const verdict = await verifyTrail(db, auditSecrets)
      expect(verdict.is_whole).toBe(false)
      expect(verdict.fault).toMatchObject(fault)
      const chain = new AuditChain(auditSecrets)
      const trail = new AuditTrail({ store: new AuditStore(db), chain, logger })
      for (let more = 0; more < 2; more++) await trail.append([toRow(auditFact(), chain)])
      expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: false })
    },
  )

  test('an empty trail is whole, and so is one of many entries with whatever people send in them', async () => {
    const db = await open()
    const begun_at = expect.any(String)
    const empty = { is_whole: true, entries: 0, oldest: null, newest: null, begun_at, fault: null }
    await beginAudit(db)
    expect(await verifyTrail(db, auditSecrets)).toEqual(empty)
    const { audit } = await startAudit(db)
    const names = [
      '\0',
      '\ud800',
      'a\r\nb',
      '"quoted"',
      'Ünï 🙂',
      '\u2028',
      'x'.repeat(5000),
      '\ud83d\ude42'.repeat(400),
    ]
    const durations = [0, 0.04, 0.1, 999.95, 1234.5, 16_777_217, 1e12, -1, 1 / 3]
    const all = Array.from({ length: 1500 }, (_, index) => {
      const name = names[index % names.length]!
      const durationMs = durations[index % durations.length]!
      return audit.record(auditFact({ principalName: name, userAgent: name, refs: { [name]: name }, durationMs }))
    })
    await Promise.all(all)
    expect(await verifyTrail(db, auditSecrets)).toEqual({ ...empty, entries: 1500, oldest: 1, newest: 1500 })
    const { items } = await audit.list({ limit: 100 })
    expect(items[0]?.user_agent.length).toBeLessThanOrEqual(300)
  })

  test('two processes and a command line beside them write one chain', async () => {
    const shared = await url()
    const [one, other, third] = [openDatabase(shared), openDatabase(shared), openDatabase(shared)]
    onTestFinished(async () => void (await Promise.all([one.destroy(), other.destroy(), third.destroy()])))
    await migrate(one, migrations)
    const [first, second] = [await startAudit(one), await startAudit(other)]
    const action = { operation: 'cli.createAdministrator', effect: 'write', refs: { email: 'a@b.example' } } as const
    const note = () => recordAction(third, { secrets: auditSecrets, head: headAt(), logger, now: Date.now, action })
    const check = () => verifyTrail(third, auditSecrets).then(({ fault }) => expect(fault).toBeNull())
    // SQLite waits for a lock without yielding to others in the process, so there they run one after the other.
    const isParallel = !shared.startsWith('sqlite:')
    for (let round = 0; round < 10; round++) {
      const work = [() => first.record(20), () => second.record(20), note, check]
      if (isParallel) await Promise.all(work.map(start => start()))
      else for (const start of work) await start()
    }
    expect(await verifyTrail(third, auditSecrets)).toMatchObject({ is_whole: true, entries: 410 })
    expect(await first.audit.verify()).toMatchObject({ is_whole: true, entries: 410 })
    const noted = (await rowsOf(one)).filter(row => row.operation === action.operation)
    expect(noted.length).toBe(10)
    expect(noted[0]).toMatchObject({ principal_id: system.principalId, refs: '{"email":"a@b.example"}' })
  })

  test('an older state of the database, put back with its own seal, is found by the server that wrote on', async () => {
    const db = await open()
    const { audit, record } = await startAudit(db)
    await record(5)
    const ends = await db.selectFrom('audit_chain').selectAll().executeTakeFirstOrThrow()
    await record(5)
    await db.deleteFrom('audit_entries').where('number', '>', 5).execute()
    await db.updateTable('audit_chain').set(ends).execute()
    expect((await audit.verify()).fault).toMatchObject({ number: 6, kind: 'missing' })
    await record(20)
    // Permanently: after the next start nothing would remember it.
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: false })
  })

  test('with a new secret key the trail is sealed again; one that was changed stays so', async () => {
    const db = await open()
    await tenEntries(db)
    const store = new AuditStore(db)
    const settings = { reads: 'none', keep_days: 30, keep_entries: 5_000 } as const
    await store.saveSettings(sealSettings(settings, auditSecrets), '')
    const next = new SecretBox(Buffer.alloc(32, 8))
    expect(await verifyTrail(db, next)).toMatchObject({ is_whole: false })
    await resealAll(db, auditSecrets, next)
    expect(await verifyTrail(db, next)).toMatchObject({ is_whole: true, entries: 10 })
    expect(openSettings(await store.findSettings(), next)).toEqual(settings)
    // Its seal is not by the key that it names, so sealing it again does not make it valid.
    await resealAll(db, auditSecrets, new SecretBox(Buffer.alloc(32, 9)))
    expect(await verifyTrail(db, new SecretBox(Buffer.alloc(32, 9)))).toMatchObject({ is_whole: false })
  })

  test('what was committed although the connection broke is not written twice', async () => {
    const db = await open()
    await beginAudit(db)
    const store = new AuditStore(db)
    const chain = new AuditChain(auditSecrets)
    let isBroken = true
    const transact = store.transact.bind(store)
    store.transact = async work => {
      const result = await transact(work)
      if (!isBroken) return result
      isBroken = false
      throw new Error('Connection terminated')
    }
    const trail = new AuditTrail({ store, chain, logger })
    const rows = [toRow(auditFact(), chain), toRow(auditFact(), chain)]
    await expect(trail.append(rows)).rejects.toThrow('Connection terminated')
    expect(await trail.append(rows)).toMatchObject({ number: 2 })
    expect(await trail.append([toRow(auditFact(), chain)])).toMatchObject({ number: 3 })
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: true, entries: 3 })
    const { rows: counted } = await sql<{ n: number }>`select count(*) as n from audit_entries`.execute(db)
    expect(Number(counted[0]?.n)).toBe(3)
  })
})
