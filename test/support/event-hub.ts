/** A started event hub on a database, for tests of its dependents. */
import { onTestFinished } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { EventHub, type EventHubOptions } from '../../server/events/event-hub.ts'
import { EventLog, type EventLogOptions } from '../../server/events/event-log.ts'
import { EventStore } from '../../server/events/event-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { memoryDatabase } from './databases.ts'

type Options = Partial<Omit<EventHubOptions, 'log' | 'logger'> & Omit<EventLogOptions, 'store' | 'logger'>>

/** Stopped when the test ends, before its database is closed. */
export async function startHub(database?: Database, options: Options = {}) {
  const db = database ?? (await memoryDatabase())
  const logger = createLogger('silent')
  const { heldInMemory = 1000, keep = 100_000, keepMs = 60 * 60_000, retentionNow = Date.now, ...others } = options
  const { keepAdministrative, mayPrune, pruneEveryMs, readersAt, ...limits } = others
  const log = new EventLog({
    store: new EventStore(db),
    logger,
    heldInMemory,
    keep,
    keepMs,
    retentionNow,
    ...(keepAdministrative && { keepAdministrative }),
    ...(mayPrune && { mayPrune }),
    ...(pruneEveryMs && { pruneEveryMs }),
    ...(readersAt && { readersAt }),
  })
  const hub = new EventHub({
    log,
    logger,
    heartbeatSeconds: 15,
    maxStreams: 100,
    maxStreamsPerPrincipal: 50,
    maxStreamAgeMs: 60 * 60_000,
    ...limits,
  })
  await hub.start()
  onTestFinished(() => hub.stop())
  /** Returns all facts that are held in memory, in order. */
  const facts = (): Fact[] => {
    const numbers = Array.from({ length: log.newest - log.oldestHeld + 1 }, (_, index) => log.oldestHeld + index)
    return numbers.flatMap(number => log.find(number)?.fact ?? [])
  }
  return { hub, log, facts, db }
}
