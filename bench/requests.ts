/**
 * CPU time of single requests, on all threads of the server, beside bare node:http that reads the same request and
 * gives the same answer: creating an API token, listing clients while there are 10,000, and listing a page of messages
 * from Dovecot.
 */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { api } from '../contract/index.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import { apiKey, connectAlice, median, preciseCpuMs, round, type Server, startServer, unlimited } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 25)
const clients = 10_000
const messages = 200
/** A user has at most 100 tokens; they are deleted between rounds. */
const tokensPerRound = 40
const listsPerRound = 200

/** A server that answers with its argument. */
const bare = `
const body = process.argv[1]
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
process.on('SIGTERM', () => process.exit(0))
`

interface Asked {
  method: string
  path: string
  headers: Record<string, string>
  body?: object
}

interface Way {
  asked: Asked
  perRound: number
  /** Number of concurrent requests. */
  callers: number
  floor: Server
  micros: { rustymail: number[]; bare: number[] }
  /** Unmeasured work after each round. */
  after?: () => Promise<void>
}

export async function requests(): Promise<object> {
  const fill = (directory: string) => fillMaildir(join(directory, 'alice@test.local', 'Maildir'), messages)
  const dovecot = await startDovecot({ fill })
  const rustymail = await startServer(['--max-semi-space-size=16', 'bench/gate-server.ts'], {
    ...process.env,
    ...unlimited,
    RUSTYMAIL_API_KEY: apiKey,
    RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    // Gives each client an address of its own.
    RUSTYMAIL_TRUSTED_PROXIES: '127.0.0.1',
  })
  const agent = new Agent({ keepAlive: true })
  const ways: Record<string, Way> = {}
  try {
    const token = { authorization: `Bearer ${apiKey}` }
    const session = await sessionOn(rustymail)
    const ask = (asked: Asked) => send(rustymail.url, agent, asked)
    const account = await connectAlice(rustymail.url, dovecot.imapPort)
    for (let index = 0; index < clients; index++) {
      const address = `10.1.${index >> 8}.${index & 255}`
      await ask({ method: 'GET', path: api.metrics.getStats.path, headers: { ...token, 'x-forwarded-for': address } })
    }
    const add = async (name: string, asked: Asked, size: Pick<Way, 'perRound' | 'callers' | 'after'>) => {
      const floor = await startServer(['-e', bare, await ask(asked)])
      ways[name] = { asked, ...size, floor, micros: { rustymail: [], bare: [] } }
    }
    const lists = { perRound: listsPerRound, callers: 8 }
    const tokens = api.tokens.createToken.path
    const wanted = { name: 'bench', scopes: ['dashboard:read'], accounts: [] }
    const revokeAll = async () => {
      const { items } = JSON.parse(await ask({ method: 'GET', path: tokens, headers: session })) as {
        items: { id: string }[]
      }
      for (const { id } of items) await ask({ method: 'DELETE', path: `${tokens}/${id}`, headers: session })
    }
    const page = `${api.mail.listMessages.path.replace('{account_id}', account)}?folder=INBOX&limit=50`
    const make = { method: 'POST', path: tokens, headers: session, body: wanted }
    await add('post_token', make, { perRound: tokensPerRound, callers: 1, after: revokeAll })
    await add('post_token_8_at_once', make, { perRound: tokensPerRound, callers: 8, after: revokeAll })
    await add('get_clients', { method: 'GET', path: api.clients.listClients.path, headers: token }, lists)
    await add('get_messages', { method: 'GET', path: page, headers: token }, lists)
    for (let turn = -3; turn < rounds; turn++) {
      for (const way of Object.values(ways)) await each(way, turn, rustymail, agent)
    }
  } finally {
    agent.destroy()
    await Promise.all([rustymail, ...Object.values(ways).map(({ floor }) => floor)].map(server => server.stop()))
    await dovecot.stop()
  }
  return {
    what: `CPU µs per request, tokens one at a time and 8 at once, lists 8 at once, ${rounds} rounds in turn, medians; ${clients} clients; 50 of ${messages} messages`,
    ...Object.fromEntries(Object.entries(ways).map(([name, { micros }]) => [name, summary(micros)])),
    targets: 'a token 600 µs, clients 100 µs, messages 1,500 µs before the index',
  }
}

/** The first rounds are a warm-up. */
async function each(
  { asked, perRound, callers, floor, micros, after }: Way,
  turn: number,
  rustymail: Server,
  agent: Agent,
) {
  const servers: ['rustymail' | 'bare', Server][] = [
    ['rustymail', rustymail],
    ['bare', floor],
  ]
  for (const [name, { pid, url }] of turn % 2 === 0 ? servers : servers.toReversed()) {
    const before = preciseCpuMs(pid)
    let left = perRound
    const caller = async () => {
      while (left-- > 0) await send(url, agent, asked)
    }
    await Promise.all(Array.from({ length: callers }, caller))
    if (turn >= 0) micros[name].push(((preciseCpuMs(pid) - before) * 1000) / perRound)
  }
  await after?.()
}

function summary({ rustymail, bare: floor }: Way['micros']): object {
  return {
    rustymail_us: round(median(rustymail)),
    bare_node_http_us: round(median(floor)),
    ratio: round(median(rustymail.map((value, index) => value / floor[index]!))),
  }
}

/** Returns a session of the first administrator. */
async function sessionOn(server: Server): Promise<Record<string, string>> {
  const { origin, hash } = new URL(await server.secondLine)
  const answer = await fetch(new URL(api.access.setUp.path, origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({
      setup_token: hash.slice(1),
      email: 'admin@example.com',
      name: 'Ada Admin',
      password: 'seven quiet lamps by the river',
    }),
  })
  if (answer.status !== 201) throw new Error(`the set-up answered ${answer.status}: ${await answer.text()}`)
  return { cookie: answer.headers.getSetCookie()[0]!.split(';')[0]!, origin }
}

function send(url: string, agent: Agent, { method, path, headers, body }: Asked): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const text = body && JSON.stringify(body)
  const all = { ...headers, ...(text && { 'content-type': 'application/json', 'content-length': String(text.length) }) }
  const sent = request(url + path, { method, agent, headers: all }, response => {
    let received = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      received += chunk
    })
    response.once('end', () => {
      if ((response.statusCode ?? 500) < 300) resolve(received)
      else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${received}`))
    })
  })
  sent.once('error', reject)
  sent.end(text)
  return promise
}
