/**
 * New mail on Dovecot → a webhook of MCP Events and `events/stream`, beside the event stream: idle, with 32 requests in
 * flight, and bursts of 50; by each adapter. RUSTYMAIL_MCP_ADAPTER=sdk|native, RUSTYMAIL_BENCH_MESSAGES (200).
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { mcpPath } from '../contract/mcp.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import type { RawImap } from '../test/support/raw-imap.ts'
import { type Certificate, selfSignedIn } from '../test/support/tls.ts'
import { keepBusy, underWay } from './busy.ts'
import { apiKey, connectAlice, median, round, startRustyMail, unlimited } from './measure.ts'

const messages = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 200)
const adapters = (process.env.RUSTYMAIL_MCP_ADAPTER ?? 'native,sdk').split(',')
const [bursts, burst] = [Math.max(1, Math.round(messages / 50)), 50]
/** Milliseconds without a notice after which the run has failed. */
const mostMs = 30_000
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
const revision = '2026-07-28'

export async function mcpEvents(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-events-'))
  try {
    const figures: Record<string, object> = {}
    const load = () => loadavg().map(each => round(each))
    const before = load()
    for (const adapter of adapters) figures[adapter] = await byAdapter(adapter, selfSignedIn(dir))
    return {
      what: `ms from APPEND to the arrival at a client: the event stream (sse), events/stream (stream) and a signed webhook (webhook), for the same ${messages} mails each and ${bursts} bursts of ${burst}; busy: ${underWay} requests always under way`,
      load_before: before,
      ...figures,
      load_after: load(),
      targets: { p99_ms: '<= 1000', p99_ratio: '<= 1.3' },
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function byAdapter(adapter: string, certificate: Certificate): Promise<object> {
  const dovecot = await startDovecot()
  const trusted = { RUSTYMAIL_MCP_ADAPTER: adapter, NODE_EXTRA_CA_CERTS: certificate.certFile }
  const rustymail = await startRustyMail(undefined, { ...unlimited, ...trusted })
  const heard = {
    sse: new Notices('the event stream'),
    stream: new Notices('events/stream'),
    webhook: new Notices('the webhook'),
  }
  const sink = await receive(certificate, heard.webhook)
  const ended = new AbortController()
  try {
    const accountId = await connectAlice(rustymail.url, dovecot.imapPort)
    const sse = await fetch(`${rustymail.url}/api/dashboard/events?types=mail_received`, {
      headers,
      signal: ended.signal,
    })
    await readLines(sse, ended.signal, line => heard.sse.noteFrom(line))
    await openStream(rustymail.url, ended.signal, heard.stream)
    await subscribe(rustymail.url, (sink.address() as AddressInfo).port)
    const sender = await dovecot.login('alice@test.local')
    const sent = async (count: number, atOnce: number) => {
      const rows: Row[] = []
      while (rows.length < count) rows.push(...(await deliver(sender, atOnce, heard)))
      return rows
    }
    // A warm-up: the account is still being indexed, and code runs for the first time.
    await sent(10, 1)
    const quiet = await sent(messages, 1)
    const load = keepBusy(rustymail.url, accountId)
    const busy = await sent(messages, 1)
    const requests = await load.stop()
    const inBursts = await sent(bursts * burst, burst)
    sender.close()
    return { quiet: summary(quiet), busy: { ...summary(busy), requests }, burst: summary(inBursts) }
  } finally {
    ended.abort()
    await rustymail.stop()
    await dovecot.stop()
    sink.closeAllConnections()
    sink.close()
  }
}

type Way = 'sse' | 'stream' | 'webhook'
type Row = Record<Way, number>

let numbers = 0

/** Delivers `count` mails back to back. */
async function deliver(sender: RawImap, count: number, heard: Record<Way, Notices>): Promise<Row[]> {
  const began = new Map<number, number>()
  for (let index = 0; index < count; index++) {
    const number = ++numbers
    began.set(number, performance.now())
    await sender.append('INBOX', Buffer.from(`From: a@test.local\r\nSubject: mail-${number}\r\n\r\nhello\r\n`), [])
  }
  const rows: Row[] = []
  for (const [number, at] of began) {
    const [sse, stream, webhook] = await Promise.all([
      heard.sse.of(number),
      heard.stream.of(number),
      heard.webhook.of(number),
    ])
    rows.push({ sse: sse - at, stream: stream - at, webhook: webhook - at })
  }
  return rows
}

function summary(rows: Row[]): Record<string, object> {
  const of = (way: Way) => rows.map(row => row[way])
  const figures = (way: Way) => ({
    p50_ms: round(median(of(way))),
    p99_ms: round(p99(of(way))),
    ...(way !== 'sse' && {
      p99_ratio: round(p99(of(way)) / p99(of('sse'))),
      behind_sse_median_ms: round(median(rows.map(row => row[way] - row.sse))),
    }),
  })
  return { sse: figures('sse'), stream: figures('stream'), webhook: figures('webhook') }
}

function p99(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.ceil(values.length * 0.99) - 1]!
}

/** Records when each mail was announced. */
class Notices {
  readonly #name: string
  readonly #times = new Map<number, number>()
  readonly #waiting = new Map<number, (at: number) => void>()

  constructor(name: string) {
    this.#name = name
  }

  /** The subject identifies the mail. */
  noteFrom(text: string): void {
    const number = Number(/mail-(\d+)/.exec(text)?.[1])
    if (Number.isNaN(number) || this.#times.has(number)) return
    const at = performance.now()
    this.#times.set(number, at)
    this.#waiting.get(number)?.(at)
    this.#waiting.delete(number)
  }

  of(number: number): Promise<number> {
    const at = this.#times.get(number)
    if (at !== undefined) return Promise.resolve(at)
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const timer = setTimeout(() => reject(new Error(`${this.#name} was not told of mail ${number}`)), mostMs)
    this.#waiting.set(number, heardAt => {
      clearTimeout(timer)
      resolve(heardAt)
    })
    return promise
  }
}

/** Resolves when the first line has come; reading continues in the background. */
async function readLines(answer: Response, signal: AbortSignal, take: (line: string) => void): Promise<void> {
  if (!answer.ok) throw new Error(`no stream: ${answer.status} ${await answer.text()}`)
  const first = Promise.withResolvers<void>()
  const read = async () => {
    let begun = ''
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (begun + chunk).split('\n')
      begun = lines.pop()!
      lines.forEach(take)
      if (lines.length > 0) first.resolve()
    }
    throw new Error('the stream has ended')
  }
  read().catch((error: unknown) => {
    if (!signal.aborted) console.error(error)
    first.reject(error)
  })
  await first.promise
}

async function openStream(url: string, signal: AbortSignal, heard: Notices): Promise<void> {
  const answer = await callMcp(url, 'events/stream', { name: 'message.received' }, signal)
  await readLines(answer, signal, line => {
    if (line.includes('notifications/events/event')) heard.noteFrom(line)
    else if (line.includes('"error"')) throw new Error(line)
  })
}

async function subscribe(url: string, port: number): Promise<void> {
  const delivery = {
    mode: 'webhook',
    url: `https://localhost:${port}/`,
    secret: `whsec_${randomBytes(32).toString('base64')}`,
  }
  const answer = await callMcp(url, 'events/subscribe', { name: 'message.received', delivery })
  const text = await answer.text()
  if (!answer.ok || !text.includes('"refreshBefore"')) throw new Error(`no subscription: ${text}`)
}

function callMcp(url: string, method: string, params: object, signal?: AbortSignal): Promise<Response> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return fetch(url + mcpPath, {
    method: 'POST',
    headers: {
      ...headers,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      'mcp-method': method,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
    ...(signal && { signal }),
  })
}

/** Receives over TLS, as webhooks do. */
async function receive({ certFile, keyFile }: Certificate, heard: Notices): Promise<SecureServer> {
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const server = createServer(tls, (request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.once('end', () => {
      heard.noteFrom(text)
      const { challenge } = JSON.parse(text) as { challenge?: string }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ challenge }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
