/** Deletes submissions that ended long ago, and the content of those that ended some time ago. */

import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import { ownerOf, type SubmittedBlobs } from './draft-marks.ts'
import type { SubmissionStore } from './submission-store.ts'

export interface OutboxPrunerOptions {
  db: Database
  store: SubmissionStore
  blobs: Pick<SubmittedBlobs, 'release'>
  /** Whether this process holds the lease for pruning. */
  mayPrune(): boolean
  /** The current time for retention, in epoch milliseconds. */
  retentionNow(): number
  logger: Logger
  keep?: KeptSubmissions
}

/** What is kept of each account's submissions that have ended. */
export interface KeptSubmissions {
  ms: number
  submissions: number
  /** Bounds for their content; a failed message can be retried only while it is kept. */
  contentMs: number
  contentBytes: number
}

const day = 24 * 60 * 60_000
const defaultKeep: KeptSubmissions = {
  ms: 30 * day,
  submissions: 10_000,
  contentMs: 7 * day,
  contentBytes: 512 * 1024 * 1024,
}
const everyMs = 60 * 60_000

export function outboxPruner(options: OutboxPrunerOptions): Rounds {
  return new Rounds({
    everyMs,
    work: signal => prune(options, signal),
    failed: err => options.logger.warn({ err }, 'old messages of the outbox could not be deleted'),
  })
}

async function prune(
  { db, store, blobs, mayPrune, retentionNow, keep = defaultKeep }: OutboxPrunerOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!mayPrune()) return
  const now = retentionNow()
  const [oldest, oldestContent] = [keep.ms, keep.contentMs].map(ms => new Date(now - ms).toISOString()) as [
    string,
    string,
  ]
  for (const accountId of await store.accounts()) {
    let bytes = 0
    for (const [index, row] of (await store.listEnded(accountId)).entries()) {
      if (signal.aborted) return
      const isGone = row.ended_at < oldest || index >= keep.submissions
      if (row.blob_id !== '') bytes += Number(row.size_bytes)
      const isContentGone = isGone || row.ended_at < oldestContent || bytes > keep.contentBytes
      if (!isGone && (!isContentGone || row.blob_id === '')) continue
      await db.transaction().execute(async transaction => {
        await blobs.release(transaction, ownerOf(row.id))
        if (isGone) await store.delete(transaction, row.id)
        else await store.dropContent(transaction, row.id)
      })
    }
  }
}
