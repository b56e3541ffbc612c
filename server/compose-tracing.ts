/**
 * Traces for a collector, wired by hand; nothing is loaded unless the operator configures one. A part of the
 * composition root.
 */
import type { Config } from './config.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { GuardedFetch } from './platform/network/guarded-fetch.ts'
import { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { MetricReading } from './platform/tracing/metric-reading.ts'
import { Tracer } from './platform/tracing/tracer.ts'
import type { TracingFigures } from './platform/tracing/tracing-figures.ts'

export interface ComposedTracing {
  tracer: Tracer | undefined
  figures: TracingFigures | undefined
  /** Sets the source of metrics; called before the start. */
  readFrom(read: () => Promise<MetricReading[]>): void
  /** Started before everything that is traced. */
  part: Part
  /** Started after everything that is counted. */
  metrics: Part
}

const none = { part: { name: 'tracing' }, metrics: { name: 'metrics export' } }

export function composeTracing({ tracing, version, privateNetworks }: Config, logger: Logger): ComposedTracing {
  if (!tracing) {
    return { tracer: undefined, figures: undefined, readFrom: () => undefined, ...none }
  }
  // Like other addresses in the environment, the collector may be on this machine; nothing else becomes reachable by
  // that.
  const trusted = [new URL(tracing.endpoint).hostname.replace(/^\[|\]$/g, '')]
  const http = new GuardedFetch({ guard: new OutboundGuard({ privateNetworks, trusted }) })
  let readMetrics = async (): Promise<MetricReading[]> => []
  const tracer = new Tracer({ config: tracing, version, http, readMetrics: () => readMetrics(), logger })
  const stop = async () => {
    await tracer.stop()
    await http.stop()
  }
  const part = { name: 'tracing', start: () => tracer.start(), stop }
  return {
    tracer: tracing.traces ? tracer : undefined,
    figures: tracer.figures,
    readFrom: read => {
      readMetrics = read
    },
    part,
    metrics: { name: 'metrics export', start: () => tracer.startMetrics(), stop: () => tracer.stopMetrics() },
  }
}
