/**
 * The cost of the worst requests: CPU time of each kind, and memory while 1,500 connections withhold the last byte of a
 * body.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { accountsApi } from '../contract/accounts.ts'
import { api } from '../contract/index.ts'
import { mcpPath } from '../contract/mcp.ts'
import { apiKey, cpuMs, round, rssBytes, type Server, startRustyMail, unlimited } from './measure.ts'

/** Requests of each kind. RUSTYMAIL_BENCH_REQUESTS makes it smaller for a trial run. */
const requests = Number(process.env.RUSTYMAIL_BENCH_REQUESTS ?? 100)
/** RUSTYMAIL_BENCH_BODY overrides the size of all bodies: a version without limits per endpoint accepted 1048575. */
const given = process.env.RUSTYMAIL_BENCH_BODY === undefined ? undefined : Number(process.env.RUSTYMAIL_BENCH_BODY)
const connections = 1_500
const turns = 3

interface Kind {
  name: string
  head: string
  /** Size of the body; undefined for a request without one. */
  bytes?: number
  fill?: (bytes: number) => string
}

const proof = `Authorization: Bearer ${apiKey}\r\n`
const json = 'Content-Type: application/json\r\n'
const [publicBytes, usualBytes] = [16 * 1024, 64 * 1024]

/** Builders that fill the body to its last byte. */
const fills: Record<string, (bytes: number, before?: string, after?: string) => string> = {
  'open lists': bytes => '['.repeat(bytes),
  'lists in lists': bytes => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'short names': (bytes, before = '', after = '') => {
    const names: string[] = []
    for (let size = before.length + after.length + 2, at = 0; ; at++) {
      const name = `"${at.toString(36)}":0`
      size += name.length + 1
      if (size > bytes) break
      names.push(name)
    }
    return `${before}{${names.join(',')}}${after}`
  },
  'as many names as are let in': (bytes, before = '', after = '') => {
    const count = 490
    const width = Math.floor((bytes - before.length - after.length - 2) / count) - 5
    const names = Array.from({ length: count }, (_, at) => `"${at.toString(36).padStart(Math.max(3, width), 'x')}":0`)
    return `${before}{${names.join(',')}}${after}`.slice(0, bytes)
  },
  'as many items as are let in': (_bytes, before = '', after = '') => `${before}[${'0,'.repeat(3_900)}0]${after}`,
  'one escaped string': (bytes, before = '', after = '') =>
    `${before}"${'\\u0001'.repeat((bytes - before.length - after.length - 2) / 6)}"${after}`,
}

const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail_search","arguments":'
const post = (path: string, who = '') => `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${json}${who}`
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}`
const filled = Object.keys(fills)
const pairs = Array.from({ length: 3_000 }, (_, at) => at.toString(36)).join('&')
const mcpHead = post(mcpPath, `${proof}Accept: application/json, text/event-stream\r\n`)

const kinds: Kind[] = [
  ...filled.slice(0, 3).map(fill => of(`stranger, unknown path: ${fill}`, post('/nowhere'), usualBytes, fill)),
  ...filled.map(fill => of(`stranger, sign-in: ${fill}`, post(api.access.openSession.path), publicBytes, fill)),
  { name: 'stranger, unknown path: 3,000 query names', head: get(`/nowhere?${pairs}`) },
  { name: 'stranger, health: 3,000 query names', head: get(`${api.system.live.path}?${pairs}`) },
  { name: 'stranger, page: path of 12,000 characters', head: get(`/${'a/'.repeat(6_000)}`, 'Accept: text/html\r\n') },
  {
    name: 'stranger, health: 12,000 characters of cookies',
    head: get('/health/live', `Cookie: ${'a=b; '.repeat(2_400)}\r\n`),
  },
  { name: 'stranger, /openapi.json', head: get('/openapi.json') },
  ...filled.map(fill => of(`token, MCP body: ${fill}`, mcpHead, usualBytes, fill)),
  ...filled.slice(2).map(fill => of(`token, MCP arguments: ${fill}`, mcpHead, usualBytes, fill, call, '}}')),
  ...filled.map(fill =>
    of(`token, new account: ${fill}`, post(accountsApi.createAccount.path, proof), usualBytes, fill),
  ),
  ...filled
    .slice(2)
    .map(fill =>
      of(
        `token, new account, inside: ${fill}`,
        post(accountsApi.createAccount.path, proof),
        usualBytes,
        fill,
        '{"imap":',
        '}',
      ),
    ),
  ...filled
    .slice(2)
    .map(fill => of(`token, assistant: ${fill}`, post(api.assistant.queryChatbot.path, proof), 2 * usualBytes, fill)),
  of(
    'token, new user: as many accounts as are let in',
    post(api.users.inviteUser.path, proof),
    usualBytes,
    'as many items as are let in',
    '{"accounts":',
    '}',
  ),
  { name: 'token, /openapi.json with brotli', head: get('/openapi.json', `${proof}Accept-Encoding: br\r\n`) },
  { name: 'token, /asyncapi.json', head: get('/asyncapi.json', proof) },
  // Last, since an address that sent wrong credentials no longer gets made-up keys checked.
  { name: 'stranger, figures: a wrong token', head: get(api.metrics.getStats.path, `Authorization: Bearer wrong\r\n`) },
]

function of(name: string, head: string, bytes: number, fill: string, before?: string, after?: string): Kind {
  return { name, head, bytes: given ?? bytes, fill: size => fills[fill]!(size, before, after) }
}

export async function hostileRequests(): Promise<object> {
  const server = await startRustyMail(undefined, unlimited)
  try {
    const costs: Record<string, object> = {}
    for (const kind of kinds) costs[kind.name] = await costOf(server, kind)
    return {
      what: `processor ms of the server for each of ${requests} requests of a kind, one after the other, the first tenth left out; then its memory while ${connections} connections of a stranger hold back the last byte of a body, ${turns} times`,
      body_bytes: given ?? 'the largest that each endpoint takes',
      costs,
      memory_mib: await memoryOf(server),
    }
  } finally {
    await server.stop()
  }
}

async function costOf(server: Server, kind: Kind): Promise<object> {
  const body = kind.bytes === undefined ? '' : kind.fill!(kind.bytes)
  const length = kind.bytes === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  const bytes = Buffer.from(`${kind.head}${length}\r\n${body}`)
  const statuses = new Set<number>()
  const warm = Math.ceil(requests / 10)
  let before = 0
  for (let count = 0; count < warm + requests; count++) {
    if (count === warm) before = cpuMs(server.pid)
    statuses.add(await askOnce(server, bytes))
  }
  return { status: [...statuses].join(', '), bytes: bytes.length, ms: round((cpuMs(server.pid) - before) / requests) }
}

/** Uses a connection of its own, since a refused client may lose it. */
async function askOnce(server: Server, bytes: Buffer): Promise<number> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(bytes)
  const closed = once(socket, 'close')
  const { promise, resolve } = Promise.withResolvers<number>()
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    if (text.length < 20) text += chunk.toString('latin1').slice(0, 20)
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
    if (status) resolve(Number(status))
  })
  const status = await Promise.race([promise, closed.then(() => 0)])
  socket.destroy()
  await closed
  return status
}

/** Measures before, and at the end of each turn while all connections are still held. */
async function memoryOf(server: Server): Promise<object> {
  const mib = () => round(rssBytes(server.pid) / 2 ** 20)
  const before = mib()
  const during: Record<string, number[]> = { '/nowhere': [], [api.access.openSession.path]: [] }
  for (const path of Object.keys(during)) {
    const size = given ?? (path === '/nowhere' ? 2 ** 20 - 1 : publicBytes)
    for (let turn = 0; turn < turns; turn++) during[path]!.push(await hold(server, path, size, mib))
  }
  await wait(5_000)
  return { before, during, after: mib() }
}

async function hold(server: Server, path: string, size: number, read: () => number): Promise<number> {
  const bytes = Buffer.from(`${post(path)}Content-Length: ${size}\r\n\r\n"${'a'.repeat(size - 2)}`)
  const sockets: Socket[] = []
  for (let count = 0; count < connections; count++) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    socket.write(bytes)
    sockets.push(socket)
  }
  await wait(3_000)
  const mib = read()
  for (const socket of sockets) socket.destroy()
  await wait(1_000)
  return mib
}
