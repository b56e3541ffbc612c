/** The figures as Prometheus text. Counts requests itself; everything else is read when someone asks. */
import { Counter, type CounterConfiguration, Gauge, Histogram, Registry } from 'prom-client'
import type { AccountState } from '../../contract/accounts.ts'
import type { ImapReadings } from '../../contract/metrics.ts'
import type { RequestOutcome } from '../platform/http-outcome.ts'
import { addProcessMetrics } from './process-metrics.ts'
import type { SystemReadings } from './system-readings.ts'

/** What the event streams have counted since the server started. */
interface EventFigures {
  /** By type of event. */
  published: Iterable<readonly [string, number]>
  sent: number
  dropped: number
  bytesSent: number
  replays: number
  gaps: number
  slowConsumers: number
}

type Total = Exclude<keyof EventFigures, 'published'>

const totals: readonly [Total, string, string][] = [
  ['sent', 'rustymail_stream_events_sent_total', 'Events written to streams'],
  ['dropped', 'rustymail_stream_events_dropped_total', 'Events that a slow stream did not get'],
  ['bytesSent', 'rustymail_stream_bytes_sent_total', 'Bytes written to streams'],
  ['replays', 'rustymail_stream_replays_total', 'Streams that came back and could go on where they were'],
  ['gaps', 'rustymail_stream_gaps_total', 'Times that a stream was told of a gap'],
  ['slowConsumers', 'rustymail_slow_consumers_total', 'Streams closed since their reader was too slow'],
]

export interface PrometheusOptions {
  version: string
  imap: () => ImapReadings
  /** How many accounts are in each state. */
  accounts: () => Readonly<Record<AccountState, number>>
  /** How many open IMAP connections the accounts of each state have. */
  connectionsByState: () => Readonly<Record<AccountState, number>>
  streams: () => number
  events: () => EventFigures
  readings: SystemReadings
}

/** What is counted for one operation. */
interface Series {
  durations: Histogram.Internal<'operation'>
  byStatus: Map<number, Counter.Internal>
}

export class Prometheus {
  readonly #registry = new Registry()
  readonly #requests: Counter<'operation' | 'status'>
  readonly #durations: Histogram<'operation'>
  /** As many as there are operations in the contract, each with the statuses that it answers. */
  readonly #series = new Map<string, Series>()

  constructor(options: PrometheusOptions) {
    const registers = [this.#registry]
    this.#requests = new Counter({
      name: 'rustymail_http_requests_total',
      help: 'API and MCP requests finished',
      labelNames: ['operation', 'status'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'rustymail_http_request_duration_seconds',
      help: 'How long API and MCP requests took',
      labelNames: ['operation'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    })
    new Gauge({
      name: 'rustymail_build_info',
      help: 'Always 1; the version is in the label',
      labelNames: ['version'],
      registers,
    }).set({ version: options.version }, 1)
    addImap(this.#registry, options)
    addEvents(this.#registry, options)
    addProcessMetrics(this.#registry, options.readings)
  }

  /** To be called for counted requests only. */
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

  /** For the `Content-Type` of what `render` gives. */
  get contentType(): string {
    return this.#registry.contentType
  }

  render(): Promise<string> {
    return this.#registry.metrics()
  }

  #addSeries(operation: string): Series {
    const series = { durations: this.#durations.labels(operation), byStatus: new Map() }
    this.#series.set(operation, series)
    return series
  }
}

function addImap(registry: Registry, { imap, accounts, connectionsByState }: PrometheusOptions): void {
  const registers = [registry]
  new Gauge({
    name: 'rustymail_imap_connections',
    help: 'IMAP connections by what they are doing',
    labelNames: ['state'],
    registers,
    collect() {
      const { open, idle, busy, connecting } = imap()
      const states = { watching: open - idle - busy, idle, busy, connecting }
      for (const [state, count] of Object.entries(states)) this.set({ state }, count)
    },
  })
  addGauge(registry, 'rustymail_imap_connections_open', 'IMAP connections open', () => imap().open)
  addGauge(registry, 'rustymail_imap_connections_max', 'Most IMAP connections at once', () => imap().max)
  new Gauge({
    name: 'rustymail_account_connections',
    help: 'Open IMAP connections by the state of their account',
    labelNames: ['account_state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(connectionsByState())) this.set({ account_state: state }, count)
    },
  })
  new Gauge({
    name: 'rustymail_accounts',
    help: 'Mail accounts by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(accounts())) this.set({ state }, count)
    },
  })
}

function addEvents(registry: Registry, { events, streams }: PrometheusOptions): void {
  addGauge(registry, 'rustymail_event_streams', 'Event streams open', streams)
  addCounter(registry, {
    name: 'rustymail_events_published_total',
    help: 'Events published, by type',
    labelNames: ['type'],
    collect() {
      this.reset()
      for (const [type, count] of events().published) this.inc({ type }, count)
    },
  })
  for (const [total, name, help] of totals) {
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
