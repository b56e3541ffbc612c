/**
 * Webhooks of the real server to a receiver in another process, over TLS: throughput, delay, with endpoints that hang,
 * and through kill -9 of either side. `npm run bench -- webhooks`; BENCH_PARTS names the parts (all), BENCH_FACTS,
 * BENCH_KILLS and BENCH_SECONDS make it smaller; BENCH_ORDER=account keeps order within each account only.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { selfSignedIn } from '../test/support/tls.ts'
import { apiKey, mainCpuMs, preciseCpuMs, round, type Server, startRustyMail, unlimited } from './measure.ts'
import type { SinkFigures, SinkSetup } from './webhooks/protocol.ts'

const facts = Number(process.env.BENCH_FACTS ?? 2_000)
const seconds = Number(process.env.BENCH_SECONDS ?? 20)
const order = process.env.BENCH_ORDER ?? 'endpoint'
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
const idleMs = 20

class Sink {
  readonly #setup: SinkSetup
  #child: ChildProcess | undefined
  port = 0

  constructor(setup: SinkSetup) {
    this.#setup = setup
  }

  async start(): Promise<void> {
    const setup = JSON.stringify({ ...this.#setup, port: this.port })
    this.#child = fork(join(import.meta.dirname, 'webhooks/sink.ts'), [setup])
    const [{ port }] = (await once(this.#child, 'message')) as [{ port: number }]
    this.port = port
  }

  async ask(what: 'reset' | 'counts' | 'figures'): Promise<SinkFigures> {
    this.#child!.send(what)
    const [figures] = (await once(this.#child!, 'message')) as [SinkFigures]
    return figures
  }

  async until(unique: number): Promise<SinkFigures> {
    for (;;) {
      const { unique: taken } = await this.ask('counts')
      if (taken >= unique) return this.ask('figures')
      await wait(idleMs)
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = once(this.#child!, 'exit')
    this.#child!.kill(signal)
    await ended
  }
}

interface World {
  server: Server
  sink: Sink
  dataDir: string
  account: string
  environment: NodeJS.ProcessEnv
}

async function ask<T>({ server }: World, method: string, path: string, body?: object): Promise<T> {
  const sent = body && { body: JSON.stringify(body) }
  const answer = await fetch(server.url + path, { method, headers, ...sent })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

let names = 0
async function makeFacts(world: World, count: number, perSecond = Number.POSITIVE_INFINITY): Promise<void> {
  const began = performance.now()
  for (let made = 0; made < count; made++) {
    await makeFact(world)
    const due = began + ((made + 1) * 1_000) / perSecond
    if (due > performance.now()) await wait(due - performance.now())
  }
}

/** Publishes a fact by renaming an account without a server. */
async function makeFact(world: World): Promise<void> {
  await ask(world, 'PATCH', `/api/dashboard/accounts/${world.account}`, { name: `Account ${++names}` })
}

async function makeAccount(world: World): Promise<string> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'nobody', password: 'none' }
  const body = { name: 'Account', email: 'nobody@example.org', imap, enabled: false }
  return (await ask<{ id: string }>(world, 'POST', '/api/dashboard/accounts?verify=false', body)).id
}

async function makeHooks(world: World, count: number, kind: 'fine' | 'hang', part: string): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index++) {
    const url = `https://localhost:${world.sink.port}/${kind}/${part}-${index}`
    const body = { name: `${part} ${index}`, url, types: ['account_updated'], order }
    const { webhook } = await ask<{ webhook: { id: string } }>(world, 'POST', '/api/v1/webhooks', body)
    ids.push(webhook.id)
  }
  return ids
}

async function removeHooks(world: World, ids: string[]): Promise<void> {
  for (const id of ids) await ask(world, 'DELETE', `/api/v1/webhooks/${id}`)
}

const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
const delaysOf = ({ delays }: SinkFigures) => {
  const sorted = [...delays].sort((a, b) => a - b)
  return { p50_ms: at(sorted, 0.5), p99_ms: at(sorted, 0.99), most_ms: sorted.at(-1) ?? 0 }
}

/** Measures 50 endpoints that have all facts ahead of them. */
async function throughput(world: World): Promise<object> {
  const endpoints = 50
  const ids = await makeHooks(world, endpoints, 'fine', 'throughput')
  const { place } = await ask<{ place: string }>(world, 'GET', `/api/v1/webhooks/${ids[0]}`)
  for (const id of ids) await ask(world, 'POST', `/api/v1/webhooks/${id}/disable`)
  await makeFacts(world, facts)
  await world.sink.ask('reset')
  for (const id of ids) await ask(world, 'POST', `/api/v1/webhooks/${id}/enable`)
  await world.sink.until(facts * endpoints)
  await world.sink.ask('reset')
  const [began, cpu, main] = [performance.now(), preciseCpuMs(world.server.pid), mainCpuMs(world.server.pid)]
  for (const id of ids) await ask(world, 'POST', `/api/v1/webhooks/${id}/replay`, { after: place })
  const figures = await world.sink.until(facts * endpoints)
  const ms = performance.now() - began
  await removeHooks(world, ids)
  return {
    endpoints,
    deliveries: figures.taken,
    per_second: round((figures.unique * 1_000) / ms),
    cpu_us_each: round(((preciseCpuMs(world.server.pid) - cpu) * 1_000) / figures.taken),
    main_thread_us_each: round(((mainCpuMs(world.server.pid) - main) * 1_000) / figures.taken),
    out_of_order: figures.outOfOrder,
  }
}

async function latency(world: World): Promise<object> {
  const ids = await makeHooks(world, 1, 'fine', 'latency')
  await world.sink.ask('reset')
  await makeFacts(world, 100 * seconds, 100)
  const figures = await world.sink.until(100 * seconds)
  await removeHooks(world, ids)
  return { per_second: 100, ...delaysOf(figures) }
}

async function hanging(world: World): Promise<object> {
  const bad = await makeHooks(world, 20, 'hang', 'hanging')
  const good = await makeHooks(world, 20, 'fine', 'beside')
  await world.sink.ask('reset')
  await makeFacts(world, 10 * seconds, 10)
  const figures = await world.sink.until(10 * seconds * good.length)
  await removeHooks(world, [...bad, ...good])
  return { hanging: bad.length, of: bad.length + good.length, per_second: 10 * good.length, ...delaysOf(figures) }
}

/** Kills the server ten times while facts are published and delivered. */
async function kills(world: World): Promise<object> {
  const count = Number(process.env.BENCH_FACTS ?? 10_000)
  const ids = await makeHooks(world, 1, 'fine', 'kills')
  await world.sink.ask('reset')
  let made = 0
  const times = Number(process.env.BENCH_KILLS ?? 10)
  for (let kill = 0; kill < times; kill++) {
    const next = Math.floor((count * (kill + 1)) / times)
    await makeFacts(world, next - made)
    made = next
    process.kill(world.server.pid, 'SIGKILL')
    await world.server.stop()
    world.server = await startRustyMail(world.dataDir, world.environment)
  }
  const figures = await world.sink.until(count)
  await removeHooks(world, ids)
  return {
    events: count,
    kills: times,
    lost: count - figures.unique,
    repeated_with_the_same_id: figures.doubles,
    out_of_order: figures.outOfOrder,
  }
}

const parts = { throughput, latency, hanging, kills }

export async function webhooks(): Promise<object> {
  const wanted = process.env.BENCH_PARTS?.split(',') ?? Object.keys(parts)
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-hooks-'))
  const certificate = selfSignedIn(dir)
  const sink = new Sink(certificate)
  await sink.start()
  const environment = { ...unlimited, NODE_EXTRA_CA_CERTS: certificate.certFile }
  const dataDir = join(dir, 'data')
  const world: World = { sink, dataDir, environment, account: '', server: await startRustyMail(dataDir, environment) }
  world.account = await makeAccount(world)
  const results: Record<string, object> = {}
  try {
    for (const [part, run] of Object.entries(parts)) {
      if (wanted.includes(part)) Object.assign(results, { [part]: await run(world) })
    }
  } finally {
    await world.server.stop()
    await sink.kill()
    rmSync(dir, { recursive: true, force: true })
  }
  return {
    ...(order === 'endpoint' ? {} : { variant: `order-${order}` }),
    targets: { per_second: 2_000, latency_p99_ms: 50, beside_hanging_p99_ms: 100, lost: 0, out_of_order: 0 },
    ...results,
  }
}
