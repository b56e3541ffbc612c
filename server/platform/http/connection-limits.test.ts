/** A caller that opens connections, known or not, takes no place of others, and streams are not held up. */

import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { administrator } from '../../../test/support/administrator.ts'
import { openSession, readOver2, requestOver2, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { AddressRanges, parseAddressRange } from '../network/address-range.ts'
import type { Principal } from '../principal.ts'
import { type ConnectionBounds, ConnectionLimits } from './connection-limits.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const admin = administrator('api_key')
/** A user with one session, with this name. */
const person = (name: string): Principal => ({ ...admin, id: name, kind: 'session', userId: name })
const path = '/api/dashboard/events'
const token = 'Authorization: Bearer admin'
const viewer: Principal = { ...admin, id: 'viewer', scopes: new Set() }
const askLive = `GET /health/live HTTP/1.1\r\nHost: x\r\n${token}\r\n\r\n`
const wholeHead = `GET ${path} HTTP/1.1\r\nHost: x\r\n${token}\r\n\r\n`

/** Connects from any address of this machine; closed when the test ends. */
function client(port: number) {
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return async (localAddress: string, bytes = '') => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    sockets.push(socket)
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    if (bytes !== '') socket.write(bytes)
    return socket
  }
}

async function door(tls?: TlsFiles) {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => [admin, viewer].find(({ id }) => id === token),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
    tls,
    connectionBounds: { ofAddress: 500, ofPrincipal: 50, ofAll: 1_000 },
  })
  const streams = { open: 0 }
  handleStream(http, api.events.streamEvents, { 'content-type': 'text/event-stream' }, call => {
    const socket = call.takeSocket()
    streams.open++
    socket.once('close', () => streams.open--)
    socket.write('event: welcome\n\n')
    socket.uncork()
  })
  handle(http, api.system.live, () => ({ status: 'live' as const }))
  handle(http, api.metrics.getStats, () => Promise.reject(new Error('nobody here may see them')))
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { server } = http.fastify
  let came = 0
  server.on('connection', () => came++)
  onTestFinished(async () => {
    http.front.stop()
    http.tlsConnections?.cut()
    if (!tls) server.closeAllConnections()
    await http.fastify.close()
  })
  const { port } = server.address() as AddressInfo
  const open = () => new Promise<number>(resolve => server.getConnections((_error, count) => resolve(count)))
  return { http, port, streams, accepted: () => came, open, from: client(port) }
}

async function askFrom(localAddress: string, port: number) {
  const asked = request({ port, host: '127.0.0.1', localAddress, path: '/health/live', agent: false })
  asked.end()
  const [answer] = await once(asked, 'response')
  return [answer.statusCode, await text(answer)]
}

/** Where thousands of connections are opened and closed. */
/** As many at once as a listen backlog holds; more would retry only after seconds. */
const atOnce = 400

async function many(accepted: () => number, count: number, make: (index: number) => Promise<Socket>) {
  for (let made = 0; made < count; made += atOnce) {
    const length = Math.min(atOnce, count - made)
    const until = accepted() + length
    await Promise.all(Array.from({ length }, (_, index) => make(made + index)))
    await expect.poll(accepted).toBe(until)
  }
}

test('two thousand connections that never end their request leave room for others, and for streams of the same address', async () => {
  const { http, port, streams, accepted, open, from } = await door()
  await many(accepted, 20, () => from('127.0.0.1', wholeHead))
  await expect.poll(() => streams.open).toBe(20)
  const unfinished = [
    '',
    `GET /health/live HTTP/1.1\r\nHost: x\r\n`,
    'POST /api/dashboard/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  ]
  await many(accepted, 2_000, index => from('127.0.0.1', unfinished[index % 3]))
  await expect.poll(open).toBeLessThanOrEqual(520)
  expect(http.connectionLimits.size).toBeGreaterThan(400)
  expect(await askFrom('127.0.0.2', port)).toEqual([200, '{"status":"live"}'])
  await many(accepted, 20, () => from('127.0.0.1', wholeHead))
  await expect.poll(() => streams.open).toBe(40)
})

test('more streams than strangers may have connections are all opened for one address, and none of them counts', async () => {
  const { http, streams, accepted, from } = await door()
  await many(accepted, 1_200, () => from('127.0.0.1', wholeHead))
  await expect.poll(() => streams.open).toBe(1_200)
  expect(http.connectionLimits.size).toBe(0)
  // Those that take Node's path, behind a proxy or for a lookup, are treated alike.
  await many(accepted, 100, () => from('127.0.0.1', wholeHead.replace('Host', 'X-Forwarded-For: 192.0.2.1\r\nHost')))
  await expect.poll(() => streams.open).toBe(1_300)
  expect(http.connectionLimits.size).toBe(0)
})

test('somebody known has so many connections and no more, and their streams are not among them', async () => {
  const { http, streams, accepted, open, from } = await door()
  await many(accepted, 100, () => from('127.0.0.1', wholeHead))
  await expect.poll(() => streams.open).toBe(100)
  const asked = await from('127.0.0.1', askLive)
  await once(asked, 'data')
  const isGone = once(asked, 'close')
  await many(accepted, 200, () => from('127.0.0.1', askLive))
  await isGone
  await expect.poll(open).toBe(150)
  expect(http.connectionLimits.size).toBe(50)
  expect(streams.open).toBe(100)
  // A head that does not end makes no difference.
  await many(accepted, 100, () => from('127.0.0.1', `${askLive}GET / HTTP/1.1\r\nx: `))
  await expect.poll(open).toBe(150)
})

test('connections whose requests are rejected stay within the bound of their address', async () => {
  const { http, accepted, open, from } = await door()
  const stats = (proof: string) => `GET ${api.metrics.getStats.path} HTTP/1.1\r\nHost: x\r\n${proof}\r\n\r\n`
  await many(accepted, 300, index =>
    from('127.0.0.1', stats(`Authorization: Bearer ${index % 2 ? 'viewer' : 'wrong'}`)),
  )
  await expect.poll(open).toBe(300)
  await many(accepted, 300, () => from('127.0.0.1'))
  await expect.poll(() => http.connectionLimits.size).toBe(500)
  await expect.poll(open).toBe(500)
})

test('with TLS too, connections that say nothing are bounded, and one that carries a stream is not among them', async () => {
  const files = selfSigned()
  const [cert, key] = [readFileSync(files.certFile), readFileSync(files.keyFile)]
  const { http, port, streams, accepted, open, from } = await door({ cert, key })
  const session = await openSession(`https://127.0.0.1:${port}`, cert, {})
  readOver2(session, path, { authorization: 'Bearer admin' })
  await expect.poll(() => streams.open).toBe(1)
  await many(accepted, 700, () => from('127.0.0.1'))
  await expect.poll(() => http.connectionLimits.size).toBe(500)
  expect(await open()).toBe(501)
  expect((await requestOver2(session, '/health/live')).status).toBe(200)
  const other = await openSession(`https://127.0.0.1:${port}`, cert, {})
  expect((await requestOver2(other, '/health/live')).status).toBe(200)
  expect(streams.open).toBe(1)
})

async function counting(given: Partial<ConnectionBounds>, trusted: string[] = []) {
  const bounds = { ofAddress: 100, ofPrincipal: 100, ofAll: 100, ...given }
  const lines: object[] = []
  const logger = Object.assign(createLogger('silent'), { warn: (facts: object) => void lines.push(facts) })
  const trustedProxies = new AddressRanges(trusted.flatMap(one => parseAddressRange(one) ?? []))
  const limits = new ConnectionLimits({ trustedProxies, logger, now: () => 1, bounds })
  const accepted: Socket[] = []
  const server = createServer(socket => void accepted.push(socket.on('error', () => undefined)))
  limits.watch(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const from = client(port)
  /** Sequentially, so that the oldest is known. */
  const open = async (address: string, count: number) => {
    const sockets: Socket[] = []
    for (const until = accepted.length + count; accepted.length < until; ) {
      const before = accepted.length
      sockets.push(await from(address))
      await expect.poll(() => accepted.length, { interval: 1 }).toBe(before + 1)
    }
    return sockets
  }
  return { limits, open, accepted, lines, port, server }
}

const isClosed = (socket: Socket) => socket.destroyed
const closedOf = (sockets: Socket[]) =>
  sockets.map((socket, index) => (isClosed(socket) ? index : -1)).filter(at => at >= 0)

test('past the bound of an address its oldest is closed, and one that has just asked is not the oldest', async () => {
  const { limits, open, accepted, lines } = await counting({ ofAddress: 5 })
  const sockets = await open('127.0.0.1', 5)
  limits.admitted(accepted[0]!, undefined)
  sockets.push(...(await open('127.0.0.1', 2)))
  await expect.poll(() => closedOf(sockets)).toEqual([1, 2])
  expect(limits.size).toBe(5)
  // The log line waits until all closures of a moment are counted.
  await expect.poll(() => lines).toEqual([{ last_of: '127.0.0.1', closed: 2, open: 5 }])
})

/** Connects, sends and disconnects, all while this process is busy. */
const crowd = `
const { connect } = require('node:net')
let left = 60
for (let index = 0; index < 60; index++) {
  const socket = connect(Number(process.argv[1]), '127.0.0.1')
  socket.end('hello', () => --left === 0 && process.exit())
}`

test('those who have said who they are before anybody looked are not closed for being many', async () => {
  const { limits, accepted, port, server } = await counting({ ofAddress: 5 })
  let heard = 0
  server.on('connection', (socket: Socket) => {
    socket.once('data', () => {
      heard++
      limits.admitted(socket, person('somebody'))
    })
  })
  execFileSync(process.execPath, ['-e', crowd, String(port)])
  await expect.poll(() => accepted.length).toBe(60)
  await expect.poll(() => heard).toBe(60)
})

test('past the bound of all, the busiest address gives way, whatever address comes', async () => {
  const { limits, open } = await counting({ ofAddress: 8, ofAll: 12 })
  const few = await open('127.0.0.2', 2)
  const busiest = await open('127.0.0.1', 7)
  const second = await open('127.0.0.3', 3)
  const late = await open('127.0.0.4', 3)
  await expect.poll(() => closedOf(busiest)).toEqual([0, 1, 2])
  expect([few, second, late].flatMap(closedOf)).toEqual([])
  expect(limits.size).toBe(12)
})

test('what a trusted proxy brings counts only together with all others', async () => {
  const { limits, open, accepted } = await counting({ ofAddress: 3, ofPrincipal: 3, ofAll: 10 }, ['127.0.0.1'])
  const proxied = await open('127.0.0.1', 9)
  // Many users share each connection, so none of them belongs to one user.
  for (const socket of accepted) limits.admitted(socket, person('somebody'))
  expect(limits.size).toBe(9)
  const direct = await open('127.0.0.2', 3)
  await expect.poll(() => closedOf(proxied)).toEqual([0, 1])
  expect(closedOf(direct)).toEqual([])
  // A connection that became a stream, or has closed, frees a place.
  limits.release(accepted[2]!)
  direct[0]!.destroy()
  await expect.poll(() => limits.size).toBe(8)
})

test('connections of a revoked principal count for their address again', async () => {
  const { limits, open, accepted } = await counting({ ofAddress: 3 })
  const known = await open('127.0.0.1', 3)
  for (const socket of accepted) limits.admitted(socket, person('somebody'))
  const unknown = await open('127.0.0.1', 3)
  const other = await open('127.0.0.1', 1)
  limits.admitted(accepted.at(-1)!, person('somebody else'))
  await expect.poll(() => closedOf(unknown)).toEqual([0])
  limits.revoked('somebody')
  await expect.poll(() => closedOf(unknown)).toEqual([0, 1, 2])
  expect([known, other].flatMap(closedOf)).toEqual([])
  expect(limits.size).toBe(4)
})

test('connections of all sessions and tokens of a person count together, and one that is revoked takes along only its own', async () => {
  const { limits, open, accepted } = await counting({ ofPrincipal: 4 })
  const sockets = await open('127.0.0.1', 6)
  const token = (name: string): Principal => ({ ...person('ann'), kind: 'token', id: name })
  for (const [index, socket] of accepted.entries()) limits.admitted(socket, token(index < 3 ? 'one' : 'other'))
  await expect.poll(() => closedOf(sockets)).toEqual([0, 1])
  limits.revoked('one')
  limits.admitted(accepted[2]!, person('bob'))
  expect(limits.size).toBe(4)
  sockets.push(...(await open('127.0.0.2', 2)))
  for (const socket of accepted.slice(6)) limits.admitted(socket, token('third'))
  await expect.poll(() => closedOf(sockets)).toEqual([0, 1, 3])
})

test('a connection does not count while it carries a stream, and counts again after the last', async () => {
  const { limits, open, accepted } = await counting({ ofPrincipal: 2 })
  const sockets = await open('127.0.0.1', 4)
  const streams = [new EventEmitter(), new EventEmitter()]
  for (const socket of accepted.slice(0, 1)) {
    limits.admitted(socket, person('somebody'))
    for (const stream of streams) limits.carry(socket, stream)
  }
  for (const socket of accepted.slice(1)) limits.admitted(socket, person('somebody'))
  await expect.poll(() => closedOf(sockets)).toEqual([1])
  streams[0]!.emit('close')
  limits.admitted(accepted[0]!, person('somebody'))
  expect(limits.size).toBe(2)
  streams[1]!.emit('close')
  await expect.poll(() => closedOf(sockets)).toEqual([1, 2])
  expect(limits.size).toBe(2)
})
