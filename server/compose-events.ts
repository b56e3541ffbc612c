/** The event log and the hub, wired by hand. The first fact of each run is that it began. A part of the composition root. */
import type { Config } from './config.ts'
import { EventHub } from './events/event-hub.ts'
import { EventLog } from './events/event-log.ts'
import { EventStore } from './events/event-store.ts'
import type { Database } from './platform/database/database.ts'
import { databaseChanges } from './platform/database/database-changes.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import { WebhookStore } from './webhooks/webhook-store.ts'

/** Facts kept in memory for streams that reconnect soon; those that reconnect later are replayed from the database. */
const heldFacts = 10_000
const keptFacts = 100_000
const keptFactsMs = 7 * 24 * 60 * 60_000
const maxStreamAgeMs = 30 * 60_000

export interface EventSurroundings {
  config: Config
  db: Database
  retention: Pick<RetentionClock, 'now'>
  mayPrune: FindLease
  heartbeatSeconds: number
  tracer: Tracer | undefined
  logger: Logger
}

export function composeEvents({
  config,
  db,
  retention,
  mayPrune,
  heartbeatSeconds,
  tracer,
  logger,
}: EventSurroundings): {
  hub: EventHub
  part: Part
} {
  const log = new EventLog({
    store: new EventStore(db),
    logger,
    heldInMemory: heldFacts,
    keep: keptFacts,
    keepMs: keptFactsMs,
    retentionNow: () => retention.now(),
    mayPrune: () => mayPrune() !== undefined,
    changes: databaseChanges(config.databaseUrl, logger),
    readersAt: () => new WebhookStore(db).lowestPlace(),
  })
  const hub = new EventHub({ log, logger, heartbeatSeconds, maxStreamAgeMs, ...config.events, tracer })
  const part = {
    name: 'events',
    start: async () => {
      await hub.start()
      hub.publish({ type: 'server_started', data: { version: config.version, at: new Date().toISOString() } })
    },
    stop: () => hub.stop(),
  }
  return { hub, part }
}
