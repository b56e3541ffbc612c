/** The connection doctor against servers and proxies that treat a stream as they do in the field. */
/// <reference types="node" />
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGzip } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import type { LinkEnding } from '../platform/stream-status.ts'
import { diagnose, type LinkHistory } from './diagnosis.ts'
import type { Examination } from './examine.ts'
import { type Hearing, listen } from './listen.ts'
import { remedies } from './remedies.ts'

const now = Date.parse('2026-11-22T18:00:00.000Z')
const iso = (ms: number) => new Date(ms).toISOString()
const welcome = (at = Date.now()) => `event: welcome\ndata: {"server_time":"${iso(at)}"}\n\n`
const stats = (at = Date.now()) => `event: stats_update\ndata: {"sampled_at":"${iso(at)}"}\n\n`
const stream = { 'content-type': 'text/event-stream; charset=utf-8' }

/**
 * Returns what is measured of such a server. Waits for what arrives however busy the machine is, and briefly for what
 * never does.
 */
async function hearingOf(
  answer: (response: ServerResponse) => void,
  { waitMs = 20_000, watchMs = 20_000 } = {},
): Promise<Hearing> {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const { signal } = new AbortController()
  return listen({ url: `http://127.0.0.1:${port}/`, signal, timing: { waitMs, watchMs, enough: 3 } })
}

const well: LinkHistory = { endings: [], liveSince: now - 10 * 60_000, isShared: true }
const clock = { offsetMs: 12, roundTripMs: 8 }

function verdicts(hearing: Hearing, rest: Partial<Examination> = {}, link = well) {
  const findings = diagnose({ hearing, clock, protocol: 'h2', at: now, ...rest }, link, now)
  return Object.fromEntries(findings.map(finding => [finding.title, finding]))
}

const good = (response: ServerResponse) => {
  response.writeHead(200, stream)
  response.write(`retry: 3000\n\n${welcome()}`)
  // Older than the welcome: the earlier state, which the server sends to each new stream.
  response.write(stats(Date.now() - 4_000))
  for (const ms of [20, 40, 60]) setTimeout(() => response.write(stats()), ms)
}

test('a stream that comes as it is sent is well, and nothing is prescribed', async () => {
  const hearing = await hearingOf(good)
  expect(hearing.arrivals.map(({ type }) => type)).toEqual(['welcome', 'stats_update', 'stats_update', 'stats_update'])
  const findings = Object.values(verdicts(hearing))
  expect(findings.map(({ title, tone }) => [title, tone])).toEqual([
    ['Content type', 'good'],
    ['Buffering', 'good'],
    ['Compression', 'good'],
    ['Idle disconnects', 'good'],
    ["The browser's six connections", 'good'],
    ['Clocks', 'good'],
  ])
  expect(findings.every(({ remedy }) => remedy === undefined)).toBe(true)
})

test('events that arrive together though they were sent apart were held back', async () => {
  const together = (response: ServerResponse) => {
    response.writeHead(200, stream)
    const at = Date.now()
    response.write(welcome(at - 10_000) + stats(at - 5_000) + stats(at))
  }
  const hearing = await hearingOf(together, { watchMs: 300 })
  expect(verdicts(hearing).Buffering).toMatchObject({ tone: 'bad', remedy: 'buffering' })
  expect(verdicts(hearing).Buffering!.measured).toContain('2 arrived together')
})

test('a head with nothing behind it, and a head that never comes, are buffering too', async () => {
  const noEvent = await hearingOf(response => response.writeHead(200, stream).flushHeaders(), { waitMs: 1_500 })
  expect(noEvent).toMatchObject({ status: 200, welcomeMs: null, fault: null })
  expect(verdicts(noEvent).Buffering).toMatchObject({ tone: 'bad', remedy: 'buffering' })
  const noHead = await hearingOf(() => undefined, { waitMs: 300 })
  expect(verdicts(noHead).Buffering).toMatchObject({ tone: 'bad', remedy: 'buffering' })
  expect(verdicts(noHead)['Content type']!.tone).toBe('unknown')
})

test('compression is blamed only where events do not come through it', async () => {
  const heldBack = (response: ServerResponse) => {
    response.writeHead(200, { ...stream, 'content-encoding': 'gzip' }).flushHeaders()
    const gzip = createGzip()
    gzip.pipe(response)
    gzip.write(welcome())
  }
  const unflushed = await hearingOf(heldBack, { waitMs: 1_500 })
  expect(verdicts(unflushed).Compression).toMatchObject({ tone: 'bad', remedy: 'compression' })
  const flushed = await hearingOf(response => {
    response.writeHead(200, { ...stream, 'content-encoding': 'gzip' }).flushHeaders()
    const gzip = createGzip()
    gzip.pipe(response)
    const write = (text: string) => {
      gzip.write(text)
      gzip.flush()
    }
    write(welcome())
    for (const ms of [20, 40, 60]) setTimeout(() => write(stats()), ms)
  })
  expect(verdicts(flushed).Compression).toMatchObject({ tone: 'good', measured: 'Content-Encoding gzip.' })
})

test('another answer in place of the stream is named', async () => {
  const html = await hearingOf(response => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in'))
  expect(verdicts(html)['Content type']).toMatchObject({ tone: 'bad', remedy: 'contentType' })
  expect(verdicts(html)['Content type']!.measured).toContain('text/html')
  const busy = await hearingOf(response => response.writeHead(429).end())
  expect(verdicts(busy)['Content type']!.verdict).toContain('429')
  expect(verdicts(busy).Buffering!.tone).toBe('unknown')
})

test('what was not measured is left out, and what a young stream cannot tell is unknown', () => {
  const findings = diagnose(undefined, { endings: [], liveSince: null, isShared: true }, now)
  expect(findings.map(({ title, tone }) => [title, tone])).toEqual([['Idle disconnects', 'unknown']])
})

const ended = (kind: LinkEnding['kind'], livedMs: number | null): LinkEnding => ({
  at: now,
  kind,
  livedMs,
  quietMs: 10,
})

test.each<[string, Partial<LinkHistory>, string]>([
  ['cut after a minute each time', { endings: [60_100, 59_800, 60_000].map(ms => ended('lost', ms)) }, 'bad'],
  ['cut at different times', { endings: [ended('lost', 5_000), ended('silent', 200_000)] }, 'warn'],
  ['cut once', { endings: [ended('lost', 60_000)] }, 'info'],
  [
    'ended with a goodbye',
    { endings: [ended('goodbye', 30 * 60_000), ended('refused', null)], liveSince: now },
    'good',
  ],
  ['live for a short while', { liveSince: now - 20_000 }, 'unknown'],
])('a stream that was %s is %s', async (_, change, tone) => {
  const finding = verdicts(await hearingOf(good), {}, { ...well, ...change })['Idle disconnects']!
  expect(finding.tone).toBe(tone)
})

test('six connections are a trouble where each tab has its own stream, and clocks where they differ by more than the way', async () => {
  const hearing = await hearingOf(good)
  const six = "The browser's six connections"
  expect(verdicts(hearing, { protocol: 'http/1.1' })[six]!.tone).toBe('info')
  expect(verdicts(hearing, { protocol: 'http/1.1' }, { ...well, isShared: false })[six]!.tone).toBe('warn')
  expect(verdicts(hearing, { protocol: '' })[six]!.tone).toBe('unknown')
  const skewed = verdicts(hearing, { clock: { offsetMs: -3_600_000, roundTripMs: 40 } }).Clocks
  expect(skewed).toMatchObject({ tone: 'warn', remedy: 'clock' })
  expect(skewed!.measured).toContain("1 h ahead of the server's, to within 20 ms")
  expect(verdicts(hearing, { clock: { offsetMs: 3_000, roundTripMs: 4_000 } }).Clocks!.tone).toBe('good')
})

test('each remedy for a proxy has lines for nginx, Caddy and Traefik', () => {
  for (const [name, prescriptions] of Object.entries(remedies)) {
    const programs = prescriptions.map(({ program }) => program)
    expect([name, programs]).toEqual([name, name === 'clock' ? ['Linux'] : ['nginx', 'Caddy', 'Traefik']])
  }
})
