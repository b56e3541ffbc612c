/**
 * A long audit trail verified and exported whole, on SQLite: on the calling thread, as commands do, and on the thread
 * that a running server has for it. CPU time of the calling thread, in total and of its longest turn, and its longest
 * block in wall-clock time, which other load lengthens.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { AuditChain } from '../server/audit/audit-chain.ts'
import { toRow } from '../server/audit/audit-entry.ts'
import { AuditStore } from '../server/audit/audit-store.ts'
import { AuditTrail } from '../server/audit/audit-trail.ts'
import { TrailHead } from '../server/audit/trail-head.ts'
import { TrailReader, type TrailReading } from '../server/audit/trail-reader.ts'
import { TrailWorker } from '../server/audit/trail-worker.ts'
import { migrations } from '../server/migrations.ts'
import { openDatabase } from '../server/platform/database/database.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { createLogger } from '../server/platform/logger.ts'
import { auditFact, auditSecrets, beginAudit } from '../test/support/audit.ts'
import { round } from './measure.ts'

const entries = Number(process.env.RUSTYMAIL_BENCH_ENTRIES ?? 1_000_000)
const batch = 1_000

export async function trailRead(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const databaseUrl = `sqlite:${join(dir, 'trail.db')}`
  const db = openDatabase(databaseUrl)
  await migrate(db, migrations)
  await beginAudit(db)
  const [store, chain, secrets] = [new AuditStore(db), new AuditChain(auditSecrets), auditSecrets]
  const trail = new AuditTrail({ store, chain, logger: createLogger('silent') })
  for (let written = 0; written < entries; written += batch) {
    await trail.append(Array.from({ length: batch }, () => toRow(auditFact(), chain)))
  }
  const head = new TrailHead({ file: undefined, secrets })
  const worker = new TrailWorker({ databaseUrl, headFile: undefined, secrets })
  try {
    return {
      what: `${entries} entries; figures of the thread that asks`,
      on_its_own_thread: await measure(new TrailReader({ store, chain, head })),
      on_a_thread_for_it: await measure(worker),
    }
  } finally {
    await worker.stop()
    await db.destroy()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function measure(reading: TrailReading): Promise<object> {
  const verify = await cost(async () => {
    const { is_whole, entries: count } = await reading.verify({})
    if (!is_whole || count !== entries) throw new Error('the trail is not whole')
  })
  const exported = await cost(async () => {
    let bytes = 0
    for await (const piece of reading.export({}, 'jsonl')) bytes += piece.length
    if (bytes < entries * 100) throw new Error('the export is short')
  })
  return { verify, export: exported }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

async function cost(work: () => Promise<void>): Promise<object> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let pieceMs = 0
  let usedAtLook = threadCpuMs()
  const looking = setInterval(() => {
    const used = threadCpuMs()
    pieceMs = Math.max(pieceMs, used - usedAtLook)
    usedAtLook = used
  }, 1)
  const [before, began] = [process.threadCpuUsage(), performance.now()]
  await work()
  const { user, system } = process.threadCpuUsage(before)
  delay.disable()
  clearInterval(looking)
  return {
    processor_ms: round((user + system) / 1_000),
    longest_piece_ms: round(pieceMs),
    longest_block_ms: round(delay.max / 1e6),
    p99_block_ms: round(delay.percentile(99) / 1e6),
    wall_ms: round(performance.now() - began),
  }
}
