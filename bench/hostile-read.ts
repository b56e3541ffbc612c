/**
 * 20 hostile messages read concurrently by one caller, as documents for the frame and by a model: how long
 * `/health/live` takes meanwhile, measured by a client in another process, and another caller's list, beside the same
 * without them. Then a model reads one long mail to its end, page by page: CPU time, and commands to the mail server.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { createConnection, createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { apiKey, cpuMs, get, median, round, type Server, startRustyMail, unlimited } from './measure.ts'

const rounds = 3
const lists = 60
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

export async function hostileRead(): Promise<object> {
  const dovecot = await startDovecot()
  const relay = await countingRelay(dovecot.imapPort)
  // A rate limit on pages would be measured itself.
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_MCP_RATE_LIMIT: '100000000' })
  try {
    for (const [user, messages] of [
      ['alice@test.local', [...hostile(), longMail()]],
      ['bob@test.local', Array.from({ length: 30 }, (_, index) => mail(`note ${index}`, 'text/plain', 'See you.'))],
    ] as const) {
      const outside = await dovecot.login(user)
      for (const message of messages) await outside.append('INBOX', message)
      outside.close()
    }
    const eve = await connect(server, dovecot, 'alice', relay.port)
    const ann = await connect(server, dovecot, 'bob', dovecot.imapPort)
    const flood = await floodOf(server, eve)
    const hostileReads = await besideOthers(server, ann, flood)
    const long = await readToTheEnd(server, eve, relay)
    return { what: '20 hostile messages of up to 1 MiB at once, and one long mail by pages', ...hostileReads, long }
  } finally {
    await server.stop()
    await relay.stop()
    await dovecot.stop()
  }
}

async function besideOthers(server: Server, account: string, flood: () => Promise<Record<string, number>>) {
  const url = `${server.url}/api/v1/accounts/${account}/messages?limit=30`
  const [quiet, beside, worst]: [number[], number[], { quiet: number[]; beside: number[] }] = [
    [],
    [],
    { quiet: [], beside: [] },
  ]
  const answers: Record<string, number> = {}
  let processor = 0
  for (let turn = 0; turn < rounds; turn++) {
    const calm = await pulse(server.url)
    quiet.push(...(await listTimes(url)))
    worst.quiet.push(await calm())
    const before = cpuMs(server.pid)
    const stormy = await pulse(server.url)
    let isOver = false
    const flooded = flood().finally(() => {
      isOver = true
    })
    while (!isOver) beside.push(...(await listTimes(url, 5)))
    for (const [name, count] of Object.entries(await flooded)) answers[name] = (answers[name] ?? 0) + count
    worst.beside.push(await stormy())
    processor += cpuMs(server.pid) - before
  }
  const [calm, stormy] = [median(quiet), median(beside)]
  return {
    health_live_max_ms: { quiet: worst.quiet.map(ms => round(ms)), hostile: worst.beside.map(ms => round(ms)) },
    list_median_ms: { quiet: round(calm), hostile: round(stormy), ratio: round(stormy / calm) },
    lists_measured: { quiet: quiet.length, hostile: beside.length },
    processor_ms_a_round: round(processor / rounds),
    answers,
  }
}

async function listTimes(url: string, count = lists): Promise<number[]> {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const began = performance.now()
    await get(url, agent)
    times.push(performance.now() - began)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  agent.destroy()
  return times
}

/** Polls `/health/live` every 10 ms from another process. Returns what ends it with the slowest response in ms. */
async function pulse(url: string): Promise<() => Promise<number>> {
  const code = `
    const { Agent, get } = require('node:http')
    const agent = new Agent({ keepAlive: true })
    let [worst, isOver] = [0, false]
    process.stdin.once('data', () => { isOver = true })
    const ask = () => {
      const began = performance.now()
      get('${url}/health/live', { agent }, answer => answer.resume().once('end', () => {
        worst = Math.max(worst, performance.now() - began)
        if (isOver) { console.log(worst); process.exit() }
        setTimeout(ask, 10)
      }))
    }
    ask()
    setTimeout(() => { worst = 0; console.log('begun') }, 300)`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  await once(child.stdout, 'data')
  return async () => {
    const ended = once(child, 'close')
    child.stdin.write('end')
    await ended
    return Number(said.trim().split('\n').at(-1))
  }
}

/** Reads all of them concurrently, both ways; returns the count of each status. */
async function floodOf(server: Server, account: string) {
  const path = `${server.url}/api/v1/accounts/${account}/messages`
  const list = await (await fetch(`${path}?limit=21`, { headers })).json()
  const refs = (list as { items: { ref: string; subject: string }[] }).items.filter(({ subject }) => subject !== 'long')
  return async () => {
    const counts: Record<string, number> = {}
    const read = async (what: string) => {
      const answer = await fetch(`${path}/${what}`, { headers })
      await answer.arrayBuffer()
      counts[answer.status] = (counts[answer.status] ?? 0) + 1
    }
    await Promise.all(refs.flatMap(({ ref }) => [read(ref), read(`${ref}/html`)]))
    return counts
  }
}

async function readToTheEnd(server: Server, account: string, relay: Relay): Promise<object> {
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  const init = { requestInit: { headers } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), init))
  const call = async (name: string, input: object) => {
    const { structuredContent, isError, content } = await client.callTool({ name, arguments: { ...input } })
    if (isError) throw new Error(JSON.stringify(content))
    return structuredContent as { cursor?: string; hits?: { ref: string }[] }
  }
  const [hit] = (await call('mail_search', { q: 'subject:long', account })).hits ?? []
  const input = { refs: [hit?.ref], view: 'text', max_chars: 6_000 }
  let page = await call('mail_read', input)
  const [before, fetchesBefore] = [cpuMs(server.pid), relay.fetches()]
  let pages = 1
  for (; page.cursor; pages++) page = await call('mail_read', { ...input, cursor: page.cursor })
  await client.close()
  const processor = cpuMs(server.pid) - before
  return {
    what: '1 MiB of HTML, 6,000 characters a page; what is measured is all pages behind the first',
    pages,
    processor_ms: processor,
    processor_ms_a_page: round(processor / (pages - 1)),
    fetch_commands: relay.fetches() - fetchesBefore,
  }
}

async function connect(server: Server, dovecot: Dovecot, name: string, port: number): Promise<string> {
  const { user, password } = dovecot.users.find(known => known.user === `${name}@test.local`)!
  const imap = { host: '127.0.0.1', port, tls: 'none', user, password }
  const body = JSON.stringify({ email: user, imap })
  const path = `${server.url}/api/dashboard/accounts`
  const { id } = (await (await fetch(path, { method: 'POST', headers, body })).json()) as { id: string }
  return id
}

interface Relay {
  port: number
  /** Returns the number of fetch commands so far. */
  fetches(): number
  stop(): Promise<void>
}

/** Relays to the mail server, and counts requests for messages. */
async function countingRelay(to: number): Promise<Relay> {
  let count = 0
  const server = createServer(client => {
    const upstream = createConnection(to, '127.0.0.1')
    client.on('data', chunk => {
      count += chunk.toString('latin1').match(/UID FETCH/g)?.length ?? 0
    })
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined)
      socket.on('close', () => [client, upstream].map(each => each.destroy()))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, fetches: () => count, stop: async () => void server.close() }
}

function mail(subject: string, type: string, body: string): string {
  const head = `From: Eve <eve@example.org>\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\nContent-Type: ${type}`
  return `${head}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${body}\r\n`
}

function longMail(): string {
  const paragraph = (index: number) => `<p>${index}: ${'what was said at the meeting of the day. '.repeat(8)}</p>\r\n`
  return mail('long', 'text/html; charset=utf-8', Array.from({ length: 2_900 }, (_, at) => paragraph(at)).join(''))
}

/** Returns four distinct messages of each kind. */
function hostile(): string[] {
  const bytes = 1_000_000
  const lines = (unit: (index: number) => string) => {
    const pieces: string[] = []
    for (let [length, index] = [0, 0]; length < bytes; index++) {
      const piece = `${unit(index)}\r\n`
      pieces.push(piece)
      length += piece.length
    }
    return pieces.join('')
  }
  const kinds = (seed: number): [type: string, body: string][] => [
    [
      'text/html; charset=utf-8',
      `<style>${lines(at => `.c${at}${seed} b{color:#${at % 10}00}`).slice(0, bytes / 2)}</style>${lines(at => `<p class="c${at}${seed} d${at}">x</p>`).slice(0, bytes / 2)}`,
    ],
    ['text/html; charset=utf-8', lines(() => `<a ${'<a '.repeat(20)}`) + seed],
    ['text/html; charset=utf-8', lines(() => '<div><table><tr><td>') + seed],
    ['text/plain; charset=utf-7', lines(() => '+AGE-'.repeat(14)) + seed],
    ['text/plain; charset=utf-8; format=flowed', `${'>\r\n'.repeat(bytes / 3)}${seed}`],
  ]
  return [1, 2, 3, 4].flatMap(seed =>
    kinds(seed).map(([type, body], index) => mail(`hostile ${seed} ${index}`, type, body)),
  )
}
