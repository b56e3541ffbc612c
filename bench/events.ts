/**
 * The event stream under load, beside a broadcaster in C and bare node:http: cost and delay of a delivery to many streams.
 * Needs cc and Linux. `npm run bench -- events`; BENCH_STREAMS sets how many streams (10,000).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../test/support/free-port.ts'
import { apiKey, median, round } from './measure.ts'

const rounds = 3
const streams = Number(process.env.BENCH_STREAMS ?? 10_000)
/** Events a second to every stream, and for how many seconds. */
const steps = '5:3,50:3'
const peers = join(import.meta.dirname, 'peers')

interface Candidate {
  child: ChildProcess
  arguments: string[]
  end(): Promise<object | undefined>
}

interface Line {
  phase: string
  k?: number
  ratio: number
  cpu_s_per_M: number
  lat_ms_p50: number
  lat_ms_p99: number
  gaps: number
  dups: number
  server_cpu_us_per_conn: number
  rss_per_conn_kib: number
}

export async function events(): Promise<object> {
  const built = mkdtempSync(join(tmpdir(), 'rustymail-peers-'))
  for (const name of ['sse-load', 'cbcast']) {
    execFileSync('cc', ['-O2', '-o', join(built, name), join(peers, `${name}.c`)], { stdio: 'ignore' })
  }
  const candidates = { rustymail: startRustyMail, c: () => startPeer([join(built, 'cbcast'), 'PORT']), bare: startBare }
  const lines: Record<string, Line[]> = { rustymail: [], c: [], bare: [] }
  const loops: object[] = []
  try {
    for (let turn = 0; turn < rounds; turn++) {
      for (const [name, start] of Object.entries(candidates)) {
        const candidate = await start()
        lines[name]!.push(...(await load(join(built, 'sse-load'), candidate.arguments)))
        const more = await candidate.end()
        if (more) loops.push(more)
      }
    }
  } finally {
    rmSync(built, { recursive: true, force: true })
  }
  return {
    what: `${streams} streams, steps ${steps} (events/s : seconds), ${rounds} interleaved rounds, medians`,
    ...Object.fromEntries(Object.entries(lines).map(([name, all]) => [name, summary(all)])),
    event_loop_of_rustymail: loops,
    faults: lines.rustymail!.reduce((sum, line) => sum + (line.gaps ?? 0) + (line.dups ?? 0), 0),
  }
}

function summary(lines: Line[]) {
  const of = (phase: (line: Line) => boolean, value: (line: Line) => number) =>
    round(median(lines.filter(phase).map(value)))
  const connect = (line: Line) => line.phase === 'connect'
  const step = (k: number) => (line: Line) => line.phase === 'step' && line.k === k
  const figures = (k: number) => ({
    cpu_us_per_delivery: of(step(k), line => line.cpu_s_per_M),
    p50_ms: of(step(k), line => line.lat_ms_p50),
    p99_ms: of(step(k), line => line.lat_ms_p99),
    delivered: of(step(k), line => line.ratio),
  })
  return {
    cpu_us_per_connect: of(connect, line => line.server_cpu_us_per_conn),
    rss_kib_per_stream: of(step(50), line => line.rss_per_conn_kib),
    at_5_a_second: figures(5),
    at_50_a_second: figures(50),
  }
}

async function startRustyMail(): Promise<Candidate> {
  const child = spawn(process.execPath, ['--max-semi-space-size=4', join(import.meta.dirname, 'events-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url, control, pid } = JSON.parse(line) as { url: string; control: number; pid: number }
  const rate = `http://127.0.0.1:${control}/rate`
  const address = `${url}/api/dashboard/events?types=mail_received`
  const seen = ['--seq', 'data', '--nfield', 'uid', '-H', `Authorization: Bearer ${apiKey}`]
  return {
    child,
    arguments: ['--url', address, '--pid', String(pid), '--ctl', `${rate}?k=%k`, ...seen],
    end: async () => {
      const state = (await (await fetch(`${rate}?k=0`)).json()) as object
      await stop(child)
      return state
    },
  }
}

const startBare = () => startPeer([process.execPath, join(peers, 'raw.mjs')])

/** A peer prints `ready`, and serves /events and /rate on the port that PORT or its argument says. */
async function startPeer(command: string[]): Promise<Candidate> {
  const port = await freePort()
  const [program, ...rest] = command.map(word => (word === 'PORT' ? String(port) : word))
  const child = spawn(program!, rest, {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout, 'data')
  const url = `http://127.0.0.1:${port}`
  return {
    child,
    arguments: ['--url', `${url}/events`, '--pid', String(child.pid), '--ctl', `${url}/rate?k=%k`],
    end: async () => {
      await stop(child)
      return undefined
    },
  }
}

async function load(program: string, where: string[]): Promise<Line[]> {
  const fixed = ['-n', String(streams), '--steps', steps, '--warm', '0.4', '--drain', '8', '--connect-timeout', '30']
  const child = spawn(program, [...where, ...fixed], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line) as Line))
  await once(child, 'close')
  return lines
}

async function stop(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}
