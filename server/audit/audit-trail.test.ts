/**
 * Entries are appended after what this process wrote, without reading it back, unless another process has changed that.
 */
import type { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { auditFact, auditSecrets, beginAudit, startAudit } from '../../test/support/audit.ts'
import { memoryDatabase, onEachDatabase, openOnThreads } from '../../test/support/databases.ts'
import type { Order } from '../platform/database/sqlite-messages.ts'
import { createLogger } from '../platform/logger.ts'
import { AuditChain } from './audit-chain.ts'
import { verifyTrail } from './audit-command.ts'
import { toRow } from './audit-entry.ts'
import { AuditStore } from './audit-store.ts'
import type { AuditChainRow } from './audit-tables.ts'
import { AuditTrail } from './audit-trail.ts'

onEachDatabase(open => {
  test('two processes that append in turn write one whole trail, and lose nothing', async () => {
    const db = await open()
    const [one, other] = [await startAudit(db), await startAudit(db)]
    for (const count of [1, 2, 1]) {
      await one.record(count)
      await one.record(count)
      await other.record(count)
      await other.record(count)
    }
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: true, newest: 16 })
  })

  test.each<Partial<AuditChainRow>>([
    { head_number: 7 },
    { newest: 1 },
    { newest_hash: 'other' },
    { begun_at: '2001-01-01T00:00:00.000Z' },
    { seal: 'other' },
  ])('ends that were changed to %o while it runs are found by the next entry', async change => {
    const { db, record } = await startAudit(await open())
    await record(1)
    await record(1)
    await db.updateTable('audit_chain').set(change).execute()
    await record(1)
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: false })
  })

  test('an entry that somebody added is found by the next one, which is written behind it', async () => {
    const { db, record } = await startAudit(await open())
    await record(1)
    await record(1)
    const added = await db.selectFrom('audit_entries').selectAll().where('number', '=', 2).executeTakeFirstOrThrow()
    await db
      .insertInto('audit_entries')
      .values({ ...added, number: 3 })
      .execute()
    await record(1)
    expect(await db.selectFrom('audit_entries').select('number').where('number', '=', 4).execute()).toHaveLength(1)
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: false })
  })
})

test('behind its own entries a group is one message to the thread that writes', async () => {
  const started = new Promise<Worker>(resolve => process.once('worker', resolve))
  const { db } = await openOnThreads()
  // Without the check for old entries at the start, which claims the chain's ends: beside it they are read.
  const { record } = await startAudit(db, { findLease: () => undefined })
  await record(1)
  const sent = vi.spyOn(await started, 'postMessage')
  await record(1)
  const messages = sent.mock.calls.map(([orders]) => orders.map(([how]: Order) => how))
  expect(messages.find(orders => orders.includes('begin'))).toEqual(['begin', 'later', 'later', 'commit'])
})

test('what was committed although the connection broke is written once, also after a pruning; other entries are not taken for it', async () => {
  const db = await memoryDatabase()
  await beginAudit(db)
  const [store, chain] = [new AuditStore(db), new AuditChain(auditSecrets)]
  const transact = store.transact.bind(store)
  const breakOnce = () => {
    store.transact = async work => {
      await transact(work)
      store.transact = transact
      throw new Error('Connection terminated')
    }
  }
  const trail = new AuditTrail({ store, chain, logger: createLogger('silent') })
  const row = () => toRow(auditFact(), chain)
  await trail.append([row(), row()])
  const rows = [row()]
  breakOnce()
  await expect(trail.append(rows)).rejects.toThrow('terminated')
  await trail.forget(1, 10)
  expect(await trail.append(rows)).toMatchObject({ number: 3 })
  breakOnce()
  await expect(trail.append([row()])).rejects.toThrow('terminated')
  expect(await trail.append([row()])).toMatchObject({ number: 5 })
  expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: true, newest: 5 })
})
