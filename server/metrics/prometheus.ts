/** Renders the metrics as Prometheus text. Counts requests itself; everything else is read at each scrape. */
import { Counter, type CounterConfiguration, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import type { MetricReading } from '../platform/tracing/metric-reading.ts'
import { type Sight, seesAll, wholeSight } from '../platform/visible-figures.ts'
import { type AccountFigures, addAccountMetrics } from './account-metrics.ts'
import type { CallMetrics } from './call-metrics.ts'
import { readingsOf } from './metric-readings.ts'
import { addOpenFiles, addProcessMetrics } from './process-metrics.ts'
import { addStorageMetrics, type StorageFigures } from './storage-metrics.ts'
import type { SystemReadings } from './system-readings.ts'

/** Totals of the event streams since the server started. */
interface EventFigures {
  /** Published events, by type. */
  published: Iterable<readonly [string, number]>
  sent: number
  dropped: number
  bytesSent: number
  replays: number
  gaps: number
  slowConsumers: number
}

type Total = Exclude<keyof EventFigures, 'published'>

/** Totals that increase with each fact of any account. */
const wholeTotals: readonly [Total, string, string][] = [
  ['sent', 'rustymail_stream_events_sent_total', 'Events written to streams'],
  ['bytesSent', 'rustymail_stream_bytes_sent_total', 'Bytes written to streams'],
]
const totals: readonly [Total, string, string][] = [
  ['dropped', 'rustymail_stream_events_dropped_total', 'Events skipped for slow streams'],
  ['replays', 'rustymail_stream_replays_total', 'Streams that resumed'],
  ['gaps', 'rustymail_stream_gaps_total', 'Gaps reported to streams'],
  ['slowConsumers', 'rustymail_slow_consumers_total', 'Streams closed because their reader was too slow'],
]

export interface AuditBacklog {
  /** Entries that wait for the database. */
  waiting: number
  /** Entries lost since the start. */
  lost: number
}

export interface PrometheusOptions extends AccountFigures {
  calls: CallMetrics
  version: string
  streams: () => number
  events: () => EventFigures
  readings: SystemReadings
  storage: StorageFigures
  auditBacklog: () => AuditBacklog
}

/** The metrics of one operation. */
interface Series {
  durations: Histogram.Internal<'operation'>
  byStatus: Map<number, Counter.Internal>
}

export class Prometheus {
  /** The load of the machine, and what concerns no account: for all callers that may scrape. */
  readonly #registry: Registry
  /** Metrics that depend on activity in all accounts: for callers that see all of them. */
  readonly #whole: Registry
  readonly #figures: AccountFigures
  readonly calls: CallMetrics
  readonly #requests: Counter<'operation' | 'status'>
  readonly #durations: Histogram<'operation'>
  /** Bounded by the operations of the contract, each with the statuses that it returns. */
  readonly #series = new Map<string, Series>()

  constructor(options: PrometheusOptions) {
    this.calls = options.calls
    this.#registry = this.calls.told
    this.#whole = this.calls.whole
    const registers = [this.#whole]
    this.#figures = options
    this.#requests = new Counter({
      name: 'rustymail_http_requests_total',
      help: 'API and MCP requests finished',
      labelNames: ['operation', 'status'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'rustymail_http_request_duration_seconds',
      help: 'Duration of API and MCP requests',
      labelNames: ['operation'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    })
    new Gauge({
      name: 'rustymail_build_info',
      help: 'Always 1; the version is in the label',
      labelNames: ['version'],
      registers: [this.#registry],
    }).set({ version: options.version }, 1)
    const { streams, events, readings, storage, auditBacklog } = options
    addStorageMetrics(this.#registry, storage)
    addBacklog(this.#whole, auditBacklog)
    addGauge(this.#registry, 'rustymail_event_streams', 'Event streams open', streams)
    addPublished(this.#whole, events)
    addTotals(this.#registry, totals, events)
    addTotals(this.#whole, wholeTotals, events)
    addProcessMetrics(this.#registry, readings)
    addOpenFiles(this.#whole)
  }

  /** Called for counted requests only. */
  recordRequest({ operation, status, durationMs }: RequestOutcome): void {
    const { durations, byStatus } = this.#series.get(operation) ?? this.#addSeries(operation)
    durations.observe(durationMs / 1000)
    let counter = byStatus.get(status)
    if (!counter) {
      counter = this.#requests.labels(operation, String(status))
      byStatus.set(status, counter)
    }
    counter.inc()
  }

  /** The `Content-Type` of the text that `render` returns. */
  get contentType(): string {
    return this.#registry.contentType
  }

  async render(sight: Sight): Promise<string> {
    const texts = await Promise.all(this.registriesOf(sight).map(registry => registry.metrics()))
    return texts.join('\n')
  }

  /** Reads all metrics, for exporters other than Prometheus. */
  read(): Promise<MetricReading[]> {
    return readingsOf(this.registriesOf(wholeSight))
  }

  /** Returns the registries of one scrape. */
  registriesOf(sight: Sight): Registry[] {
    // A registry per scrape, so that concurrent callers never get each other's figures.
    const own = new Registry()
    addAccountMetrics(own, this.#figures, sight)
    return [this.#registry, own, ...(seesAll(sight) ? [this.#whole] : [])]
  }

  #addSeries(operation: string): Series {
    const series = { durations: this.#durations.labels(operation), byStatus: new Map() }
    this.#series.set(operation, series)
    return series
  }
}

function addPublished(registry: Registry, events: () => EventFigures): void {
  addCounter(registry, {
    name: 'rustymail_events_published_total',
    help: 'Events published, by type',
    labelNames: ['type'],
    collect() {
      this.reset()
      for (const [type, count] of events().published) this.inc({ type }, count)
    },
  })
}

function addTotals(registry: Registry, rows: typeof totals, events: () => EventFigures): void {
  for (const [total, name, help] of rows) {
    addCounter(registry, {
      name,
      help,
      collect() {
        this.reset()
        this.inc(events()[total])
      },
    })
  }
}

function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

function addCounter(registry: Registry, configuration: CounterConfiguration<string>): void {
  new Counter({ ...configuration, registers: [registry] })
}

function addBacklog(registry: Registry, read: () => AuditBacklog): void {
  new Gauge({
    name: 'rustymail_audit_entries_waiting',
    help: 'Audit entries waiting for the database',
    registers: [registry],
    collect() {
      this.set(read().waiting)
    },
  })
  new Counter({
    name: 'rustymail_audit_entries_lost_total',
    help: 'Audit entries lost',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read().lost)
    },
  })
}
