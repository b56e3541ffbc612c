/** Event streams over TLS: over HTTP/2 each is a stream among many, over HTTP/1.1 a connection; the rules for slow readers hold for both. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, type ServerHttp2Session, type Settings } from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { readOver2, requestOver2, selfSigned } from '../../test/support/tls.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { eventRoutes } from './event-routes.ts'

const path = api.events.streamEvents.path
const asAdmin = { authorization: 'Bearer admin' }
/** More than a stream may fall behind. */
const many = 8_000

async function door() {
  const { hub, log } = await startHub(undefined, { heldInMemory: 20_000 })
  const outcomes: RequestOutcome[] = []
  const { certFile, keyFile } = selfSigned()
  const cert = readFileSync(certFile)
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? admin : undefined),
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: [], isHttps: true },
    trustedProxies: [],
    tls: { cert, key: readFileSync(keyFile) },
  })
  const observer = { clientId: 'c1', sent: () => undefined, dropped: () => undefined, closed: () => undefined }
  eventRoutes(http, { hub, openObserver: () => observer })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { port } = http.fastify.server.address() as AddressInfo
  onTestFinished(async () => {
    const closed = http.fastify.close()
    http.tlsConnections?.cut()
    await closed
  })
  const openSession = async (at = port, settings: Settings = {}): Promise<ClientHttp2Session> => {
    const session = connect(`https://127.0.0.1:${at}`, { ca: cert, settings })
    onTestFinished(() => session.destroy())
    session.on('error', () => undefined)
    await once(session, 'connect')
    return session
  }
  const publish = async (count: number) => {
    const newest = log.newest + count
    for (let uid = 1; uid <= count; uid++) hub.publish(mail(uid))
    await expect.poll(() => log.newest).toBe(newest)
  }
  return { hub, http, port, cert, openSession, outcomes, publish }
}

function mail(uid: number): Fact {
  const at = new Date().toISOString()
  return {
    type: 'mail_received',
    data: { account_id: 'a', folder: 'INBOX'.padEnd(100, 'X'), uid, uid_validity: 1, at },
  }
}

test('a reader that takes nothing over HTTP/2 is cut, and one beside it on the same connection gets everything', async () => {
  const { hub, openSession, publish } = await door()
  const session = await openSession()
  const [slow, quick] = [readOver2(session, path, asAdmin), readOver2(session, path, asAdmin)]
  for (const { text } of [slow, quick]) await expect.poll(text).toContain('event: welcome')
  slow.stream.pause()
  const received = () => quick.text().match(/event: mail_received/g)?.length
  for (let sent = 0; sent < many; ) {
    sent += 500
    await publish(500)
    await expect.poll(received).toBe(sent)
  }
  expect(hub.healthFor(admin).slow_consumers).toBe(1)
  expect(hub.streamCount).toBe(1)
  slow.stream.resume()
  await slow.ended
  expect(slow.stream.rstCode).toBe(8)
  quick.stream.close(8)
  await expect.poll(() => hub.streamCount).toBe(0)
})

test('a reader that takes nothing over HTTP/1.1 with TLS is cut as well', async () => {
  const { hub, port, cert, publish } = await door()
  const socket = connectTls({ port, host: '127.0.0.1', ca: cert, ALPNProtocols: ['http/1.1'] })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n`)
  const [first] = await once(socket, 'data')
  expect(String(first)).toContain('connection: close')
  socket.pause()
  // The kernel buffers some megabytes before it reports back-pressure.
  for (let round = 0; round < 10 && hub.streamCount > 0; round++) await publish(many)
  await expect.poll(() => hub.streamCount).toBe(0)
  expect(hub.healthFor(admin).slow_consumers).toBe(1)
})

/** Relays bytes until it is told to stop reading, like a network whose other end has died. */
async function startPipe(to: number) {
  const stops: (() => void)[] = []
  const server = createServer(client => {
    const upstream = connectTcp(to, '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
    client.pipe(upstream).pipe(client)
    stops.push(() => upstream.unpipe(client).pause())
    onTestFinished(() => void [client, upstream].map(socket => socket.destroy()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const stopReading = () => {
    for (const stop of stops) stop()
  }
  return { port: (server.address() as AddressInfo).port, stopReading }
}

test('a connection over HTTP/2 on which nothing moves any more is cut in the end, with what waits for it', async () => {
  const { hub, http, port, openSession, publish } = await door()
  const pipe = await startPipe(port)
  const sessions = once(http.fastify.server, 'session') as Promise<[ServerHttp2Session]>
  const session = await openSession(pipe.port, { initialWindowSize: 2 ** 31 - 1 })
  session.setLocalWindowSize(2 ** 30)
  const { text } = readOver2(session, path, asAdmin)
  await expect.poll(text).toContain('event: welcome')
  const [accepted] = await sessions
  pipe.stopReading()
  for (let round = 0; round < 20 && hub.streamCount > 0; round++) await publish(many)
  await expect.poll(() => hub.streamCount).toBe(0)
  expect(hub.healthFor(admin).slow_consumers).toBe(1)

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  // Node's own timer, after 72 s.
  accepted.emit('timeout')
  vi.advanceTimersByTime(10_000)
  vi.useRealTimers()
  const connections = () =>
    new Promise(resolve => http.fastify.server.getConnections((_error, count) => resolve(count)))
  await expect.poll(connections).toBe(0)
})

test('a client that disconnects frees all streams of the connection, and each was recorded when it was opened', async () => {
  const { hub, http, openSession, outcomes } = await door()
  const session = await openSession()
  const readers = Array.from({ length: 5 }, () => readOver2(session, path, asAdmin))
  for (const { text } of readers) await expect.poll(text).toContain('event: welcome')
  expect(outcomes).toHaveLength(5)
  expect(outcomes[0]).toMatchObject({ operation: 'events.streamEvents', status: 200, code: 'ok', address: '127.0.0.1' })
  const idle = http.whenIdle()
  session.destroy()
  await expect.poll(() => hub.streamCount).toBe(0)
  await idle
  expect(outcomes).toHaveLength(5)
})

test('HEAD and a refusal are answered over HTTP/2 as over HTTP/1.1', async () => {
  const { openSession } = await door()
  const session = await openSession()
  const head = await requestOver2(session, path, { method: 'HEAD', headers: asAdmin })
  expect(head).toMatchObject({ status: 200, text: '' })
  expect(head.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect((await requestOver2(session, path)).status).toBe(401)
})

test('a body that never ends does not hold its stream forever', async () => {
  const { openSession, http } = await door()
  const session = await openSession()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const began = new Promise(resolve => http.fastify.server.once('stream' as never, resolve as never))
  const asked = session.request({ ':path': '/api/dashboard/session', ':method': 'POST' })
  asked.on('error', () => undefined)
  asked.write('{')
  await began
  const closed = once(asked, 'close')
  vi.advanceTimersByTime(60_000)
  await closed
  expect(asked.rstCode).toBe(8)
})
