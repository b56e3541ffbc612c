/** Describes the health of all event streams; those that grow with any account's activity are whole-server figures. */
import type { StreamHealth } from '../../contract/stream-health.ts'
import { type Sight, wholeFigure } from '../platform/visible-figures.ts'
import type { EventLog } from './event-log.ts'
import type { StreamFigures } from './stream-figures.ts'

export interface Streams {
  open: number
  maxStreams: number
  heartbeatSeconds: number
  figures: StreamFigures
  log: EventLog
}

export function describeStreams(sight: Sight, { figures, log, ...streams }: Streams): StreamHealth {
  const { sent, bytesSent, dropped, replays, replayedFacts, gaps, slowConsumers } = figures.totals
  const whole = <Figure>(figure: Figure) => wholeFigure(sight, figure)
  return {
    streams: streams.open,
    max_streams: streams.maxStreams,
    dropped,
    replays,
    gaps,
    slow_consumers: slowConsumers,
    deliveries_per_second: whole(figures.sentPerSecond(performance.now())),
    sent: whole(sent),
    bytes_sent: whole(bytesSent),
    replayed_facts: whole(replayedFacts),
    log: whole(describeLog(log)),
    heartbeat_seconds: streams.heartbeatSeconds,
    server_time: new Date().toISOString(),
  }
}

function describeLog(log: EventLog): NonNullable<StreamHealth['log']> {
  const facts = log.newest + 1 - log.oldest
  return {
    epoch: log.epoch,
    oldest: facts > 0 ? log.oldest : null,
    newest: log.newest,
    facts,
    held_in_memory: Math.min(facts, log.newest + 1 - log.oldestHeld),
  }
}
