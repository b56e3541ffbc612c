/** Starts an audit trail on a database, and builds entries for it. */
import { expect, onTestFinished, vi } from 'vitest'
import type { State } from '../../contract/event.ts'
import { beginTrailOf } from '../../server/audit/audit-command.ts'
import type { AuditFact } from '../../server/audit/audit-entry.ts'
import { AuditService } from '../../server/audit/audit-service.ts'
import { AuditStore } from '../../server/audit/audit-store.ts'
import { TrailHead } from '../../server/audit/trail-head.ts'
import type { Database } from '../../server/platform/database/database.ts'
import type { FindLease } from '../../server/platform/lease.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { memoryDatabase } from './databases.ts'

export const auditSecrets = new SecretBox(Buffer.alloc(32, 7))

interface AuditOptions {
  now?: () => number
  /** The clock of retention; `now` unless given. */
  retentionNow?: () => number
  /** Path of `audit.head`; no file is kept unless given. */
  file?: string
  findLease?: FindLease
}

export function headAt(file?: string): TrailHead {
  return new TrailHead({ file, secrets: auditSecrets })
}

/** Begins the trail as the first start on a new database does. */
export async function beginAudit(db: Database, { now = Date.now, file }: AuditOptions = {}): Promise<void> {
  const places = { secrets: auditSecrets, head: headAt(file), now, isNew: true }
  await db.transaction().execute(transaction => beginTrailOf(transaction, places))
}

/** Starts a trail that is stopped when the test ends, before its database is closed. */
export async function startAudit(
  database?: Database,
  { now = Date.now, retentionNow = now, file, findLease }: AuditOptions = {},
) {
  const db = database ?? (await memoryDatabase())
  await beginAudit(db, { now, ...(file === undefined ? {} : { file }) })
  const store = new AuditStore(db)
  const told: State[] = []
  const audit = new AuditService({
    store,
    secrets: auditSecrets,
    head: headAt(file),
    hub: { publishState: state => told.push(state) },
    now,
    retentionNow,
    findLease,
    logger: createLogger('silent'),
  })
  await audit.start()
  onTestFinished(() => audit.stop())
  /**
   * Records `count` entries in one batch; all are committed when it resolves, even if that takes longer than `record`
   * waits.
   */
  const record = async (count: number, changes: Partial<AuditFact> = {}) => {
    const all = Array.from({ length: count }, () => audit.record(auditFact({ at: now(), ...changes })))
    await Promise.all(all)
    if (audit.backlog.waiting > 0) await vi.waitFor(() => expect(audit.backlog.waiting).toBe(0))
  }
  return { audit, store, db, told, record }
}

export function auditFact(changes: Partial<AuditFact> = {}): AuditFact {
  return {
    at: Date.now(),
    principalId: 'session-1',
    principalName: 'Ada',
    userId: 'ada',
    sessionId: '1',
    tokenId: null,
    address: '192.0.2.1',
    userAgent: 'Browser/1',
    operation: 'accounts.updateAccount',
    effect: 'write',
    accountId: 'a',
    refs: {},
    input: undefined,
    outcome: 'ok',
    status: 200,
    durationMs: 12.345,
    requestId: 'request-1',
    ...changes,
  }
}
