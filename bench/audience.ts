/**
 * The cost of facts that few see, and of many readers with narrow rights who resume from far behind, on SQLite and
 * PostgreSQL. `npm run bench -- audience`. CPU time is that of the server process. `loop_max_ms` is wall-clock time;
 * `loop_cpu_max_ms` is the CPU time of the longest turn, which other load changes less. BENCH_PARTS names the parts:
 * facts, sqlite and postgres (all).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import setupPostgres from '../test/support/postgres-setup.ts'
import { round } from './measure.ts'

const clients = 1_000
const behind = 100_000
const manyStreams = 10_000

type Figures = Record<string, number>

export async function audience(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  let postgresUrl: string | undefined
  const provide = (_name: string, url: string | undefined) => {
    postgresUrl = url
  }
  const stopPostgres = await setupPostgres({ provide } as Parameters<typeof setupPostgres>[0], {})
  const wanted = process.env.BENCH_PARTS?.split(',') ?? ['facts', 'sqlite', 'postgres']
  try {
    const sqlite = `sqlite:${join(dir, 'few.db')}`
    return {
      what: `facts at ${manyStreams} streams, each of a person with an account of its own; and ${clients} such that come back ${behind} facts behind at once, of which each sees ${behind / clients}`,
      ...(wanted.includes('facts') && { facts: await facts(sqlite) }),
      ...(wanted.includes('sqlite') && { returns_on_sqlite: await returns(`sqlite:${join(dir, 'returns.db')}`) }),
      ...(postgresUrl && wanted.includes('postgres') && { returns_on_postgres: await returns(postgresUrl) }),
      targets: {
        unseen_cpu_us_per_fact: '<= 100 more than without streams',
        ten_unseen_at_once_cpu_us_per_fact: '<= 100 with its part of the commit',
        sparse_p99_ms: '<= 150',
        loop_max_ms: '<= 50',
        loop_cpu_max_ms: '<= 50',
        all_served_ms: '<= 10000',
      },
    }
  } finally {
    await stopPostgres?.()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function facts(url: string): Promise<object> {
  const server = await startServer(url)
  try {
    await server.ask('unseen', 500)
    const without = await server.ask('unseen', 1_000)
    const togetherWithout = await server.ask('unseenTogether', 2_000)
    await server.ask('streams', manyStreams)
    await server.ask('unseen', 100)
    const unseen = await server.ask('unseen', 500)
    const together = await server.ask('unseenTogether', 2_000)
    const sparse = await server.ask('sparse', 10)
    return {
      unseen_without_streams: rounded(without),
      unseen: rounded(unseen),
      ten_unseen_at_once_without_streams: rounded(togetherWithout),
      ten_unseen_at_once: rounded(together),
      sparse: rounded(sparse),
    }
  } finally {
    await server.stop()
  }
}

async function returns(url: string): Promise<object> {
  const server = await startServer(url)
  try {
    const filled = await server.ask('fill', behind)
    await server.ask('loop', 0)
    const began = performance.now()
    const each = behind / clients
    const times = await Promise.all(
      Array.from({ length: clients }, (_, index) =>
        comeBack(server.port, `a${index}`, `${filled.epoch}-0`, each, began),
      ),
    )
    const loop = await server.ask('loop', 0)
    const sorted = times.toSorted((a, b) => a - b)
    return rounded({
      all_served_ms: sorted.at(-1)!,
      median_served_ms: sorted[Math.floor(sorted.length / 2)]!,
      loop_max_ms: loop.loop_max_ms!,
      loop_p99_ms: loop.loop_p99_ms!,
      loop_cpu_max_ms: loop.loop_cpu_max_ms!,
      cpu_ms_per_return: loop.cpu_ms! / clients,
      append_cpu_us_per_fact: filled.cpu_us_per_fact!,
    })
  } finally {
    await server.stop()
  }
}

/**
 * Returns milliseconds until it has all its facts. Text is scanned only once, since this process competes with the
 * server for the CPU.
 */
async function comeBack(port: number, account: string, id: string, facts: number, began: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const mark = 'event: mail_received\n'
  let text = ''
  let seen = 0
  socket.setEncoding('latin1').on('error', reject)
  socket.on('data', chunk => {
    text += chunk
    if (text.includes('event: gap')) reject(new Error(`a gap: ${text}`))
    seen += text.split(mark).length - 1
    text = text.slice(1 - mark.length)
    if (seen >= facts) resolve(performance.now() - began)
  })
  socket.write(`GET /?account=${account} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${id}\r\n\r\n`)
  return promise.finally(() => socket.destroy())
}

interface Server {
  port: number
  ask(deed: string, count: number): Promise<Figures & { epoch?: string }>
  stop(): Promise<void>
}

async function startServer(url: string): Promise<Server> {
  const execArgv = ['--max-semi-space-size=16']
  const child: ChildProcess = fork(join(import.meta.dirname, 'audience', 'hub-server.ts'), [url], { execArgv })
  const next = async () => (await once(child, 'message'))[0]
  const { port } = await next()
  return {
    port,
    ask: async (deed, count) => {
      child.send({ deed, count })
      return next()
    },
    stop: async () => {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

function rounded(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]))
}
