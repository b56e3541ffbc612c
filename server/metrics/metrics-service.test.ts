/** The figures as a client gets them. */
import { afterEach, expect, test, vi } from 'vitest'
import type { AccountState } from '../../contract/accounts.ts'
import type { State } from '../../contract/event.ts'
import { DashboardStats, type ImapReadings, Sample } from '../../contract/metrics.ts'
import type { SummedFor } from '../events/state-frame.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { CallMetrics } from './call-metrics.ts'
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
const all = { accounts: 'all' } as const
/** A caller that sees only these; the server has `a` with two connections, and `b` with one. */
const only = (...ids: string[]) => ({ accounts: new Set(ids) })
const ofAccounts: Record<string, ImapReadings> = {
  a: { open: 2, idle: 0, busy: 2, connecting: 0, max: 20 },
  b: { open: 1, idle: 1, busy: 0, connecting: 1, max: 20 },
}
const none = { open: 0, idle: 0, busy: 0, connecting: 0, max: 20 }

function setUp(startedAt = Date.now()) {
  const told: { state: State; summedFor: SummedFor | undefined }[] = []
  /** Changes in the course of a test. */
  const open = new Map(Object.entries(ofAccounts))
  const connections = { byAccount: open, max: 20 }
  const account = (state: AccountState, connected: number) => ({ state, connections: { open: connected } })
  const fares = { a: account('ready', 2), b: account('auth_failed', 1), c: account('ready', 0) }
  const readings = new SystemReadings(thisMachine)
  const streams = () => 4
  const storage = {
    figures: { is_writable: false, fault: 'full' as const, write_failures: 3, free_bytes: 5, total_bytes: 6 },
  }
  const prometheus = new Prometheus({
    calls: new CallMetrics(),
    version: '1.2.3',
    connections,
    accounts: {
      byAccount: new Map(Object.entries(fares)),
    },
    streams,
    events: () => ({
      published: new Map([
        ['mail_received', 7],
        ['account_added', 3],
        ['client_connected', 2],
        ['stats_update', 9],
      ]),
      sent: 11,
      dropped: 5,
      bytesSent: 4096,
      replays: 3,
      gaps: 2,
      slowConsumers: 1,
    }),
    readings,
    storage,
    auditBacklog: () => ({ waiting: 12, lost: 3 }),
  })
  const events = { slowConsumers: 0 }
  const hub = { publishState: (state: State, summedFor?: SummedFor) => void told.push({ state, summedFor }) }
  const metrics = new MetricsService({
    hub,
    connections,
    streams,
    events: () => events,
    startedAt,
    readings,
    storage,
    prometheus,
    logger,
  })
  cleanups.push(() => metrics.stop())
  return { metrics, prometheus, told, open, events }
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
    hasCredentials: false,
    isCounted: true,
    ...changes,
  }
}

test('only requests that count are counted, and they are forgotten after a minute', () => {
  vi.useFakeTimers()
  const { metrics } = setUp(Date.now() - 90_000)
  metrics.start()
  metrics.record(outcome({ durationMs: 10 }))
  metrics.record(outcome({ durationMs: 30 }))
  metrics.record(outcome({ durationMs: 9000, isCounted: false }))
  expect(metrics.getStats(all)).toMatchObject({
    requests_per_minute: 2,
    average_response_time_ms: 20,
    active_connections: 3,
    active_sse_connections: 4,
    imap,
    uptime_seconds: 90,
  })
  vi.advanceTimersByTime(61_000)
  expect(metrics.getStats(all)).toMatchObject({
    requests_per_minute: 0,
    average_response_time_ms: 0,
    response_time_ms: { p50: 0, p95: 0, p99: 0 },
    uptime_seconds: 151,
  })
})

test('what this server failed is counted for a minute, and what a mail server failed is not', () => {
  vi.useFakeTimers()
  const { metrics, events } = setUp()
  metrics.start()
  for (const status of [200, 404, 500, 503, 502, 504]) metrics.record(outcome({ status }))
  expect(metrics.getStats(all)).toMatchObject({ requests_per_minute: 6, errors: { failed_requests: 2 } })
  events.slowConsumers += 3
  expect(metrics.getStats(all).errors.slow_streams).toBe(3)
  vi.advanceTimersByTime(50_000)
  expect(metrics.getStats(all).errors).toEqual({ failed_requests: 2, slow_streams: 3 })
  vi.advanceTimersByTime(20_000)
  expect(metrics.getStats(all).errors).toEqual({ failed_requests: 0, slow_streams: 0 })
})

test('every 5 s a sample is kept and announced, and its own announcements move no counter', () => {
  vi.useFakeTimers()
  const { metrics, told } = setUp()
  metrics.start()
  expect(told).toHaveLength(1)
  vi.advanceTimersByTime(20_000)
  expect(told).toHaveLength(5)
  const { interval_seconds, items } = metrics.listSamples(all, 60)
  expect(interval_seconds).toBe(5)
  expect(items.map(({ at }) => at - items[0]!.at)).toEqual([0, 5, 10, 15, 20])
  for (const item of items) expect(Sample.parse(item)).toEqual(item)
  for (const { data } of told.map(({ state }) => state)) expect(DashboardStats.parse(data)).toEqual(data)
  expect(told.at(-1)!.state.data).toEqual(metrics.getStats(all))
  expect(metrics.getStats(all)).toMatchObject({ requests_per_minute: 0, sampled_at: new Date().toISOString() })
})

test('no more than the last hour is kept, oldest first, and fewer minutes give fewer samples', () => {
  vi.useFakeTimers()
  const { metrics } = setUp()
  metrics.start()
  vi.advanceTimersByTime(2 * 3600_000)
  const { items } = metrics.listSamples(all, 60)
  expect(items).toHaveLength(720)
  expect(items.at(-1)!.at).toBe(Math.floor(Date.now() / 1000))
  expect(items.every((item, index) => index === 0 || item.at === items[index - 1]!.at + 5)).toBe(true)
  expect(metrics.listSamples(all, 1).items).toEqual(items.slice(-12))
})

test('a principal that sees some accounts gets the connections of those: current, announced and past', () => {
  vi.useFakeTimers()
  const { metrics, told, open } = setUp()
  metrics.start()
  open.set('b', { ...none, open: 9 })
  vi.advanceTimersByTime(5_000)
  open.delete('a')
  vi.advanceTimersByTime(5_000)
  const past = (...ids: string[]) => metrics.listSamples(only(...ids), 60).items.map(item => item.active_connections)
  expect(past('a')).toEqual([2, 2, 0])
  expect(past('a', 'b')).toEqual([3, 11, 9])
  expect(past()).toEqual([0, 0, 0])
  open.set('a', ofAccounts.a!)
  open.set('b', ofAccounts.b!)
  const whole = metrics.getStats(all)
  const { state, summedFor } = told.at(-1)!
  for (const [accounts, readings] of [
    [only('a'), ofAccounts.a!],
    [only('b'), ofAccounts.b!],
    [only(), none],
  ] as const) {
    const expected = { ...whole, active_connections: readings.open, imap: readings }
    expect(metrics.getStats(accounts)).toEqual(expected)
    expect(summedFor!(accounts)).toEqual(expected)
  }
  expect(state.data, 'nothing is written into what others get').toMatchObject({ active_connections: 9 })
  open.set('b', { ...none, open: 9 })
  vi.advanceTimersByTime(2 * 3600_000)
  expect(past('b').length).toBe(720)
  expect(new Set(past('b'))).toEqual(new Set([9]))
})

test('after stop nothing is sampled any more', () => {
  vi.useFakeTimers()
  const { metrics, told } = setUp()
  metrics.start()
  metrics.stop()
  vi.advanceTimersByTime(60_000)
  expect(told).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('a client reads the figures, the samples and the Prometheus text over HTTP', async () => {
  const { metrics, prometheus } = setUp()
  const rights = { name: 'Script', kind: 'api_key', userId: null, scopes: everyScope } as const
  const principals: Record<string, Principal> = {
    right: { ...rights, ...all, id: 'p' },
    listed: { ...rights, ...only('a'), id: 'q' },
  }
  const http = createHttpServer({
    logger,
    authenticate: ({ token }) => principals[token ?? ''],
    observe: seen => metrics.record(seen),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  metricsRoutes(http, metrics, prometheus)
  cleanups.push(() => http.fastify.close())
  metrics.start()
  const address = await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const get = (path: string, token = 'right') => fetch(address + path, { headers: { 'x-api-key': token } })

  const stats = await (await get('/api/dashboard/stats')).json()
  expect(DashboardStats.parse(stats).requests_per_minute).toBe(0)
  // It leaves unchecked, so nothing is to be in it that the contract does not name.
  expect(DashboardStats.parse(stats)).toEqual(stats)
  await expect.poll(() => metrics.getStats(all).requests_per_minute).toBe(1)
  expect(await (await get('/api/dashboard/samples?minutes=5')).json()).toMatchObject({ interval_seconds: 5 })
  expect((await get('/api/dashboard/samples?minutes=61')).status).toBe(400)
  await expect.poll(() => metrics.getStats(all).requests_per_minute).toBe(3)

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
  const families = lines.filter(line => line.startsWith('# TYPE'))
  expect(new Set(families).size, 'each family is told in one piece').toBe(families.length)
  const listed = await (await get('/metrics', 'listed')).text()
  expect(listed).toContain('rustymail_imap_connections_open 2\n')
  expect(lines.some(line => /^rustymail_process_memory_bytes\{kind="resident"\} [1-9]\d+$/.test(line))).toBe(true)
  const again = (await (await get('/metrics')).text()).split('\n')
  expect(again, 'a scrape counts nothing twice').toContain('rustymail_events_published_total{type="mail_received"} 7')
  await expect.poll(() => metrics.getStats(all).requests_per_minute).toBe(3)
})

test('a scrape by a caller that sees some accounts has series of those, and none that grows with what others do', async () => {
  const { prometheus } = setUp()
  for (const operation of ['mail.listMessages', 'accounts.createAccount', 'settings.updateConfig', 'news.listNews']) {
    prometheus.recordRequest(outcome({ operation }))
  }
  const seriesOf = (text: string) => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const whole = seriesOf(await prometheus.render(all))
  const listed = seriesOf(await prometheus.render(only('a')))
  const names = (lines: string[]) => new Set(lines.map(line => line.replace(/ \S+$/, '')))
  const missing = [...names(whole)].filter(name => !names(listed).has(name) && !name.includes('_duration_'))
  expect([...names(listed)].filter(name => !names(whole).has(name))).toEqual([])
  const files = process.platform === 'linux' ? ['rustymail_process_open_fds'] : []
  expect(missing.sort()).toEqual([
    'rustymail_audit_entries_lost_total',
    'rustymail_audit_entries_waiting',
    'rustymail_events_published_total{type="account_added"}',
    'rustymail_events_published_total{type="client_connected"}',
    'rustymail_events_published_total{type="mail_received"}',
    'rustymail_events_published_total{type="stats_update"}',
    'rustymail_http_requests_total{operation="accounts.createAccount",status="200"}',
    'rustymail_http_requests_total{operation="mail.listMessages",status="200"}',
    'rustymail_http_requests_total{operation="news.listNews",status="200"}',
    'rustymail_http_requests_total{operation="settings.updateConfig",status="200"}',
    'rustymail_imap_rows_dropped_total',
    ...files,
    'rustymail_stream_bytes_sent_total',
    'rustymail_stream_events_sent_total',
  ])
  expect(listed.filter(line => line.includes('_duration_'))).toEqual([])
  expect(listed).toEqual(
    expect.arrayContaining([
      'rustymail_imap_connections{state="busy"} 2',
      'rustymail_imap_connections{state="idle"} 0',
      'rustymail_imap_connections_open 2',
      'rustymail_imap_connections_max 20',
      'rustymail_accounts{state="ready"} 1',
      'rustymail_accounts{state="auth_failed"} 0',
      'rustymail_account_connections{account_state="ready"} 2',
      'rustymail_stream_events_dropped_total 5',
    ]),
  )
})

test('tools, providers, failed connections and the backlog of the trail are told by outcome, and what tells of accounts only to callers that see all', async () => {
  const { metrics, prometheus } = setUp()
  const tool = { operation: 'tool.mail_search', method: 'CALL', isCounted: false, durationMs: 20 }
  metrics.record(outcome({ ...tool, status: 200 }))
  metrics.record(outcome({ ...tool, status: 404, code: 'message_not_found' }))
  metrics.record(outcome({ ...tool, status: 502, code: 'mail_server_unreachable' }))
  metrics.record(outcome({ ...tool, status: 504, code: 'mail_server_timeout' }))
  prometheus.calls.recordProvider({ provider: 'openai', outcome: 'timeout', durationMs: 8_000 })
  prometheus.calls.recordImapError('flood')
  prometheus.calls.recordDroppedRow()
  const told = [
    'rustymail_provider_calls_total{provider="openai",outcome="timeout"} 1',
    'rustymail_provider_call_duration_seconds_sum{provider="openai"} 8',
  ]
  const whole = [
    'rustymail_tool_calls_total{tool="mail_search",outcome="ok"} 1',
    'rustymail_tool_calls_total{tool="mail_search",outcome="refused"} 1',
    'rustymail_tool_calls_total{tool="mail_search",outcome="failed"} 2',
    'rustymail_tool_call_duration_seconds_count{tool="mail_search"} 4',
    'rustymail_imap_errors_total{cause="flood"} 1',
    'rustymail_imap_rows_dropped_total 1',
    'rustymail_audit_entries_waiting 12',
    'rustymail_audit_entries_lost_total 3',
  ]
  const [text, own] = [(await prometheus.render(all)).split('\n'), await prometheus.render(only('a'))]
  for (const line of [...told, ...whole]) expect(text).toContain(line)
  for (const line of told) expect(own).toContain(line)
  expect(own).not.toMatch(/rustymail_(tool|imap_errors|imap_rows|audit)/)
})
