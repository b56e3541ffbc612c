/**
 * Memory of an open event stream: requested directly, behind nginx, and by a request that the front passes on to the
 * server. `npm run bench -- proxied-streams`; BENCH_STREAMS (2,000) and BENCH_ROUNDS (3). Needs nginx and Linux.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { openDatabase } from '../server/platform/database/database.ts'
import { hashOf } from '../server/tokens/known-tokens.ts'
import { createToken, prefixOf } from '../server/tokens/token-format.ts'
import { aUser } from '../test/support/a-user.ts'
import { freePort } from '../test/support/free-port.ts'
import { getTool } from '../test/support/require.ts'
import { apiKey, mainCpuMs, median, preciseCpuMs, round } from './measure.ts'

/** How a stream is requested, and its caller. */
export interface Way {
  isProxied: boolean
  query: string
  isTls?: boolean
  /** Program of a peer in place of RustyMail. */
  peer?: string
  /** Each stream is the first of a principal of its own, whose token must be looked up. */
  isFirst?: boolean
}

/** Node decodes the escape, and the front does not handle it. */
const ways: Record<string, Way> = {
  direct: { isProxied: false, query: 'types=mail_received' },
  behind_nginx: { isProxied: true, query: 'types=mail_received' },
  behind_nginx_left_to_node: { isProxied: true, query: 'types=mail%5Freceived' },
}
/** Streams opened before the first measurement, so that one-time allocations do not count. */
const warmUp = 200

export async function proxiedStreams(): Promise<object> {
  return compareWays(ways, Number(process.env.BENCH_STREAMS ?? 2_000))
}

export async function compareWays(ways: Record<string, Way>, streams: number): Promise<object> {
  const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
  const runs = Object.entries(ways).map(([name, way]) => ({ name, way, all: [] as Measured[] }))
  for (let turn = 0; turn < rounds; turn++) {
    for (const { way, all } of runs) all.push(await measureWay(way, streams))
  }
  const figures = runs.map(({ name, all }) => {
    const of = (key: keyof Measured) => round(median(all.map(run => run[key])))
    const measured = ['rss_kib', 'heap_kib', 'cpu_us_to_open', 'main_thread_us_to_open'] as const
    return [name, Object.fromEntries(measured.map(key => [key, of(key)]))]
  })
  return {
    what: `${streams} streams, ${rounds} interleaved rounds, medians for each stream`,
    ...Object.fromEntries(figures),
  }
}

interface Measured {
  rss_kib: number
  heap_kib: number
  /** CPU microseconds of all threads per opened stream. */
  cpu_us_to_open: number
  main_thread_us_to_open: number
}

async function measureWay({ isProxied, query, isTls, isFirst, peer }: Way, streams: number): Promise<Measured> {
  const program = ['--max-semi-space-size=16', '--expose-gc', join(import.meta.dirname, peer ?? 'events-server.ts')]
  if (isTls) program.push('--tls')
  const server = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] })
  const { url, control, pid, dataDir } = JSON.parse(await firstLine(server)) as Started
  const direct = Number(new URL(url).port)
  const proxy = isProxied ? await startNginx(direct) : undefined
  const tokens = isFirst ? await makeTokens(dataDir, streams + warmUp) : []
  const sockets: Socket[] = []
  try {
    const open = async (count: number) => {
      for (let left = count; left > 0; left -= 50) {
        const opened = Array.from({ length: Math.min(left, 50) }, () =>
          openStream(isTls ?? false, proxy?.port ?? direct, query, tokens.pop() ?? apiKey),
        )
        sockets.push(...(await Promise.all(opened)))
      }
    }
    const memory = async () => (await (await fetch(`${control}/memory`)).json()) as { rss: number; heapUsed: number }
    await open(warmUp)
    const before = await memory()
    const [cpuBefore, mainBefore] = [preciseCpuMs(pid), mainCpuMs(pid)]
    await open(streams)
    const [cpuAfter, mainAfter] = [preciseCpuMs(pid), mainCpuMs(pid)]
    const after = await memory()
    return {
      rss_kib: (after.rss - before.rss) / 1024 / streams,
      heap_kib: (after.heapUsed - before.heapUsed) / 1024 / streams,
      cpu_us_to_open: ((cpuAfter - cpuBefore) * 1000) / streams,
      main_thread_us_to_open: ((mainAfter - mainBefore) * 1000) / streams,
    }
  } finally {
    for (const socket of sockets) socket.destroy()
    await proxy?.stop()
    await end(server, 'SIGTERM')
  }
}

export interface Started {
  url: string
  control: string
  pid: number
  dataDir: string
}

async function openStream(isTls: boolean, port: number, query: string, token: string): Promise<Socket> {
  const host = '127.0.0.1'
  // Its certificate was created for this run.
  return askForStream(isTls ? connectTls({ host, port, rejectUnauthorized: false }) : connect(port, host), query, token)
}

/** Resolves when its first event has come. */
export async function askForStream(socket: Socket, query: string, token: string): Promise<Socket> {
  socket.write(
    `GET /api/dashboard/events?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
      'Accept: text/event-stream\r\nUser-Agent: bench\r\n\r\n',
  )
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (/\n(event|data|id):/.test(text)) return socket.resume()
    if (text.includes('problem+json')) break
  }
  throw new Error(`no stream: ${text}`)
}

/** Creates tokens of `count` users, who see an account each, in the database: the server has cached none. */
export async function makeTokens(
  dataDir: string,
  count: number,
  scopes: readonly string[] = ['dashboard:read', 'mail:meta'],
  role = 'viewer',
): Promise<string[]> {
  const db = openDatabase(`sqlite:${join(dataDir, 'rustymail.db')}`)
  const tokens = Array.from({ length: count }, () => createToken())
  await db.transaction().execute(async transaction => {
    for (const token of tokens) {
      const id = randomBytes(8).toString('hex')
      const user = aUser({ role, accounts: JSON.stringify([`account-${id}`]) })
      await transaction.insertInto('users').values(user).execute()
      const row = {
        id,
        token_hash: hashOf(token),
        prefix: prefixOf(token),
        user_id: user.id,
        name: 'Bench',
        scopes: JSON.stringify(scopes),
        accounts: user.accounts,
        allowed_addresses: '[]',
        created_at: user.created_at,
        expires_at: null,
        last_used_at: null,
        last_used_address: null,
      }
      await transaction.insertInto('api_tokens').values(row).execute()
    }
  })
  await db.destroy()
  return tokens
}

/** Starts nginx as docs/events.md shows, without TLS. */
async function startNginx(upstream: number) {
  const directory = mkdtempSync(join(tmpdir(), 'rustymail-bench-nginx-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${name};`)
  const configuration = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 20000; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    location / {
      proxy_pass http://127.0.0.1:${upstream};
      proxy_buffering off;
    }
  }
}
`
  writeFileSync(join(directory, 'nginx.conf'), configuration)
  const child = spawn(getTool('nginx'), ['-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('event method')) break
  child.stderr.resume()
  const stop = async () => {
    await end(child, 'SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  return { port, stop }
}

export async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error('the server ended')
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill(signal)
  await closed
}
