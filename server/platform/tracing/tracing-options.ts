/** Configuration and dependencies of tracing. */
import type { Logger } from '../logger.ts'
import type { GuardedFetch } from '../network/guarded-fetch.ts'
import type { MetricReading } from './metric-reading.ts'

/** Configuration from OpenTelemetry's environment variables. */
export interface TracingConfig {
  endpoint: string
  headers: Readonly<Record<string, string>>
  protocol: 'http/protobuf' | 'http/json'
  /** Timeout of an export, retries included. */
  timeoutMs: number
  serviceName: string
  resource: Readonly<Record<string, string>>
  sampler: SamplerName
  /** Sampling ratio of the `traceidratio` samplers. */
  ratio: number
  traces: boolean
  /** Interval of exports, in which spans are batched. */
  tracesEveryMs: number
  metrics: boolean
  metricsEveryMs: number
}

export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof samplerNames)[number]

export interface TracerOptions {
  config: TracingConfig
  version: string
  http: Pick<GuardedFetch, 'post'>
  /** Reads the metrics to export. */
  readMetrics(): Promise<MetricReading[]>
  logger: Logger
}
