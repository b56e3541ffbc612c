/** How all event streams fare: what grows with each fact of any account is told only to callers that see all accounts. */
import type { StreamHealth } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import type { EventLog } from './event-log.ts'
import type { StreamFigures } from './stream-figures.ts'

export interface Streams {
  open: number
  maxStreams: number
  heartbeatSeconds: number
  figures: StreamFigures
  log: EventLog
}

export function describeStreams({ accounts }: Pick<Principal, 'accounts'>, streams: Streams): StreamHealth {
  const { dropped, replays, gaps, slowConsumers } = streams.figures.totals
  return {
    streams: streams.open,
    max_streams: streams.maxStreams,
    dropped,
    replays,
    gaps,
    slow_consumers: slowConsumers,
    ...(accounts === 'all' ? countedFacts(streams) : withoutFacts),
    heartbeat_seconds: streams.heartbeatSeconds,
    server_time: new Date().toISOString(),
  }
}

type CountedFacts = Pick<StreamHealth, 'deliveries_per_second' | 'sent' | 'bytes_sent' | 'replayed_facts' | 'log'>

const withoutFacts: CountedFacts = {
  deliveries_per_second: null,
  sent: null,
  bytes_sent: null,
  replayed_facts: null,
  log: null,
}

function countedFacts({ figures, log }: Streams): CountedFacts {
  const { sent, bytesSent, replayedFacts } = figures.totals
  const facts = log.newest + 1 - log.oldest
  return {
    deliveries_per_second: figures.sentPerSecond(performance.now()),
    sent,
    bytes_sent: bytesSent,
    replayed_facts: replayedFacts,
    log: {
      epoch: log.epoch,
      oldest: facts > 0 ? log.oldest : null,
      newest: log.newest,
      facts,
      held_in_memory: Math.min(facts, log.newest + 1 - log.oldestHeld),
    },
  }
}
