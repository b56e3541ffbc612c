/**
 * The cost of MCP beside REST: the same search over both, by each adapter, in turn; 32 concurrent calls; open streams;
 * the start over stdio; and the tokens of a tool list. `npm run bench -- mcp`; RUSTYMAIL_MCP_ADAPTER=sdk|native for one
 * adapter alone, RUSTYMAIL_BENCH_PARTS (searches,streams,event_streams,stdio), RUSTYMAIL_BENCH_ROUNDS (40). Linux.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { mcpPath } from '../contract/mcp.ts'
import { median, preciseCpuMs, round } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 40)
const requestsPerRound = 200
const warmUp = 400
const atOnce = 32
const streams = Number(process.env.BENCH_STREAMS ?? 1_000)
/** Streams opened as a warm-up; they count towards the server's limit. */
const warmStreams = 100
const starts = 9
const adapters = (process.env.RUSTYMAIL_MCP_ADAPTER ?? 'native,sdk').split(',')
const parts = (process.env.RUSTYMAIL_BENCH_PARTS ?? 'searches,streams,event_streams,stdio').split(',')
const revision = '2026-07-28'
/** A word that few messages have, so that the protocol dominates the cost. */
const query = { q: 'begin', limit: 10 }

interface Served {
  url: string
  accountId: string
  pid: number
  key: string
  tokens: string[]
  memory(): Promise<{ rss: number; heapUsed: number }>
  stop(): Promise<void>
}

type Way = (served: Served, agent: Agent) => Promise<number>

export async function mcp(): Promise<object> {
  const figures: Record<string, object> = {}
  const load = () => loadavg().map(each => round(each))
  const before = load()
  if (parts.includes('searches')) Object.assign(figures, await searches())
  for (const [name, asked] of Object.entries(listening)) {
    for (const adapter of parts.includes(name) ? adapters : [])
      figures[`${name}_${adapter}`] = await openStreams(adapter, asked)
  }
  for (const adapter of parts.includes('stdio') ? adapters : [])
    figures[`stdio_${adapter}`] = await stdioStarts(adapter)
  return {
    what: `mail_search over HTTP beside the same search over REST, on the built server, whose account is on a Dovecot: CPU µs of all threads of a request, ${rounds} rounds of ${requestsPerRound} in turns, medians of ratios within a round; ms at ${atOnce} at once; KiB of a stream of ${streams}; ms from the start of the process to the answer of initialize`,
    load_before: before,
    ...figures,
    load_after: load(),
    targets: {
      ratio_native: '<= 1.2',
      ratio_sdk: '<= 2',
      p99_ms: '<= 100',
      stdio_ms: '<= 700',
      stream_kib: '<= 40',
      tokens_of_list: '<= 3000, 1700 for a reader',
    },
  }
}

async function searches(): Promise<Record<string, object>> {
  const servers = await Promise.all(adapters.map(adapter => serve(adapter, 1, ['--program'])))
  const cost: Record<string, number[]> = {}
  const took: Record<string, number[]> = {}
  const runs = servers.flatMap((served, at) => [
    { name: `${adapters[at]}_rest`, served, way: overRest },
    { name: `${adapters[at]}_mcp`, served, way: overMcp },
  ])
  try {
    for (const { served, way } of runs) await loadWith(served, way, warmUp, 16)
    for (let turn = 0; turn < rounds; turn++) {
      // Each is as often first as last.
      for (const { name, served, way } of turn % 2 === 0 ? runs : runs.toReversed()) {
        const before = preciseCpuMs(served.pid)
        await loadWith(served, way, requestsPerRound, 16)
        const used = ((preciseCpuMs(served.pid) - before) * 1_000) / requestsPerRound
        cost[name] = [...(cost[name] ?? []), used]
        const slow = await loadWith(served, way, requestsPerRound, atOnce)
        took[name] = [...(took[name] ?? []), ...slow]
      }
    }
    const figures: Record<string, object> = {}
    for (const [at, adapter] of adapters.entries()) {
      const [rest, own] = [cost[`${adapter}_rest`]!, cost[`${adapter}_mcp`]!]
      const ms = took[`${adapter}_mcp`]!.sort((one, other) => one - other)
      figures[`search_${adapter}`] = {
        rest_us: round(median(rest)),
        mcp_us: round(median(own)),
        ratio: round(median(own.map((value, turn) => value / rest[turn]!))),
        p50_ms: round(ms[Math.floor(ms.length * 0.5)]!),
        p99_ms: round(ms[Math.floor(ms.length * 0.99)]!),
        tokens_of_list: await listTokens(servers[at]!, servers[at]!.key),
        tokens_of_list_of_reader: await listTokens(servers[at]!, servers[at]!.tokens[0]!),
      }
    }
    return figures
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()))
  }
}

const overRest: Way = (served, agent) => {
  const path = `/api/v1/accounts/${served.accountId}/search?q=${query.q}&limit=${query.limit}&facets=true`
  return ask(served, agent, { method: 'GET', path })
}

const overMcp: Way = (served, agent) => {
  const asked = { name: 'mail_search', arguments: { ...query, account: served.accountId } }
  return ask(served, agent, message('tools/call', asked, 'mail_search'))
}

function message(method: string, params: object, name?: string) {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': revision,
    'mcp-method': method,
    'rustymail-results': 'structured',
    ...(name !== undefined && { 'mcp-name': name }),
  }
  return { method: 'POST', path: mcpPath, headers, body }
}

/** Estimates the tokens of structured results: four characters each. */
async function listTokens(served: Served, key: string): Promise<number> {
  const { path, ...sent } = message('tools/list', {})
  const headers = { ...sent.headers, authorization: `Bearer ${key}` }
  const answer = await fetch(served.url + path, { ...sent, headers })
  const text = await answer.text()
  const { result } = JSON.parse(text.slice(text.indexOf('{'))) as { result: { tools: object[] } }
  return Math.round(JSON.stringify(result.tools).length / 4)
}

/** Returns how long each request took, in milliseconds. */
async function loadWith(served: Served, way: Way, requests: number, concurrency: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const took: number[] = []
  let left = requests
  const worker = async () => {
    while (left-- > 0) took.push(await way(served, agent))
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
  return took
}

interface Sent {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
}

function ask({ url, key }: Served, agent: Agent, { method, path, headers, body }: Sent): Promise<number> {
  const began = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const all = { ...headers, authorization: `Bearer ${key}` }
  const sent = request(url + path, { method, agent, headers: all }, response => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.once('end', () => {
      // A refusal is fast and must not count.
      const isDone = response.statusCode === 200 && !text.includes('"isError":true') && !text.includes('"error":')
      if (isDone) resolve(performance.now() - began)
      else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`))
    })
  })
  sent.once('error', reject)
  sent.end(body)
  return promise
}

/** Streams of change notifications, and streams of events. */
const listening = {
  streams: () => message('subscriptions/listen', { notifications: { toolsListChanged: true } }),
  event_streams: () => message('events/stream', { name: 'message.received' }),
}

async function openStreams(adapter: string, asked: () => ReturnType<typeof message>): Promise<object> {
  const served = await serve(adapter, streams)
  const open: IncomingMessage[] = []
  try {
    const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
    const openTo = async (count: number) => {
      while (open.length < count) {
        const some = served.tokens.slice(open.length, Math.min(count, open.length + 50))
        open.push(...(await Promise.all(some.map(token => listen(served, agent, token, asked())))))
      }
    }
    await openTo(warmStreams)
    const before = await served.memory()
    await openTo(streams)
    const after = await served.memory()
    if (open.some(response => response.complete)) throw new Error('a stream has ended')
    const each = (used: number) => round(used / 1_024 / (streams - warmStreams))
    return { rss_kib: each(after.rss - before.rss), heap_kib: each(after.heapUsed - before.heapUsed) }
  } finally {
    for (const response of open) response.destroy()
    await served.stop()
  }
}

/** Resolves when its first frame has come. */
async function listen(
  { url }: Served,
  agent: Agent,
  token: string,
  asked: ReturnType<typeof message>,
): Promise<IncomingMessage> {
  const headers = { ...asked.headers, authorization: `Bearer ${token}` }
  const sent = request(url + asked.path, { method: 'POST', agent, headers })
  sent.end(asked.body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`no stream: ${response.statusCode}`)
  const [first] = await once(response, 'data')
  // A refused stream costs nothing and must not count.
  if (String(first).includes('"error"')) throw new Error(`no stream: ${first}`)
  response.on('error', () => undefined).resume()
  return response
}

/** Starts `rustymail mcp` standalone on an existing data directory, as from the second start on. */
async function stdioStarts(adapter: string): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const took: number[] = []
  try {
    for (let turn = 0; turn <= starts; turn++) {
      const ms = await stdioStart(dir, adapter)
      if (turn > 0) took.push(ms)
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return { start_ms: round(median(took)), starts_ms: took.map(value => round(value)) }
}

async function stdioStart(dir: string, adapter: string): Promise<number> {
  const environment = { RUSTYMAIL_DATA_DIR: dir, RUSTYMAIL_PORT: '0', RUSTYMAIL_MCP_ADAPTER: adapter }
  const began = performance.now()
  const child = spawn(process.execPath, ['--max-semi-space-size=16', 'bin/rustymail.js', 'mcp'], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, ...environment, RUSTYMAIL_LOG_LEVEL: 'warn' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } }
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
  const line = await lineOf(createInterface({ input: child.stdout }), child).catch((cause: unknown) => {
    throw new Error(said, { cause })
  })
  const ms = performance.now() - began
  const closed = once(child, 'close')
  child.stdin.end()
  await closed
  if (!line.includes('"serverInfo"')) throw new Error(`stdio answered ${line.slice(0, 300)}`)
  return ms
}

async function serve(adapter: string, tokens: number, more: readonly string[] = []): Promise<Served> {
  const program = ['--max-semi-space-size=16', '--expose-gc', join(import.meta.dirname, 'mcp-server.ts')]
  const child = spawn(process.execPath, [...program, '--tokens', String(tokens), ...more], {
    env: { ...process.env, RUSTYMAIL_MCP_ADAPTER: adapter },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const served = JSON.parse(await lineOf(lines, child)) as Omit<Served, 'memory' | 'stop'>
  return {
    ...served,
    memory: async () => {
      child.stdin.write('memory\n')
      return JSON.parse(await lineOf(lines, child)) as { rss: number; heapUsed: number }
    },
    stop: async () => {
      const closed = once(child, 'close')
      child.stdin.end()
      await closed
    },
  }
}

async function lineOf(lines: Interface, child: ChildProcess): Promise<string> {
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`the program ended with ${code}`)
  })
  ended.catch(() => undefined)
  const line = once(lines, 'line').then(([text]) => String(text))
  return Promise.race([line, ended])
}
