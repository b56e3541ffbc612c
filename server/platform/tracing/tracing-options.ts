/** What tracing is told by the operator, and what it stands on. */
import type { Logger } from '../logger.ts'
import type { GuardedFetch } from '../network/guarded-fetch.ts'
import type { MetricReading } from './metric-reading.ts'

/** What the operator set by the variables of OpenTelemetry. */
export interface TracingConfig {
  endpoint: string
  headers: Readonly<Record<string, string>>
  protocol: 'http/protobuf' | 'http/json'
  /** Of one export, retries included. */
  timeoutMs: number
  serviceName: string
  resource: Readonly<Record<string, string>>
  sampler: SamplerName
  /** Of those that sample by ratio. */
  ratio: number
  traces: boolean
  /** Spans wait for each other so long. */
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
  /** What is sent as metrics. */
  readMetrics(): Promise<MetricReading[]>
  logger: Logger
}
