/** Periodically exports the metrics of `/metrics`, with the same names and values, to a collector. */
import { ValueType } from '@opentelemetry/api'
import { hrTime } from '@opentelemetry/core'
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import type { Resource } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import type { Logger } from '../logger.ts'
import type { MetricReading } from './metric-reading.ts'
import type { OtlpTransport } from './otlp-transport.ts'
import type { TracingFigures } from './tracing-figures.ts'
import type { TracingConfig } from './tracing-options.ts'

export interface MetricExportsOptions {
  config: Pick<TracingConfig, 'protocol' | 'metricsEveryMs'>
  version: string
  resource: Resource
  transport: Pick<OtlpTransport, 'post'>
  read(): Promise<MetricReading[]>
  figures: TracingFigures
  logger: Logger
}

export class MetricExports {
  readonly #options: MetricExportsOptions
  readonly #startedAt = hrTime(0)
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #isFailing = false

  constructor(options: MetricExportsOptions) {
    this.#options = options
  }

  /** Starts exporting; ticks during a slow export are skipped, which loses nothing, since the values are cumulative. */
  start(): void {
    this.#timer ??= setInterval(() => this.#send(), this.#options.config.metricsEveryMs)
  }

  /** Exports once more, and stops; call it while the metrics can still be read. */
  async stop(): Promise<void> {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#sending
    this.#send()
    await this.#sending
  }

  #send(): void {
    this.#sending ??= this.#export().finally(() => {
      this.#sending = undefined
    })
  }

  async #export(): Promise<void> {
    const { config, transport, figures, logger } = this.#options
    try {
      const serializer = config.protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer
      const body = serializer.serializeRequest(await this.#read())
      if (body) await transport.post('v1/metrics', body)
      figures.metricExports.sent++
      if (this.#isFailing) logger.info('metrics are exported again')
      this.#isFailing = false
    } catch (err) {
      figures.metricExports.failed++
      if (!this.#isFailing) logger.warn({ err }, 'metrics could not be exported')
      this.#isFailing = true
    }
  }

  async #read() {
    const { read, resource, version } = this.#options
    const readings = await read()
    const [startTime, endTime] = [this.#startedAt, hrTime()]
    const metrics = readings.map((reading): MetricData => {
      const descriptor = { name: reading.name, description: reading.help, unit: '', valueType: ValueType.DOUBLE }
      const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE }
      if (reading.kind === 'histogram') {
        const dataPoints = reading.points.map(({ labels, sum, count, bounds, counts }) => {
          return {
            startTime,
            endTime,
            attributes: labels,
            value: { sum, count, buckets: { boundaries: bounds, counts } },
          }
        })
        return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints }
      }
      const dataPoints = reading.points.map(({ labels, value }) => ({ startTime, endTime, attributes: labels, value }))
      return reading.kind === 'sum'
        ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
        : { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
    })
    return { resource, scopeMetrics: [{ scope: { name: 'rustymail', version }, metrics }] }
  }
}
