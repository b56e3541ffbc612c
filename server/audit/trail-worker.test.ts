/** The whole trail is read on a thread of its own: it says the same, the server's own connection reads nothing, and its thread ends. */
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { auditFact, auditSecrets, startAudit } from '../../test/support/audit.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { migrations } from '../migrations.ts'
import { openDatabase } from '../platform/database/database.ts'
import { isDatabaseFault } from '../platform/database/database-fault.ts'
import { migrate } from '../platform/database/migrate.ts'
import { AuditChain } from './audit-chain.ts'
import { AuditStore } from './audit-store.ts'
import { TrailHead } from './trail-head.ts'
import { TrailReader } from './trail-reader.ts'
import { TrailWorker } from './trail-worker.ts'

function startWorker(databaseUrl: string, idleMs = 60_000) {
  const worker = new TrailWorker({ databaseUrl, headFile: undefined, secrets: auditSecrets, idleMs })
  onTestFinished(() => worker.stop())
  return worker
}

onEachDatabase((_open, url) => {
  async function trailOf(entries: number) {
    const shared = await url()
    const db = openDatabase(shared)
    onTestFinished(() => db.destroy())
    await migrate(db, migrations)
    const { audit, record } = await startAudit(db)
    await record(entries)
    const store = new AuditStore(db)
    const head = new TrailHead({ file: undefined, secrets: auditSecrets })
    const here = new TrailReader({ store, chain: new AuditChain(auditSecrets), head })
    return { db, audit, here, worker: startWorker(shared), own: { written: { number: 0, hash: '' } } }
  }

  test('it says and writes what is said and written here', async () => {
    const { db, audit, here, worker, own } = await trailOf(1_300)
    await audit.record(auditFact({ accountId: 'b', principalName: '=cmd|"x"' }))
    expect(await worker.verify(own)).toMatchObject({ is_whole: true, entries: 1_301, newest: 1_301 })
    for (const [filter, name] of [
      [{}, 'csv'],
      [{}, 'jsonl'],
      [{ accounts: new Set(['b']) }, 'jsonl'],
    ] as const) {
      expect(await text(worker.export(filter, name))).toBe(await text(here.export(filter, name)))
    }
    await db.updateTable('audit_entries').set({ status: 418 }).where('number', '=', 700).execute()
    const fault = { number: 700, kind: 'changed' }
    expect(await worker.verify(own)).toMatchObject({ is_whole: false, fault })
    expect(await worker.verify(own)).toEqual(await here.verify(own))
  })

  test('a piece is made when it is asked for, and who leaves leaves nothing behind', async () => {
    const { worker, own } = await trailOf(1_300)
    const exported = worker.export({}, 'jsonl')
    const { value = '' } = await exported.next()
    expect(value?.split('\n')).toHaveLength(501)
    // Others are read concurrently.
    expect(await worker.verify(own)).toMatchObject({ is_whole: true })
    await exported.return()
    expect((await exported.next()).done).toBe(true)
  })

  test('eight exports are under way at most', async () => {
    const { worker } = await trailOf(1)
    const all = Array.from({ length: 8 }, () => worker.export({}, 'jsonl'))
    await Promise.all(all.map(exported => exported.next()))
    await expect(worker.export({}, 'csv').next()).rejects.toMatchObject({ code: 'overloaded' })
    await all[0]?.return()
    expect((await worker.export({}, 'csv').next()).value).toMatch(/^number,/)
  })
})

test('a fault of the database is one on this thread too', async () => {
  const worker = startWorker('postgres://nobody@127.0.0.1:1/nothing')
  const error = await worker.verify({}).catch((caught: unknown) => caught)
  expect([isDatabaseFault(error), error]).toMatchObject([true, { code: 'ECONNREFUSED' }])
})

test('the thread is started for work, ends without it, and who still waits at the stop hears why', async () => {
  const worker = startWorker('sqlite::memory:', 20)
  expect(worker.isRunning).toBe(false)
  // There is no trail in it.
  await expect(worker.verify({})).rejects.toThrow('no such table')
  expect(worker.isRunning).toBe(true)
  await expect.poll(() => worker.isRunning).toBe(false)
  const refused = expect(worker.verify({})).rejects.toMatchObject({ code: 'draining' })
  await worker.stop()
  await refused
})
