/**
 * CPU time of GET /api/dashboard/stats with the whole gate, by token and by session, against the same server without
 * it, in turn.
 */
import { Agent } from 'node:http'
import { api } from '../contract/index.ts'
import { get, median, preciseCpuMs, round, type Server, startServer } from './measure.ts'

/** Many short rounds: other load on the machine affects adjacent ones alike, so that their difference resolves 5 %. */
const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 120)
const warmUp = 10_000
const requestsPerRound = 600
const concurrency = 16
const { path } = api.metrics.getStats

type Headers = Record<string, string>
type Way = 'token' | 'session' | 'none'

const administrator = {
  email: 'admin@example.com',
  name: 'Ada Admin',
  password: 'seven quiet lamps by the river',
}

export async function gate(): Promise<object> {
  const start = (...flags: string[]) => startServer(['--max-semi-space-size=16', 'bench/gate-server.ts', ...flags])
  const [gated, open] = await Promise.all([start(), start('--without-gate')])
  const micros: Record<Way, number[]> = { token: [], session: [], none: [] }
  try {
    const proofs = await proofsOf(gated)
    const ways: [Way, Server, Headers][] = [
      ['token', gated, proofs.token],
      ['none', open, ballast(proofs.token)],
      ['session', gated, proofs.session],
    ]
    for (const [, server, headers] of ways) await load(server, headers, warmUp)
    for (let turn = 0; turn < rounds; turn++) {
      // Each is as often first as last.
      const order = turn % 2 === 0 ? ways : ways.toReversed()
      for (const [way, server, headers] of order) micros[way].push(await cost(server, headers))
    }
  } finally {
    await Promise.all([gated.stop(), open.stop()])
  }
  /** The share of a request, paired with its neighbour without the gate. */
  const sharesOf = (way: Way) => micros[way].map((value, turn) => (1 - micros.none[turn]! / value) * 100)
  return {
    what: `CPU µs per request, ${rounds} rounds of ${requestsPerRound} requests in turns, ${concurrency} at once, paired; the gate is authentication, origin, guard, limits and trail`,
    token_us: round(median(micros.token)),
    session_us: round(median(micros.session)),
    without_gate_us: round(median(micros.none)),
    gate_percent_by_token: round(median(sharesOf('token'))),
    /** The 95 % confidence interval. */
    interval_by_token: medianInterval(sharesOf('token')),
    gate_percent_by_session: round(median(sharesOf('session'))),
    interval_by_session: medianInterval(sharesOf('session')),
    target: '<= 15 % of the request',
  }
}

/** Returns the credentials of a session, and of a token that sees the dashboard. */
async function proofsOf(server: Server): Promise<{ token: Headers; session: Headers }> {
  const { origin, hash } = new URL(await server.secondLine)
  const send = async (endpoint: { method: string; path: string }, body: object, headers: Headers = {}) => {
    const answer = await fetch(new URL(endpoint.path, origin), {
      method: endpoint.method,
      headers: { 'content-type': 'application/json', origin, ...headers },
      body: JSON.stringify(body),
    })
    if (answer.status !== 201) throw new Error(`${endpoint.path} answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  const signedIn = await send(api.access.setUp, { setup_token: hash.slice(1), ...administrator })
  const session = { cookie: signedIn.headers.getSetCookie()[0]!.split(';')[0]! }
  const wanted = { name: 'bench', scopes: ['dashboard:read'], accounts: [] }
  const made = (await (await send(api.tokens.createToken, wanted, session)).json()) as { token: string }
  return { token: { authorization: `Bearer ${made.token}` }, session }
}

/** Returns meaningless headers of the same size to parse. */
function ballast(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/^.{3}/, 'x-n'), value]))
}

async function cost(server: Server, headers: Headers): Promise<number> {
  const before = preciseCpuMs(server.pid)
  await load(server, headers, requestsPerRound)
  return ((preciseCpuMs(server.pid) - before) * 1000) / requestsPerRound
}

async function load(server: Server, headers: Headers, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let left = requests
  const worker = async () => {
    while (left-- > 0) await get(server.url + path, agent, headers)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
}

/**
 * Returns the 95 % confidence interval of the median, by the binomial distribution: the sorted values between which it
 * lies.
 */
function medianInterval(values: number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b)
  const half = 0.98 * Math.sqrt(sorted.length)
  const at = (index: number) => round(sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(index)))]!)
  return [at(sorted.length / 2 - half), at(sorted.length / 2 + half - 1)]
}
