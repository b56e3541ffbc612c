/**
 * Stops what waited to be sent when a backup was made: it may have been sent, cancelled or denied since, so only a
 * human decides whether it is still sent.
 */
import type { Database } from '../platform/database/database.ts'
import { afterUnknown } from './delivery-outcome.ts'

/** States in which a message is sent without anybody being asked again. */
const onTheirWay = ['scheduled', 'queued', 'sending'] as const
const rowsAtOnce = 100
const lost = {
  message: 'the database was restored from a backup, and the message may have been sent or cancelled since',
}

/** @returns How many messages wait for a decision now. */
export async function stopRestored(transaction: Database, now: number): Promise<number> {
  for (let stopped = 0; ; ) {
    const rows = await transaction
      .selectFrom('submissions')
      .selectAll()
      .where('state', 'in', onTheirWay)
      .limit(rowsAtOnce)
      .execute()
    for (const row of rows) {
      await transaction
        .updateTable('submissions')
        .set(afterUnknown(row, lost, now))
        .where('id', '=', row.id)
        .execute()
    }
    stopped += rows.length
    if (rows.length < rowsAtOnce) return stopped
  }
}
