/** The signal of a call: one for all who ask, and it says when the client is gone, also to those who ask late. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { handleRaw } from './http-raw.ts'
import { createHttpServer } from './http-setup.ts'

test('a second call gets the same signal, which aborts with the client, and one after the client is gone gets an aborted one', async () => {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  const asked = Promise.withResolvers<AbortSignal[]>()
  const again = Promise.withResolvers<boolean>()
  const reached = Promise.withResolvers<void>()
  const late = Promise.withResolvers<boolean>()
  handleRaw(http, { path: '/wait' }, { name: 'wait', scope: 'public', effect: 'read' }, async (call, reply) => {
    const signals = [call.signal, call.signal]
    asked.resolve(signals)
    await once(signals[0]!, 'abort')
    again.resolve(call.signal.aborted)
    return reply.send('')
  })
  handleRaw(http, { path: '/late' }, { name: 'late', scope: 'public', effect: 'read' }, async (call, reply) => {
    reached.resolve()
    await once(reply.raw, 'close')
    late.resolve(call.signal.aborted)
    return reply.send('')
  })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    http.front.stop()
    await http.fastify.close()
  })
  const { port } = http.fastify.server.address() as AddressInfo
  const visit = (path: string) => {
    const socket = connect(port, '127.0.0.1')
    // Before the server is closed, which waits for it.
    onTestFinished(() => void socket.destroy())
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    return socket
  }
  const socket = visit('/wait')
  const [one, other] = await asked.promise
  // Compared by identity: a diff of their content takes long to print.
  expect(one === other).toBe(true)
  expect(one!.aborted).toBe(false)
  socket.destroy()
  expect(await again.promise).toBe(true)
  const leaving = visit('/late')
  await reached.promise
  leaving.destroy()
  expect(await late.promise).toBe(true)
})

test('what ends because its client left is no bug', async () => {
  const lines: string[] = []
  const http = createHttpServer({
    logger: createLogger('info', { write: line => void lines.push(line) }),
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  const reached = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  handleRaw(http, { path: '/asks' }, { name: 'asks', scope: 'public', effect: 'read' }, async call => {
    const { signal } = call
    reached.resolve()
    await once(signal, 'abort')
    throw signal.reason
  })
  http.fastify.addHook('onError', async () => answered.resolve())
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    http.front.stop()
    await http.fastify.close()
  })
  const { port } = http.fastify.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /asks HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await reached.promise
  socket.destroy()
  await answered.promise
  await new Promise(resolve => setImmediate(resolve))
  expect(lines.join('')).not.toContain('a bug')
})

test('over HTTP/2 the signal aborts with the client as well, also if requested late, which is not logged as a bug; after a complete response it does not', async () => {
  const { certFile, keyFile } = selfSigned()
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const lines: string[] = []
  const http = createHttpServer({
    logger: createLogger('info', { write: line => void lines.push(line) }),
    tls,
    authenticate: () => undefined,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: true },
    trustedProxies: [],
  })
  const open = { scope: 'public', effect: 'read' } as const
  const [reached, reachedLate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const late = Promise.withResolvers<boolean>()
  const broken = Promise.withResolvers<void>()
  const [answered, whole] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()]
  handleRaw(http, { path: '/asks' }, { name: 'asks', ...open }, async call => {
    const { signal } = call
    reached.resolve()
    await once(signal, 'abort')
    throw signal.reason
  })
  handleRaw(http, { path: '/late' }, { name: 'late', ...open }, async (call, reply) => {
    reachedLate.resolve()
    await once(reply.raw, 'close')
    late.resolve(call.signal.aborted)
    return reply.send('')
  })
  handleRaw(http, { path: '/body' }, { name: 'body', ...open }, async ({ signal }, reply) => {
    const body = new Readable({ read: () => undefined })
    body.push('the first half')
    signal.addEventListener('abort', () => body.destroy(signal.reason))
    body.once('close', broken.resolve)
    return reply.send(body)
  })
  handleRaw(http, { path: '/whole' }, { name: 'whole', ...open }, async (call, reply) => {
    const { signal } = call
    reply.raw.once('close', () => whole.resolve(signal.aborted))
    return reply.send('all')
  })
  http.fastify.addHook('onError', async () => answered.resolve())
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    http.front.stop()
    const closed = http.fastify.close()
    http.tlsConnections?.cut()
    await closed
  })
  const { port } = http.fastify.server.address() as AddressInfo
  const session = await openSession(`https://127.0.0.1:${port}`, tls.cert, {})
  const visit = (path: string) => session.request({ ':path': path }).on('error', () => undefined)
  visit('/whole').resume()
  expect(await whole.promise).toBe(false)
  const asking = visit('/asks')
  await reached.promise
  asking.close(constants.NGHTTP2_CANCEL)
  await answered.promise
  const reading = visit('/body')
  await once(reading, 'data')
  reading.close(constants.NGHTTP2_CANCEL)
  await broken.promise
  await new Promise(resolve => setImmediate(resolve))
  expect(lines.join('')).not.toContain('a bug')
  const leaving = visit('/late')
  await reachedLate.promise
  leaving.close(constants.NGHTTP2_CANCEL)
  expect(await late.promise).toBe(true)
})
