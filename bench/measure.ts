/** Helpers of the benchmarks: CPU time of another process, medians, and the real server to measure. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const apiKey = 'an-api-key-for-benchmarks'
/** Effectively disables the rate limit, which still counts: one benchmark client sends more requests than people do. */
export const unlimited = { RUSTYMAIL_RATE_LIMIT: '100000000' }

export interface Server {
  url: string
  pid: number
  /** Milliseconds from the start of the process to the ready line. */
  startMs: number
  /** The second line on stdout, awaited without a timeout. */
  secondLine: Promise<string>
  stop(): Promise<void>
}

/** Returns the CPU milliseconds (user and system) of a process, from /proc: Linux only. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const ticksPerSecond = 100
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

/** Returns the same to the nanosecond, from the scheduler: for work too short for the clock ticks of `cpuMs`. */
export function preciseCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, id) => sum + threadCpuMs(pid, id), 0)
}

/** Returns the CPU milliseconds of the event loop's thread alone. */
export function mainCpuMs(pid: number): number {
  return threadCpuMs(pid, String(pid))
}

function threadCpuMs(pid: number, id: string): number {
  return Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

export function rssBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/**
 * Returns the MiB of RSS by kind of mapping, from /proc: pages of files, malloc's main arena, compiled code, and the
 * rest (heaps of V8, the other arena, stacks).
 */
export function rssByMapping(pid: number): Record<'all' | 'files' | 'malloc' | 'code' | 'other', number> {
  const mibs = { all: 0, files: 0, malloc: 0, code: 0, other: 0 }
  let kind: keyof typeof mibs = 'other'
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const [, access, name] = /^[\da-f]+-[\da-f]+ (\S+) \S+ \S+ \d+ *(.*)$/.exec(line) ?? []
    const anonymous = access?.includes('x') === true ? 'code' : 'other'
    if (name !== undefined) kind = name.startsWith('/') ? 'files' : name === '[heap]' ? 'malloc' : anonymous
    const mib = Number(/^Rss: +(\d+) kB$/.exec(line)?.[1] ?? 0) / 1024
    mibs[kind] += mib
    mibs.all += mib
  }
  return mibs
}

/** Returns the peak RSS since the start. */
export function highestRssBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function round(value: number, digits = 3): number {
  return Number(value.toPrecision(digits))
}

/** Starts RustyMail as a user runs it, on a data directory that is removed afterwards unless one is given. */
export async function startRustyMail(dataDir?: string, environment: NodeJS.ProcessEnv = unlimited): Promise<Server> {
  const dir = dataDir ?? mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const env = {
    ...process.env,
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: dir,
    RUSTYMAIL_API_KEY: apiKey,
    RUSTYMAIL_LOG_LEVEL: 'warn',
    // The benchmarks' mail servers are on this machine.
    RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    // Set as in its command, image and unit.
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: '131072',
    ...environment,
  }
  const server = await startServer(['--max-semi-space-size=16', 'bin/rustymail.js', 'serve'], env)
  return {
    ...server,
    stop: async () => {
      await server.stop()
      if (dataDir === undefined) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Starts any Node program whose first line on stdout ends with the address it listens on. */
export async function startServer(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Server> {
  const began = performance.now()
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  let lines = 0
  createInterface({ input: child.stdout }).on('line', line => (lines++ === 0 ? first : second).resolve(line))
  const line = await first.promise
  const startMs = performance.now() - began
  const { promise: secondLine } = second
  return { url: line.replace(/^.*(?=http:)/, ''), pid: child.pid!, startMs, secondLine, stop: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}

/** Sends a GET, with the API key by default; the body is read and discarded. Throws unless the status is 200. */
export function get(
  url: string,
  agent: Agent,
  headers: Record<string, string> = { authorization: `Bearer ${apiKey}` },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const sent = request(url, { agent, headers }, response => {
    if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
    response.resume()
    response.once('end', resolve)
  })
  sent.once('error', reject)
  sent.end()
  return promise
}

/** Adds the account alice of a test Dovecot to RustyMail. @param isAwaited Waits until it is ready. */
export async function connectAlice(url: string, port: number, isAwaited = true): Promise<string> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const imap = { host: '127.0.0.1', port, tls: 'none', user: 'alice@test.local', password: 'pw-alice' }
  const created = await fetch(`${url}/api/dashboard/accounts`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email: 'alice@test.local', imap }),
  })
  const { id } = (await created.json()) as { id: string }
  while (isAwaited) {
    const account = (await (await fetch(`${url}/api/dashboard/accounts/${id}`, { headers })).json()) as {
      state: string
    }
    if (account.state === 'ready') break
    await new Promise(setImmediate)
  }
  return id
}
