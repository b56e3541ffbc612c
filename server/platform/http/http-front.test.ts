/** The front: the same stream by either way, the same gate, and everything else is left to the server behind. */

import { EventEmitter, once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../../contract/index.ts'
import { administrator } from '../../../test/support/administrator.ts'
import { createLogger } from '../logger.ts'
import type { Caller, Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { HttpLimits, type LimitRates } from '../rate-limits.ts'
import type { Shown } from '../shown.ts'
import type { RequestOutcome } from './http-outcome.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const admin = administrator('api_key')
const slow: Principal = { ...admin, id: 'slow' }

interface DoorOptions {
  trustedProxies?: string[]
  limits?: HttpLimits
  shown?: Shown
}

/** Limits that never refill, of an address and of everything else. */
function limitsOf(address: number, other = 9): HttpLimits {
  const kinds = ['principal', 'search', 'index_search', 'assistant', 'connect', 'sign_in', 'access'] as const
  const rates = Object.fromEntries(kinds.map(kind => [kind, other])) as LimitRates
  return new HttpLimits({ rates: { ...rates, address }, now: () => 1_000_000 })
}

async function door({ trustedProxies = [], ...judges }: DoorOptions = {}) {
  const outcomes: RequestOutcome[] = []
  /** The owner of the token `later`, and an entry for each lookup of it. */
  const later = Promise.withResolvers<Principal | undefined>()
  const lookups = new EventEmitter<{ begun: [address: string] }>()
  const behind = vi.fn()
  const opened: { query: object; caller: Caller; lastEventId: string | undefined }[] = []
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token, sessionCookie, address }) => {
      if (token === 'slow') return Promise.resolve(slow)
      if (token === 'later') {
        lookups.emit('begun', address)
        return later.promise
      }
      return token === 'admin' || sessionCookie === 'admin' ? admin : undefined
    },
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies,
    ...judges,
  })
  handleStream(http, api.events.streamEvents, { 'content-type': 'text/event-stream' }, call => {
    if (call.query.types === 'full') throw new Problem('too_many_streams', 'Full.', { retryAfterSeconds: 30 })
    const socket = call.takeSocket()
    opened.push({ query: call.query, caller: call.caller, lastEventId: call.header('last-event-id') })
    socket.write(': hello\n\n')
    socket.uncork()
  })
  handle(http, api.accounts.createAccount, ({ body }) => {
    throw new Problem('forbidden', `${JSON.stringify(body).length} characters came.`)
  })
  http.fastify.server.on('request', behind)
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { port } = http.fastify.server.address() as AddressInfo
  onTestFinished(async () => {
    http.front.stop()
    http.fastify.server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    await http.fastify.close()
  })
  const sockets: Socket[] = []
  const open = async () => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  /** Requests a stream with the token `later`; resolves with our end of the connection once that is being looked up. */
  const ask = async (...lines: string[]) => {
    const accepted = once(http.fastify.server, 'connection')
    const begun = once(lookups, 'begun')
    const socket = await open()
    socket.write(head(path, 'Authorization: Bearer later', ...lines))
    await begun
    const [own] = (await accepted) as [Socket]
    return { socket, own }
  }
  return { http, port, open, ask, outcomes, opened, later, lookups, behind }
}

const head = (path: string, ...lines: string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'Host: x', 'User-Agent: probe', ...lines].join('\r\n')}\r\n\r\n`
const token = 'Authorization: Bearer admin'
const path = '/api/dashboard/events'

/** Reads until the text has come. */
async function readTo(socket: Socket, end: string): Promise<string> {
  let all = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    all += chunk
    if (all.includes(end)) return all
  }
  return all
}

const headersOf = (answer: string) =>
  answer
    .split('\r\n\r\n')[0]!
    .split('\r\n')
    .map(line => line.replace(/^(date|x-request-id): .*/, '$1'))
    .sort()

test('a stream is the same whether its head comes in one piece or in two', async () => {
  const { open, opened, outcomes } = await door()
  const whole = await open()
  whole.write(head(`${path}?types=stats_update`, token, 'Last-Event-ID: a-1'))
  const first = await readTo(whole, 'hello\n\n')
  const halved = await open()
  const bytes = head(`${path}?types=stats_update`, token, 'Last-Event-ID: a-1')
  halved.write(bytes.slice(0, 50))
  // The second half may only come when the first was read.
  await expect.poll(() => halved.bytesWritten).toBe(50)
  await new Promise(setImmediate)
  halved.write(bytes.slice(50))
  const second = await readTo(halved, 'hello\n\n')
  expect(first).toContain('HTTP/1.1 200 OK')
  expect(headersOf(first)).toEqual(headersOf(second))
  expect(opened).toHaveLength(2)
  expect(opened[0]).toEqual(opened[1])
  expect(opened[0]?.caller).toMatchObject({ address: '127.0.0.1', userAgent: 'probe' })
  const seen = outcomes.map(({ durationMs, requestId, ...outcome }) => outcome)
  expect(seen).toHaveLength(2)
  expect(seen[0]).toEqual(seen[1])
})

test.each([
  ['no token', head(path), 401],
  ['a wrong token', head(path, 'Authorization: Bearer wrong'), 401],
  ['an unknown query', head(`${path}?colour=red`, token), 400],
  ['no room', head(`${path}?types=full`, token), 429],
  ['an address that is not there', head('/api/dashboard/nothing', token), 404],
])('%s is refused as everywhere', async (_what, bytes, status) => {
  const { open, opened } = await door()
  const socket = await open()
  socket.write(bytes)
  const answer = await readTo(socket, '}')
  expect(answer).toContain(`HTTP/1.1 ${status} `)
  expect(answer).toContain('application/problem+json')
  expect(opened).toHaveLength(0)
})

test('a session, and a token that must be looked up first, open a stream too', async () => {
  const { open, opened } = await door()
  for (const line of ['Cookie: a=b; rustymail_session=admin', 'X-API-Key: admin', 'Authorization: bearer slow']) {
    const socket = await open()
    socket.write(head(path, line))
    expect(await readTo(socket, 'hello\n\n')).toContain('hello')
  }
  expect(opened.map(({ caller }) => caller.principal.id)).toEqual(['admin', 'admin', 'slow'])
})

test('a caller that is looked up first is served in front as well, with the address, the trail and the time of any other', async () => {
  const { ask, opened, outcomes, later, behind } = await door({ trustedProxies: ['127.0.0.1'] })
  const { socket } = await ask('X-Forwarded-For: 203.0.113.9')
  later.resolve(slow)
  expect(await readTo(socket, 'hello\n\n')).toContain('200 OK')
  expect(opened).toMatchObject([{ caller: { principal: slow, address: '203.0.113.9', userAgent: 'probe' } }])
  expect(outcomes).toMatchObject([{ operation: 'events.streamEvents', status: 200, caller: opened[0]!.caller }])
  expect(behind).not.toHaveBeenCalled()
})

test.each([
  ['is nobody', 401, (later: PromiseWithResolvers<undefined>) => later.resolve(undefined)],
  ['cannot be looked up', 500, (later: PromiseWithResolvers<undefined>) => later.reject(new Error('no database'))],
])('who %s is refused by the server behind, once', async (_what, status, settle) => {
  const { ask, opened, later, behind } = await door()
  const { socket } = await ask()
  settle(later as PromiseWithResolvers<undefined>)
  expect(await readTo(socket, '}')).toContain(`HTTP/1.1 ${status} `)
  expect([opened.length, behind.mock.calls.length]).toEqual([0, 1])
})

test('what is sent while its caller is looked up stands behind the head, in order, whatever answers', async () => {
  const send = async ({ socket, own }: { socket: Socket; own: Socket }, bytes: string) => {
    const whole = own.bytesRead + bytes.length
    socket.write(bytes)
    await expect.poll(() => own.bytesRead, { interval: 1 }).toBe(whole)
  }
  const taken = await door()
  const stream = await taken.ask()
  await send(stream, head('/health/live'))
  taken.later.resolve(slow)
  expect(await readTo(stream.socket, 'hello\n\n')).not.toContain('problem')
  expect(taken.behind).not.toHaveBeenCalled()
  const refused = await door()
  const other = await refused.ask()
  await send(other, head('/api/dashboard/nothing'))
  refused.later.resolve(undefined)
  const answers = await readTo(other.socket, 'not_found')
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 404'])
  const full = await door()
  const { socket, own } = await full.ask()
  socket.on('error', () => undefined).resume()
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.write(' '.repeat(1024 * 1024))
  await expect.poll(() => own.readableLength, { interval: 1 }).toBeGreaterThanOrEqual(own.readableHighWaterMark)
  // Only that and one read are buffered: the rest stays with the client.
  expect(own.readableLength).toBeLessThanOrEqual(2 * 64 * 1024)
  full.later.resolve(slow)
  await closed
})

test.each([
  ['is closed', (socket: Socket) => socket.destroy()],
  ['is reset', (socket: Socket) => socket.resetAndDestroy()],
  ['is half closed', (socket: Socket) => socket.end()],
])('a connection that %s while its caller is looked up opens nothing', async (_what, end) => {
  const { ask, open, opened, later, behind } = await door()
  const { socket, own } = await ask()
  const gone = new Promise(resolve => own.once('close', resolve))
  end(socket)
  await gone
  later.resolve(slow)
  const next = await open()
  next.write(head(path, token))
  await readTo(next, 'hello\n\n')
  expect([opened.length, behind.mock.calls.length]).toEqual([1, 0])
})

test('a stop waits for a look-up, whose caller is told that the server drains; what it cannot wait for is cut', async () => {
  const { http, ask, opened, later } = await door()
  const { socket } = await ask()
  http.isDraining = true
  let isIdle = false
  const idle = http.whenIdle().then(() => {
    isIdle = true
  })
  await new Promise(setImmediate)
  expect(isIdle).toBe(false)
  later.resolve(slow)
  expect(await readTo(socket, '}')).toContain('HTTP/1.1 503 ')
  await idle
  expect(opened).toHaveLength(0)
  const cut = await door()
  const { socket: other } = await cut.ask()
  const closed = once(other, 'close')
  other.resume().on('error', () => undefined)
  cut.http.front.stop()
  await closed
})

test('no credentials are looked up for an address that has used up its rate limit', async () => {
  const { open, lookups, later } = await door({ limits: limitsOf(2) })
  const begun = vi.fn()
  lookups.on('begun', begun)
  later.resolve(undefined)
  const statuses: string[] = []
  for (let turn = 0; turn < 4; turn++) {
    const socket = await open()
    socket.write(head(path, 'Authorization: Bearer later'))
    statuses.push((await readTo(socket, '}')).slice(0, 'HTTP/1.1 429'.length))
  }
  expect(statuses).toEqual(['HTTP/1.1 401', 'HTTP/1.1 401', 'HTTP/1.1 429', 'HTTP/1.1 429'])
  // In the front, and once more behind it, where the reason is given.
  expect(begun).toHaveBeenCalledTimes(4)
})

test.each([
  ['that is opened', 'types=stats_update', undefined, 200],
  ['that is looked at for a policy first', 'types=stats_update', async () => undefined, 200],
  ['for which there is no room', 'types=full', undefined, 429],
  ['with an unknown parameter', 'colour=red', undefined, 400],
])('a stream %s takes one call of its rate limits', async (_what, query, shown, status) => {
  const limits = limitsOf(2, 5)
  const { open } = await door({ limits, ...(shown && { shown }) })
  const socket = await open()
  socket.write(head(`${path}?${query}`, token))
  const answer = await readTo(socket, status === 200 ? 'hello' : '}')
  expect(answer).toContain(`HTTP/1.1 ${status} `)
  expect(limits.checkPrincipal(admin, '127.0.0.1', undefined).ratelimit).toMatch('r=3;')
  expect(limits.mayRequest('127.0.0.1')).toBe(true)
  limits.checkAddress('127.0.0.1')
  expect(limits.mayRequest('127.0.0.1')).toBe(false)
})

test('a caller whose limit is used up is told so, and opens nothing', async () => {
  const limits = limitsOf(9, 1)
  const { open, opened } = await door({ limits })
  const ask = async (end: string) => {
    const socket = await open()
    socket.write(head(path, token))
    return readTo(socket, end)
  }
  expect(await ask('hello')).toContain('HTTP/1.1 200 ')
  expect(await ask('}')).toContain('HTTP/1.1 429 ')
  expect(opened).toHaveLength(1)
})

test('the address that a trusted proxy passes on counts, and that of a stranger does not', async () => {
  for (const [trusted, address] of [
    [['127.0.0.1'], '203.0.113.9'],
    [[], '127.0.0.1'],
  ] as const) {
    const { open, opened, behind } = await door({ trustedProxies: [...trusted] })
    for (const version of ['1.1', '1.0']) {
      const socket = await open()
      socket.write(head(path, token, 'X-Forwarded-For: 203.0.113.9').replace('HTTP/1.1', `HTTP/${version}`))
      expect(await readTo(socket, 'hello\n\n')).toContain('connection: close')
    }
    expect(opened.map(({ caller }) => caller.address)).toEqual([address, address])
    // Each of them would cost three times as much there, and most servers are behind a proxy.
    expect(behind).not.toHaveBeenCalled()
  }
})

test('what is sent behind the head is not answered, and too much of it ends the stream', async () => {
  const { open, opened } = await door()
  const socket = await open()
  socket.write(head(path, token))
  await readTo(socket, 'hello\n\n')
  socket.write(head(path, token))
  const other = await open()
  other.write(head(path, token))
  await readTo(other, 'hello\n\n')
  expect(socket.readyState).toBe('open')
  expect(opened).toHaveLength(2)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume().on('error', () => undefined)
  socket.write(' '.repeat(80 * 1024))
  await closed
})

test('a large body and the next request on the same connection reach the server behind', async () => {
  const { port } = await door()
  const body = JSON.stringify({
    email: 'a@b.example',
    imap: { host: 'b.example', port: 993, tls: 'implicit', user: 'a', password: 'p'.repeat(900) },
    name: 'n'.repeat(90),
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  for (let turn = 0; turn < 3; turn++) {
    const headers = { authorization: 'Bearer admin', 'content-type': 'application/json' }
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/api/dashboard/accounts', headers, agent })
    sent.end(body)
    const [answer] = await once(sent, 'response')
    expect([answer.statusCode, await text(answer)]).toEqual([403, expect.stringContaining('characters came')])
  }
})

test('of connections whose first bytes come at once, fifty are read in a turn of the event loop; the others follow in order', async () => {
  const { http, open, opened, behind } = await door()
  const clients: Socket[] = []
  const owns: Socket[] = []
  for (let number = 0; number < 120; number++) {
    const accepted = once(http.fastify.server, 'connection')
    clients.push(await open())
    const [own] = (await accepted) as [Socket]
    owns.push(own)
  }
  // As one poll of the sockets delivers them. Of those that wait, one has a wrong token, and one is closed.
  for (const [number, own] of owns.entries()) {
    const proof = number === 60 ? 'Authorization: Bearer wrong' : token
    own.emit('data', Buffer.from(head(path, proof, `Last-Event-ID: ${number}`)))
  }
  expect(opened).toHaveLength(50)
  owns[70]?.destroy()
  await new Promise(setImmediate)
  expect(opened).toHaveLength(98)
  await expect.poll(() => opened.length).toBe(118)
  const others = Array.from({ length: 120 }, (_, number) => String(number)).filter(id => id !== '60' && id !== '70')
  expect(opened.map(({ lastEventId }) => lastEventId)).toEqual(others)
  expect(await readTo(clients[60]!, '}')).toContain('HTTP/1.1 401 ')
  expect(behind).toHaveBeenCalledTimes(1)
})

test('a connection that says nothing holds up no stop', async () => {
  const { http, open } = await door()
  const socket = await open()
  const closed = once(socket, 'close')
  socket.resume()
  await expect.poll(() => new Promise(resolve => http.fastify.server.getConnections((_, n) => resolve(n)))).toBe(1)
  http.front.stop()
  await Promise.all([closed, http.fastify.close()])
})

test('while the server drains, the front refuses nothing and opens nothing by itself', async () => {
  const { http, open, opened } = await door()
  http.isDraining = true
  const socket = await open()
  socket.write(head(path, token))
  expect(await readTo(socket, '}')).toContain('HTTP/1.1 503 ')
  expect(opened).toHaveLength(0)
})
