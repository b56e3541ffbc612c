/** Reads of strangers' mail on a database whose writes can fail, and with lookups that can be held up. */
import { onTestFinished } from 'vitest'
import { createLogger } from '../../server/platform/logger.ts'
import { PolicyStore } from '../../server/policies/policy-store.ts'
import { StrangerReads } from '../../server/policies/stranger-reads.ts'
import { memoryDatabase } from './databases.ts'

export const minute = 60_000

export async function readsOn() {
  const db = await memoryDatabase()
  const clock = { now: Date.parse('2026-01-05T10:00:00.000Z') }
  const counts = { reads: 0, writes: 0 }
  let answer = Promise.resolve()
  let fault: Error | undefined
  const plain = new PolicyStore(db)
  const store: ConstructorParameters<typeof StrangerReads>[0]['store'] = {
    findStrangerRead: (...asked) => {
      counts.reads++
      return plain.findStrangerRead(...asked)
    },
    saveStrangerRead: async row => {
      counts.writes++
      if (fault) throw fault
      await plain.saveStrangerRead(row)
    },
    forgetStrangerReads: before => plain.forgetStrangerReads(before),
  }
  /** Starts another process on the same database. */
  const start = () => {
    const reads = new StrangerReads({
      store,
      writtenTo: async (_accountId, emails) => {
        await answer
        return new Set(emails.filter(email => email === 'friend@example.com'))
      },
      now: () => clock.now,
      logger: createLogger('silent'),
    })
    reads.start()
    onTestFinished(() => reads.stop())
    return reads
  }
  const hold = (until: Promise<void>) => {
    answer = until
  }
  const fail = (error: Error | undefined) => {
    fault = error
  }
  return { db, reads: start(), start, clock, counts, hold, fail }
}
