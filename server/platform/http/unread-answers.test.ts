/** Answers of which a client takes nothing, over HTTP/1.1 and HTTP/2: cut at the bound; what is taken, however slowly, is not. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { handleRaw } from './http-raw.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const authorization = 'Bearer secret'
/** More than all buffers between the two ends hold. */
const much = Buffer.alloc(64 * 1024 * 1024, 'x')

async function door({ tls, unreadMs = 300 }: { tls?: TlsFiles; unreadMs?: number } = {}) {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: () => someone,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
    unreadMs,
    tls,
  })
  const ended = Promise.withResolvers<void>()
  const pieces = async function* () {
    try {
      for (;;) yield much.subarray(0, 1024 * 1024)
    } finally {
      ended.resolve()
    }
  }
  const operation = { name: 'test.read', scope: 'signed_in', effect: 'read' } as const
  handleRaw(http, { path: '/much' }, operation, async (_call, reply) => reply.send(much))
  handleRaw(http, { path: '/pieces' }, operation, async (_call, reply) => reply.send(Readable.from(pieces())))
  // Longer than a client may read nothing: there is nothing to read.
  handleRaw(http, { path: '/late' }, operation, async (_call, reply) => {
    await ended.promise
    return reply.send('late')
  })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  const { port } = http.fastify.server.address() as AddressInfo
  return { http, port, ended: ended.promise }
}

function ask(port: number, ...paths: string[]) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  for (const path of paths) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`)
  }
  return socket
}

test.each(['/much', '/pieces'])('a client that takes nothing of %s is cut', async path => {
  const { http, port, ended } = await door()
  ask(port, path).pause()
  await expect.poll(() => http.connectionLimits.size).toBe(1)
  await expect.poll(() => http.connectionLimits.size).toBe(0)
  await http.whenIdle()
  if (path === '/pieces') await ended
})

test('what waits for its answer has nothing to take, and is not cut', async () => {
  const { port } = await door()
  const waiting = ask(port, '/late')
  ask(port, '/pieces').pause()
  expect(String((await once(waiting, 'data'))[0])).toMatch(/late$/)
})

test('the time counts only while something is there to take', async () => {
  const unreadMs = 3_600_000
  const { http, port } = await door({ unreadMs })
  const opened = once(http.fastify.server, 'connection')
  const socket = ask(port, '/much').pause()
  const [served] = (await opened) as [Socket]
  await expect.poll(() => served.timeout).toBe(unreadMs)
  socket.resume()
  await expect.poll(() => served.timeout).not.toBe(unreadMs)
})

test('over HTTP/2 the stream of which nothing is taken is cut, and others of its connection go on', async () => {
  const files = selfSigned()
  const cert = readFileSync(files.certFile)
  const { port } = await door({ tls: { cert, key: readFileSync(files.keyFile) } })
  const session = await openSession(`https://127.0.0.1:${port}`, cert, { initialWindowSize: 0 })
  const stream = session.request({ ':path': '/much', authorization })
  stream.on('error', () => undefined)
  await once(stream, 'close')
  expect(stream.rstCode).not.toBe(0)
  const none = session.request({ ':path': '/nothing', authorization })
  const [head] = (await once(none, 'response')) as [{ ':status': number }]
  expect(head[':status']).toBe(404)
})
