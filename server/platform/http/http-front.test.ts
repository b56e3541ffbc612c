/** The front: the same stream by either way, the same gate, and everything else is left to the server behind. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../../contract/index.ts'
import { createLogger } from '../logger.ts'
import { type Caller, everyScope, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import type { RequestOutcome } from './http-outcome.ts'
import { createHttpServer, handle, handleStream } from './http-server.ts'

const admin: Principal = {
  id: 'admin',
  name: 'Admin',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}
const slow: Principal = { ...admin, id: 'slow' }

async function door(trustedProxies: string[] = []) {
  const outcomes: RequestOutcome[] = []
  const opened: { query: object; caller: Caller; lastEventId: string | undefined }[] = []
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token, sessionCookie }) => {
      if (token === 'slow') return Promise.resolve(slow)
      return token === 'admin' || sessionCookie === 'admin' ? admin : undefined
    },
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies,
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
  return { http, port, open, outcomes, opened }
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

test('the address that a trusted proxy passes on counts, and that of a stranger does not', async () => {
  for (const [trusted, address] of [
    [['127.0.0.1'], '203.0.113.9'],
    [[], '127.0.0.1'],
  ] as const) {
    const { http, open, opened } = await door([...trusted])
    const behind = vi.fn()
    http.fastify.server.on('request', behind)
    for (const version of ['1.1', '1.0']) {
      const socket = await open()
      socket.write(head(path, token, 'X-Forwarded-For: 203.0.113.9').replace('HTTP/1.1', `HTTP/${version}`))
      expect(await readTo(socket, 'hello\n\n')).toContain('connection: close')
    }
    expect(opened.map(({ caller }) => caller.address)).toEqual([address, address])
    // Each of them would cost three times as much there, and behind a proxy is where most are.
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
