/** A tracer with a collector of its own, for tests of traced parts in isolation. */
import { onTestFinished } from 'vitest'
import { createLogger } from '../../server/platform/logger.ts'
import { GuardedFetch } from '../../server/platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../../server/platform/network/outbound-guard.ts'
import type { MetricReading } from '../../server/platform/tracing/metric-reading.ts'
import { Tracer } from '../../server/platform/tracing/tracer.ts'
import type { TracingConfig } from '../../server/platform/tracing/tracing-options.ts'
import { type OtlpCollector, startCollector } from './otlp-collector.ts'

const usual: Omit<TracingConfig, 'endpoint'> = {
  ...{ headers: {}, protocol: 'http/protobuf', timeoutMs: 10_000, serviceName: 'rustymail', resource: {} },
  ...{ sampler: 'parentbased_always_on', ratio: 1, traces: true, metrics: false },
  ...{ tracesEveryMs: 5, metricsEveryMs: 60_000 },
}

/** Returns a tracer that is stopped when the test ends. */
export async function tracerTo(
  collector: OtlpCollector,
  config: Partial<TracingConfig> = {},
  readMetrics = async (): Promise<MetricReading[]> => [],
): Promise<Tracer> {
  const http = new GuardedFetch({ guard: new OutboundGuard({ privateNetworks: [], trusted: ['127.0.0.1'] }) })
  const given = { ...usual, endpoint: collector.url, ...config }
  const tracer = new Tracer({ config: given, version: '1.2.3', http, readMetrics, logger: createLogger('silent') })
  await tracer.start()
  onTestFinished(async () => {
    await tracer.stop()
    await http.stop()
  })
  return tracer
}

export async function startTraced(): Promise<{ collector: OtlpCollector; tracer: Tracer }> {
  const collector = await startCollector()
  return { collector, tracer: await tracerTo(collector) }
}
