/** The figures as a client gets them. */
import { afterEach, expect, test, vi } from 'vitest'
import type { State } from '../../contract/event.ts'
import { DashboardStats, Sample } from '../../contract/metrics.ts'
import type { RequestOutcome } from '../platform/http-outcome.ts'
import { createHttpServer } from '../platform/http-server.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope } from '../platform/principal.ts'
import { metricsRoutes } from './metrics-routes.ts'
import { MetricsService } from './metrics-service.ts'
import { Prometheus } from './prometheus.ts'
import { SystemReadings, thisMachine } from './system-readings.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  vi.useRealTimers()
})

const logger = createLogger('silent')
const imap = { open: 3, idle: 1, busy: 2, connecting: 1, max: 20 }

function setUp(startedAt = Date.now()) {
  const states: State[] = []
  const readings = new SystemReadings(thisMachine)
  const streams = () => 4
  const prometheus = new Prometheus({
    version: '1.2.3',
    imap: () => imap,
    accounts: () => ({ connecting: 0, ready: 2, degraded: 0, auth_failed: 1, unreachable: 0, disabled: 0 }),
    connectionsByState: () => ({ connecting: 0, ready: 5, degraded: 0, auth_failed: 0, unreachable: 0, disabled: 0 }),
    streams,
    events: () => ({
      published: new Map([['mail_received', 7]]),
      sent: 11,
      dropped: 5,
      bytesSent: 4096,
      replays: 3,
      gaps: 2,
      slowConsumers: 1,
    }),
    readings,
  })
  const hub = { publishState: (state: State) => void states.push(state) }
  const metrics = new MetricsService({ hub, imap: () => imap, streams, startedAt, readings, prometheus, logger })
  cleanups.push(() => metrics.stop())
  return { metrics, prometheus, states }
}

function outcome(changes: Partial<RequestOutcome> = {}): RequestOutcome {
  return {
    operation: 'mail.listMessages',
    effect: 'read',
    code: 'ok',
    address: '127.0.0.1',
    userAgent: 'Test',
    requestId: 'r-1',
    refs: {},
    input: { query: {}, body: undefined },
    method: 'GET',
    status: 200,
    durationMs: 20,
    caller: undefined,
    isCounted: true,
    ...changes,
  }
}

test('only requests that count are counted, and they are forgotten after a minute', () => {
  vi.useFakeTimers()
  const { metrics } = setUp(Date.now() - 90_000)
  metrics.start()
  metrics.recordRequest(outcome({ durationMs: 10 }))
  metrics.recordRequest(outcome({ durationMs: 30 }))
  metrics.recordRequest(outcome({ durationMs: 9000, isCounted: false }))
  expect(metrics.getStats()).toMatchObject({
    requests_per_minute: 2,
    average_response_time_ms: 20,
    active_connections: 3,
    active_sse_connections: 4,
    imap,
    uptime_seconds: 90,
  })
  vi.advanceTimersByTime(61_000)
  expect(metrics.getStats()).toMatchObject({
    requests_per_minute: 0,
    average_response_time_ms: 0,
    response_time_ms: { p50: 0, p95: 0, p99: 0 },
    uptime_seconds: 151,
  })
})

test('every 5 s a sample is kept and announced, and its own announcements move no counter', () => {
  vi.useFakeTimers()
  const { metrics, states } = setUp()
  metrics.start()
  expect(states).toHaveLength(1)
  vi.advanceTimersByTime(20_000)
  expect(states).toHaveLength(5)
  const { interval_seconds, items } = metrics.listSamples(60)
  expect(interval_seconds).toBe(5)
  expect(items.map(({ at }) => at - items[0]!.at)).toEqual([0, 5, 10, 15, 20])
  for (const item of items) expect(Sample.parse(item)).toEqual(item)
  for (const { data } of states) expect(DashboardStats.parse(data)).toEqual(data)
  expect(states.at(-1)!.data).toEqual(metrics.getStats())
  expect(metrics.getStats()).toMatchObject({ requests_per_minute: 0, sampled_at: new Date().toISOString() })
})

test('no more than the last hour is kept, oldest first, and fewer minutes give fewer samples', () => {
  vi.useFakeTimers()
  const { metrics } = setUp()
  metrics.start()
  vi.advanceTimersByTime(2 * 3600_000)
  const { items } = metrics.listSamples(60)
  expect(items).toHaveLength(720)
  expect(items.at(-1)!.at).toBe(Math.floor(Date.now() / 1000))
  expect(items.every((item, index) => index === 0 || item.at === items[index - 1]!.at + 5)).toBe(true)
  expect(metrics.listSamples(1).items).toEqual(items.slice(-12))
})

test('after stop nothing is sampled any more', () => {
  vi.useFakeTimers()
  const { metrics, states } = setUp()
  metrics.start()
  metrics.stop()
  vi.advanceTimersByTime(60_000)
  expect(states).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('a client reads the figures, the samples and the Prometheus text over HTTP', async () => {
  const { metrics, prometheus } = setUp()
  const principal = {
    id: 'p',
    name: 'Script',
    kind: 'api_key' as const,
    userId: null,
    scopes: everyScope,
    accounts: 'all' as const,
  }
  const http = createHttpServer({
    logger,
    authenticate: ({ token }) => (token === 'right' ? principal : undefined),
    observe: seen => metrics.recordRequest(seen),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  metricsRoutes(http, metrics, prometheus)
  cleanups.push(() => http.fastify.close())
  metrics.start()
  const address = await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const get = (path: string) => fetch(address + path, { headers: { 'x-api-key': 'right' } })

  expect(DashboardStats.parse(await (await get('/api/dashboard/stats')).json()).requests_per_minute).toBe(0)
  await expect.poll(() => metrics.getStats().requests_per_minute).toBe(1)
  expect(await (await get('/api/dashboard/samples?minutes=5')).json()).toMatchObject({ interval_seconds: 5 })
  expect((await get('/api/dashboard/samples?minutes=61')).status).toBe(400)
  await expect.poll(() => metrics.getStats().requests_per_minute).toBe(3)

  expect((await fetch(`${address}/metrics`)).status).toBe(401)
  const scrape = await get('/metrics')
  expect(scrape.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = (await scrape.text()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'rustymail_http_requests_total{operation="metrics.getStats",status="200"} 1',
      'rustymail_http_requests_total{operation="metrics.listSamples",status="400"} 1',
      'rustymail_http_request_duration_seconds_count{operation="metrics.listSamples"} 2',
      'rustymail_imap_connections{state="busy"} 2',
      'rustymail_imap_connections_open 3',
      'rustymail_accounts{state="auth_failed"} 1',
      'rustymail_event_streams 4',
      'rustymail_events_published_total{type="mail_received"} 7',
      'rustymail_stream_events_sent_total 11',
      'rustymail_stream_events_dropped_total 5',
      'rustymail_stream_bytes_sent_total 4096',
      'rustymail_stream_replays_total 3',
      'rustymail_stream_gaps_total 2',
      'rustymail_slow_consumers_total 1',
      'rustymail_build_info{version="1.2.3"} 1',
    ]),
  )
  expect(lines.filter(line => line !== '' && !/^(#|rustymail_)/.test(line))).toEqual([])
  expect(lines.some(line => /^rustymail_process_memory_bytes\{kind="resident"\} [1-9]\d+$/.test(line))).toBe(true)
  const again = (await (await get('/metrics')).text()).split('\n')
  expect(again, 'a scrape counts nothing twice').toContain('rustymail_events_published_total{type="mail_received"} 7')
  await expect.poll(() => metrics.getStats().requests_per_minute).toBe(3)
})
