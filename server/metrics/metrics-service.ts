/**
 * The figures of the running server: samples every 5 s, keeps those of the last hour, and publishes the current ones.
 */
import type { DashboardStats, Sample, StorageReadings } from '../../contract/metrics.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { type Sight, seesAll, wholeSight } from '../platform/visible-figures.ts'
import { AccountHistory } from './account-history.ts'
import { imapReadings, type OpenConnections } from './account-metrics.ts'
import type { Prometheus } from './prometheus.ts'
import { RequestWindow } from './request-window.ts'
import type { SystemReading, SystemReadings } from './system-readings.ts'

export interface MetricsServiceOptions {
  hub: Pick<EventHub, 'publishState'>
  connections: OpenConnections
  /** Returns the number of open event streams. */
  streams: () => number
  /** Totals of all streams since the start. */
  events: () => { readonly slowConsumers: number }
  /** When the server started, in epoch milliseconds. */
  startedAt: number
  readings: SystemReadings
  storage: { readonly figures: StorageReadings }
  prometheus: Pick<Prometheus, 'recordRequest' | 'calls'>
  logger: Logger
}

interface SampleList {
  interval_seconds: number
  items: Sample[]
}

const intervalSeconds = 5
/** The number of samples in a minute. */
const minuteOfSamples = 60 / intervalSeconds
/** Samples of one hour; the newest overwrites the oldest. */
const keptSamples = 3600 / intervalSeconds

export class MetricsService {
  readonly #options: MetricsServiceOptions
  readonly #window = new RequestWindow()
  readonly #samples: Sample[] = []
  readonly #history = new AccountHistory(keptSamples)
  /** Slow readers counted up to each sample of the last minute, oldest first. */
  readonly #slowConsumers: number[] = []
  #oldest = 0
  #reading: (SystemReading & { sampledAt: string }) | undefined
  #ending: AbortController | undefined

  constructor(options: MetricsServiceOptions) {
    this.#options = options
  }

  /** Takes the first sample immediately. */
  start(): void {
    if (this.#ending) return
    const { readings, logger } = this.#options
    this.#ending = new AbortController()
    readings.start()
    this.#sample()
    every(
      intervalSeconds * 1000,
      this.#ending.signal,
      () => this.#sample(),
      err => logger.error({ err }, 'a sample could not be taken'),
    )
  }

  stop(): void {
    this.#ending?.abort()
    this.#ending = undefined
    this.#options.readings.stop()
  }

  /** Records each finished request and tool call, in O(1). */
  record(outcome: RequestOutcome): void {
    if (outcome.method === 'CALL') this.#options.prometheus.calls.recordTool(outcome)
    if (!outcome.isCounted) return
    this.#window.record(outcome.durationMs, performance.now(), isOwnFailure(outcome.status))
    this.#options.prometheus.recordRequest(outcome)
  }

  /** Returns current requests and connections, with CPU, memory and loop delay of the last sample. */
  getStats(sight: Sight): DashboardStats {
    const requests = this.#window.read(performance.now())
    const reading = this.#reading ?? this.#readSystem()
    return {
      ...this.#connectionsOf(sight),
      requests_per_minute: requests.count,
      average_response_time_ms: requests.averageMs,
      system_cpu_usage: reading.cpuPercent,
      system_memory_usage: reading.memoryPercent,
      uptime_seconds: Math.max(0, Math.floor((Date.now() - this.#options.startedAt) / 1000)),
      active_sse_connections: this.#options.streams(),
      response_time_ms: { p50: requests.p50Ms, p95: requests.p95Ms, p99: requests.p99Ms },
      errors: { failed_requests: requests.failed, slow_streams: this.#slowStreams() },
      process: {
        rss_bytes: reading.rssBytes,
        cpu_percent: reading.processCpuPercent,
        event_loop_lag_ms: reading.eventLoopLagMs,
      },
      storage: this.#options.storage.figures,
      sampled_at: reading.sampledAt,
    }
  }

  /** Returns the oldest first. */
  listSamples(sight: Sight, minutes: number): SampleList {
    const since = Math.floor(Date.now() / 1000) - minutes * 60
    // Sums over all accounts are stored with each sample.
    const samples = seesAll(sight) ? this.#samples : this.#samplesOf(sight)
    const inOrder = [...samples.slice(this.#oldest), ...samples.slice(0, this.#oldest)]
    return { interval_seconds: intervalSeconds, items: inOrder.filter(({ at }) => at > since) }
  }

  #slowStreams(): number {
    const now = this.#options.events().slowConsumers
    return now - (this.#slowConsumers[0] ?? now)
  }

  #samplesOf(sight: Sight): Sample[] {
    const sums = this.#history.sumOf(sight)
    return this.#samples.map((sample, place) => ({ ...sample, active_connections: sums[place]! }))
  }

  #sample(): void {
    this.#readSystem()
    const { hub, events } = this.#options
    this.#slowConsumers.push(events().slowConsumers)
    if (this.#slowConsumers.length > minuteOfSamples) this.#slowConsumers.shift()
    const stats = this.getStats(wholeSight)
    this.#keep({
      at: Math.floor(Date.now() / 1000),
      active_connections: stats.active_connections,
      requests_per_minute: stats.requests_per_minute,
      average_response_time_ms: stats.average_response_time_ms,
      p95_ms: stats.response_time_ms.p95,
      system_cpu_usage: stats.system_cpu_usage,
      system_memory_usage: stats.system_memory_usage,
      active_sse_connections: stats.active_sse_connections,
    })
    hub.publishState({ type: 'stats_update', data: stats }, sight => ({ ...stats, ...this.#connectionsOf(sight) }))
  }

  #connectionsOf(sight: Sight): Pick<DashboardStats, 'active_connections' | 'imap'> {
    const imap = imapReadings(sight, this.#options.connections)
    return { active_connections: imap.open, imap }
  }

  #readSystem(): SystemReading & { sampledAt: string } {
    this.#reading = { ...this.#options.readings.read(), sampledAt: new Date().toISOString() }
    return this.#reading
  }

  #keep(sample: Sample): void {
    const isFull = this.#samples.length === keptSamples
    const place = isFull ? this.#oldest : this.#samples.length
    if (isFull) this.#oldest = (this.#oldest + 1) % keptSamples
    this.#samples[place] = sample
    this.#history.keep(place, this.#options.connections.byAccount.entries())
  }
}

/** 502 and 504 are failures of a mail server or model provider, which its account reports. */
function isOwnFailure(status: number): boolean {
  return status >= 500 && status !== 502 && status !== 504
}
