/** Requests behind one another on one connection: each is answered in its turn, or an answer before it says that it was the last. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../../contract/index.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { handleFetch } from './http-fetch.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const admin: Principal = { id: 'a', name: 'A', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer admin' }
const events = headOf('GET', api.events.streamEvents.path, proof)
const folders = headOf('GET', '/api/v1/accounts/a1/folders', proof)
const nothing = headOf('GET', '/api/nothing', proof)
const removal = headOf('DELETE', '/api/dashboard/clients/c1', { ...proof, 'content-length': 0 })

function certificate() {
  const { certFile, keyFile } = selfSigned()
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

async function door({ isTls = false, proxies = [] as string[] } = {}) {
  const known: { now: Principal | undefined } = { now: admin }
  const done: string[] = []
  const slow = Promise.withResolvers<void>()
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? known.now : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: isTls },
    trustedProxies: proxies,
    ...(isTls ? { tls: certificate() } : {}),
  })
  handleStream(http, api.events.streamEvents, { 'content-type': 'text/event-stream' }, ({ takeSocket }) => {
    const socket = takeSocket()
    done.push('stream')
    socket.write(': hello\n\n')
    socket.uncork()
  })
  handle(http, api.mail.listFolders, async () => {
    done.push('folders')
    return {
      items: [],
      next_cursor: null,
      omitted: 0,
      counts: { state: 'not_asked' as const, pending: 0, as_of: null },
      source: 'mail_server' as const,
      as_of: '2026-11-28T12:00:00.000Z',
    }
  })
  handle(http, api.mail.listMessages, async () => {
    await slow.promise
    done.push('messages')
    const said = { source: 'mail_server' as const, as_of: '2026-11-28T12:00:00.000Z' }
    return { items: [], next_cursor: null, total: 0, ...said }
  })
  handle(http, api.clients.disconnectClient, () => void done.push('removed'))
  const web = { name: 'web', scope: 'signed_in', effect: 'read' } as const
  handleFetch(
    http,
    '/web',
    web,
    1024,
    async () => new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } }),
  )
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { server } = http.fastify
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', socket => sockets.add(socket))
  onTestFinished(async () => {
    http.front.stop()
    for (const socket of sockets) socket.destroy()
    await http.fastify.close()
  })
  const { port } = server.address() as AddressInfo
  return { http, known, done, slow, port, url: `http://127.0.0.1:${port}` }
}

const messages = headOf('GET', '/api/v1/accounts/a1/messages?folder=INBOX', proof)
const untilHello = (text: () => string) => expect.poll(text).toContain(': hello\n\n')
const statusesIn = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))

test.each<[string, string[], number[]]>([
  ['one answer', [folders, events], [200, 200]],
  ['two answers', [folders, folders, events], [200, 200, 200]],
  ['a refusal', [nothing, events], [404, 200]],
  ['HEAD', [headOf('HEAD', api.events.streamEvents.path, proof), events], [200, 200]],
  ['what changes something', [removal, events], [204, 200]],
  [
    'a body',
    [headOf('POST', '/web', { ...proof, 'content-type': 'application/json', 'content-length': 2 }), '{}', events],
    [200, 200],
  ],
  ['a stream of MCP that ends', [headOf('GET', '/web', proof), events], [200, 200]],
  [
    'a stream that is refused',
    [headOf('GET', `${api.events.streamEvents.path}?colour=red`, proof), events],
    [400, 200],
  ],
])('a stream that was asked for behind %s in one write is opened in its turn', async (_what, bytes, statuses) => {
  const { url } = await door()
  const connection = await openRaw(url, bytes.join(''))
  await untilHello(connection.text)
  expect(statusesIn(connection.text())).toEqual(statuses)
  expect(connection.text().split('\r\n\r\n').at(-1)).toBe(': hello\n\n')
})

test('behind a proxy, and over TLS, a stream waits for its turn as well', async () => {
  const behind = await door({ proxies: ['127.0.0.1'] })
  const from = { ...proof, 'x-forwarded-for': '203.0.113.9' }
  const paths = ['/api/v1/accounts/a1/folders', api.events.streamEvents.path]
  const connection = await openRaw(behind.url, paths.map(path => headOf('GET', path, from)).join(''))
  await untilHello(connection.text)
  expect(statusesIn(connection.text())).toEqual([200, 200])

  const { port } = await door({ isTls: true })
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  await once(socket, 'secureConnect')
  socket.write(folders + events)
  await untilHello(() => text)
  expect(statusesIn(text)).toEqual([200, 200])
})

test.each([false, true])(
  'a stream waits for an answer that is slow, and is opened for its caller as they are by then (revoked: %s)',
  async isRevoked => {
    const { url, done, slow, known } = await door()
    const connection = await openRaw(url, messages + events)
    expect(await (await openRaw(url, folders)).statuses(1)).toEqual([200])
    expect(done).toEqual(['folders'])
    const now = performance.now.bind(performance)
    // Longer than a connection may go without a new request.
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_000)
    onTestFinished(() => later.mockRestore())
    known.now = isRevoked ? undefined : admin
    slow.resolve()
    expect(await connection.statuses(2)).toEqual(isRevoked ? [401, 401] : [200, 200])
    expect(done.includes('stream')).toBe(!isRevoked)
  },
)

test('what is asked for behind a stream is neither answered nor done, and the stream goes on', async () => {
  const { url, done, http } = await door()
  for (const bytes of [events + removal, folders + events + removal + events, events + events + removal]) {
    const connection = await openRaw(url, bytes)
    await untilHello(connection.text)
    connection.socket.write(removal)
    // Another connection is served, so earlier data has been read by then.
    expect(await (await openRaw(url, folders)).statuses(1)).toEqual([200])
    expect(connection.text().match(/: hello/g)).toHaveLength(1)
    expect(connection.text()).toMatch(/connection: close\r\n/)
    expect(connection.socket.readyState).toBe('open')
  }
  expect(done.filter(each => each === 'removed')).toEqual([])
  expect(http.connectionLimits.size).toBeLessThanOrEqual(3)
})

test('a stream whose client goes on sending is closed', async () => {
  const { url } = await door()
  for (const bytes of [events, folders + events]) {
    const connection = await openRaw(url, bytes)
    await untilHello(connection.text)
    connection.socket.write(' '.repeat(80 * 1024))
    await connection.ended()
  }
})

test('what is no request is answered behind the answers before it, and is the last', async () => {
  const { url, slow } = await door()
  const connection = await openRaw(url, `${messages}${folders}NO SUCH THING\r\n\r\n${folders}`)
  expect(await (await openRaw(url, folders)).statuses(1)).toEqual([200])
  expect(connection.text()).toBe('')
  slow.resolve()
  const { text, isEnded } = await connection.ended()
  expect(statusesIn(text)).toEqual([200, 200, 400])
  expect(isEnded).toBe(true)
  expect(text).toMatch(/Connection: close\r\n\r\n\{"type":"\/problems\/bad_request"/)
})

test('a body that cannot be read is answered once, behind the answers before it', async () => {
  const { url } = await door()
  const chunked = { ...proof, 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
  const connection = await openRaw(url, `${folders}${headOf('POST', '/web', chunked)}zz\r\n`)
  const { text, isEnded } = await connection.ended()
  expect(statusesIn(text)).toEqual([200, 400])
  expect(isEnded).toBe(true)
  expect(text).toContain('"code":"bad_request"')
})

test.each([
  ['a stream last', messages + folders + events, ['folders']],
  ['behind a stream', messages + events + folders, []],
])(
  'answers that wait for their turn when the client goes away are not waited for: %s',
  async (_order, asked, first) => {
    const { url, http, slow, done } = await door()
    const came = vi.fn()
    http.fastify.server.on('request', came)
    const connection = await openRaw(url, asked)
    await expect.poll(() => came.mock.calls.length).toBe(3)
    await expect.poll(() => done).toEqual(first)
    connection.socket.destroy()
    await expect.poll(() => http.connectionLimits.size).toBe(0)
    slow.resolve()
    await http.whenIdle()
    expect(done).not.toContain('stream')
  },
)
