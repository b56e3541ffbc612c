/**
 * CPU time of GET /api/dashboard/clients, which queries no database, and of /api/dashboard/users, which does, with
 * tracing off, on, and on without sampling, in turn: what a request pays for its spans.
 */
import { Agent, createServer } from 'node:http'
import { api } from '../contract/index.ts'
import { apiKey, get, median, preciseCpuMs, round, rssBytes, type Server, startServer } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 60)
const warmUp = 6_000
const requestsPerRound = 600
const concurrency = 16
const paths = { '': api.clients.listClients.path, 'sql ': api.users.listUsers.path }

export async function tracing(): Promise<object> {
  const collector = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200).end())
  })
  await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as { port: number }
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_METRICS_EXPORTER: 'none' }
  const start = (variables: Record<string, string>) =>
    startServer(['--max-semi-space-size=16', 'bench/gate-server.ts'], {
      ...process.env,
      RUSTYMAIL_API_KEY: apiKey,
      ...variables,
    })
  const servers = {
    off: await start({}),
    on: await start(endpoint),
    unsampled: await start({ ...endpoint, OTEL_TRACES_SAMPLER: 'always_off' }),
  }
  const idle = Object.fromEntries(Object.entries(servers).map(([name, { pid }]) => [name, rssBytes(pid) / 2 ** 20]))
  const micros: Record<string, number[]> = {}
  try {
    for (const server of Object.values(servers)) {
      for (const path of Object.values(paths)) await load(server, path, warmUp)
    }
    for (let turn = 0; turn < rounds; turn++) {
      const order = Object.entries(servers)
      for (const [name, server] of turn % 2 === 0 ? order : order.toReversed()) {
        for (const [what, path] of Object.entries(paths)) {
          const key = `${what}${name}`
          micros[key] = [...(micros[key] ?? []), await cost(server, path)]
        }
      }
    }
  } finally {
    await Promise.all(Object.values(servers).map(server => server.stop()))
    collector.close()
  }
  const us = (name: string) => round(median(micros[name] ?? []))
  return {
    what: `CPU µs per request on all threads, ${rounds} rounds of ${requestsPerRound} requests in turns, ${concurrency} at once; RSS once it listens, MiB`,
    ...{ off_us: us('off'), on_us: us('on'), unsampled_us: us('unsampled') },
    with_statements: { off_us: us('sql off'), on_us: us('sql on'), unsampled_us: us('sql unsampled') },
    rss_mib: Object.fromEntries(Object.entries(idle).map(([name, value]) => [name, round(value)])),
  }
}

async function cost(server: Server, path: string): Promise<number> {
  const before = preciseCpuMs(server.pid)
  await load(server, path, requestsPerRound)
  return ((preciseCpuMs(server.pid) - before) * 1000) / requestsPerRound
}

async function load(server: Server, path: string, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let left = requests
  const worker = async () => {
    while (left-- > 0) await get(server.url + path, agent)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
}
