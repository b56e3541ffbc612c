/** Deletes drafts that were sent long ago, with their attachments, and expired idempotency keys. */
import type { Blobs } from '../blobs/blobs.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import { keyMs } from './draft-keys.ts'
import { ownerOf } from './draft-rights.ts'
import type { DraftStore } from './draft-store.ts'

export interface DraftPrunerOptions {
  db: Database
  store: Pick<DraftStore, 'deleteSentBefore' | 'deleteKeysBefore'>
  blobs: Pick<Blobs, 'release'>
  /** Whether this process holds the lease for pruning. */
  mayPrune(): boolean
  /** The current time for retention, in epoch milliseconds. */
  retentionNow(): number
  logger: Logger
}

/** How long sent drafts are kept, the same as their submissions. */
const keptMs = 30 * 24 * 60 * 60_000
const everyMs = 60 * 60_000

export function draftPruner(options: DraftPrunerOptions): Rounds {
  return new Rounds({
    everyMs,
    work: signal => prune(options, signal),
    failed: err => options.logger.warn({ err }, 'old drafts could not be deleted'),
  })
}

async function prune(
  { db, store, blobs, mayPrune, retentionNow }: DraftPrunerOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!mayPrune()) return
  const before = (ms: number) => new Date(retentionNow() - ms).toISOString()
  await store.deleteKeysBefore(before(keyMs))
  for (let gone = 1; gone > 0 && !signal.aborted; ) {
    gone = await db.transaction().execute(async transaction => {
      const ids = await store.deleteSentBefore(transaction, before(keptMs))
      for (const id of ids) await blobs.release(transaction, ownerOf(id))
      return ids.length
    })
  }
}
