/**
 * 10,000 failed sign-ins from 100 local addresses: who can still sign in, what else still responds, and what remains
 * afterwards.
 */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { api } from '../contract/index.ts'
import { apiKey, cpuMs, median, round, rssBytes, type Server, startRustyMail, startServer } from './measure.ts'
import type { StatsWatch, WatchedAnswer } from './stats-watcher.ts'

const addresses = 100
/** RUSTYMAIL_BENCH_ATTEMPTS makes it smaller for a trial run. */
const attempts = Number(process.env.RUSTYMAIL_BENCH_ATTEMPTS ?? 10_000)
/** Requests in flight from each address. */
const perAddress = 4
const ownAddress = '127.9.9.9'
/** Milliseconds between sign-ins, within the limit of an address (60 a minute). */
const signInEveryMs = 1_000
const statsEveryMs = 20
const quietMs = 5_000
const turns = 3

const administrator = {
  email: 'admin@example.com',
  name: 'Ada Admin',
  password: 'seven quiet lamps by the river',
}

interface Answer {
  status: number
  ms: number
  retryAfterMs: number
}

interface Asked {
  method: string
  path: string
  body?: object | undefined
}

/** The floor: it hashes one password at a time and refuses concurrent callers, and has no users, limits or trail. */
const bare = `
const { argon2, randomBytes } = require('node:crypto')
const cost = { message: 'a password', nonce: randomBytes(16), memory: 47104, passes: 1, parallelism: 1, tagLength: 32 }
const [body] = process.argv.slice(1)
let isBusy = false
const server = require('node:http').createServer((request, response) => {
  const answer = (status, text) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'retry-after': '2' })
    response.end(text)
  }
  request.resume()
  request.on('end', () => {
    if (request.method === 'GET') return answer(200, body)
    if (isBusy) return answer(503, '{"code":"overloaded"}')
    isBusy = true
    argon2('argon2id', cost, () => {
      isBusy = false
      answer(401, '{"code":"sign_in_failed"}')
    })
  })
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
process.on('SIGTERM', () => process.exit(0))
`

export async function signInFlood(): Promise<object> {
  // Default limits, which are part of the defence.
  const server = await startRustyMail(undefined, {})
  const headers = { authorization: `Bearer ${apiKey}` }
  const body = await (await fetch(server.url + api.metrics.getStats.path, { headers })).text()
  const peer = await startServer(['-e', bare, body])
  try {
    await setUp(server)
    const own = new Agent({ keepAlive: true, localAddress: ownAddress })
    // The first sign-ins and requests load what is loaded once.
    for (let count = 0; count < 20; count++) await signIn(server, own, administrator.password)
    const quiet = watch(server)
    await quiet.started
    await wait(quietMs)
    const before = summary(await quiet.stop())
    const rss = [rssMib(server)]
    const floods = []
    const floor: Awaited<ReturnType<typeof pour>>[] = []
    for (let turn = 0; turn < turns; turn++) {
      floods.push(await flood(server, own, turn))
      await wait(quietMs)
      rss.push(rssMib(server))
      floor.push(await pour(peer, turn))
    }
    own.destroy()
    return {
      what: `${attempts} wrong sign-ins from ${addresses} loopback addresses, ${perAddress} at once from each, half for an email that exists; ${turns} times. Beside them the right user from ${ownAddress} every ${signInEveryMs} ms, and GET ${api.metrics.getStats.path} every ${statsEveryMs} ms from a thread of its own, over connections that are open already, each tenth over a new one. The floor: the same flood on bare node:http that works on one password at a time and sends the others away`,
      floods,
      floor: floor.map(({ guesses, ...poured }) => ({ ...poured, answers: countByStatus(guesses) })),
      stats_before: before,
      stats_ratio: {
        p50: round(median(floods.map(({ stats }, turn) => stats.p50_ms / floor[turn]!.stats.p50_ms))),
        p99: round(median(floods.map(({ stats }, turn) => stats.p99_ms / floor[turn]!.stats.p99_ms))),
      },
      rss_mib: rss,
      targets: {
        right_user: 'signed in, from the first try on or as Retry-After says',
        stats: 'usable: p99 at most twice that of the floor',
        rss_mib: 'flat: each flood after the first adds <= 10',
      },
    }
  } finally {
    await Promise.all([server.stop(), peer.stop()])
  }
}

async function setUp(server: Server): Promise<void> {
  const setup_token = (await server.secondLine).split('#')[1]
  const agent = new Agent()
  const { method, path } = api.access.setUp
  const { status } = await ask(server, agent, { method, path, body: { setup_token, ...administrator } })
  if (status !== 201) throw new Error(`set-up answered ${status}`)
}

async function flood(server: Server, own: Agent, turn: number) {
  const owner = keepSigningIn(server, own)
  const { guesses, ...poured } = await pour(server, turn)
  const refused = guesses.filter(({ status }) => status === 401)
  const msOf = (known: boolean) => refused.filter(({ isKnown }) => isKnown === known).map(({ ms }) => ms)
  return {
    ...poured,
    answers: countByStatus(guesses),
    wrong_password_ms: { existing: round(median(msOf(true))), unknown: round(median(msOf(false))) },
    right_user: await owner.stop(),
  }
}

/** Sends all guesses as fast as they are answered, and measures requests for stats meanwhile. */
async function pour(server: Server, turn: number) {
  const sources = Array.from({ length: addresses }, (_, index) => `127.0.1.${index + 1}`)
  const guesses: (Answer & { isKnown: boolean })[] = []
  const stats = watch(server)
  await stats.started
  const [began, cpuBefore] = [performance.now(), cpuMs(server.pid)]
  const guessFrom = async (address: string, index: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: perAddress, localAddress: address })
    let left = attempts / addresses
    const worker = async () => {
      while (left > 0) {
        const number = left--
        // Alternates, so that neither kind is always the first of its address.
        const isKnown = (number + index) % 2 === 0
        const email = isKnown ? administrator.email : `nobody-${turn}-${address}-${number}@example.com`
        guesses.push({ isKnown, ...(await signIn(server, agent, 'not the right password', email)) })
      }
    }
    await Promise.all(Array.from({ length: perAddress }, worker))
    agent.destroy()
  }
  await Promise.all(sources.map(guessFrom))
  const seconds = (performance.now() - began) / 1000
  const cpu = (cpuMs(server.pid) - cpuBefore) / 1000 / seconds
  const seen = summary(await stats.stop())
  return { seconds: round(seconds), processors_used: round(cpu), stats: seen, guesses }
}

/** The real user signs in repeatedly, and after a refusal as soon as `Retry-After` allows. */
function keepSigningIn(server: Server, agent: Agent) {
  const stopped = new AbortController()
  const answers: Answer[] = []
  const waits: number[] = []
  const run = async () => {
    while (!stopped.signal.aborted) {
      const began = performance.now()
      let answer = await signIn(server, agent, administrator.password)
      answers.push(answer)
      while (answer.status !== 201) {
        await wait(answer.retryAfterMs)
        answer = await signIn(server, agent, administrator.password)
        answers.push(answer)
      }
      waits.push(performance.now() - began)
      await wait(signInEveryMs)
    }
    return {
      signed_in: waits.length,
      answers: countByStatus(answers),
      p50_ms: round(median(waits)),
      longest_ms: round(Math.max(...waits)),
    }
  }
  const done = run()
  // A rejection is handled when it is stopped.
  done.catch(() => undefined)
  return {
    stop: () => {
      stopped.abort()
      return done
    },
  }
}

/** Measures from a separate thread: this one is busy with the flood, and would see its own delays. */
function watch(server: Server) {
  const workerData: StatsWatch = {
    url: server.url + api.metrics.getStats.path,
    authorization: `Bearer ${apiKey}`,
    everyMs: statsEveryMs,
  }
  const worker = new Worker(new URL('./stats-watcher.ts', import.meta.url), { workerData })
  return {
    started: once(worker, 'message'),
    stop: async (): Promise<WatchedAnswer[]> => {
      worker.postMessage('stop')
      const [answers] = await once(worker, 'message')
      return answers
    },
  }
}

function signIn(server: Server, agent: Agent, password: string, email = administrator.email): Promise<Answer> {
  const { method, path } = api.access.openSession
  return ask(server, agent, { method, path, body: { email, password } })
}

function ask(server: Server, agent: Agent, { method, path, body }: Asked): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  const began = performance.now()
  const sent = request(server.url + path, { method, agent, headers }, response => {
    response.resume()
    response.once('end', () => {
      const retryAfterMs = Number(response.headers['retry-after'] ?? 1) * 1000
      resolve({ status: response.statusCode ?? 0, ms: performance.now() - began, retryAfterMs })
    })
  })
  sent.once('error', reject)
  sent.end(text)
  return promise
}

function countByStatus(answers: Pick<Answer, 'status'>[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function summary(all: WatchedAnswer[]) {
  const answers = all.filter(({ isNew }) => !isNew)
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  const fresh = all.filter(({ isNew }) => isNew).map(({ ms }) => ms)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return {
    answers: countByStatus(all),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    max_ms: round(sorted.at(-1) ?? 0),
    new_connection: { p50_ms: round(median(fresh)), max_ms: round(Math.max(...fresh)) },
  }
}

function rssMib(server: Server): number {
  return round(rssBytes(server.pid) / 2 ** 20)
}
