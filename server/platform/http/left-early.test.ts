/** A handler that is called after its client has left is told so, however it listens. */
import { readFileSync } from 'node:fs'
import { constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { handleFetch } from './http-fetch.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const listAccounts = api.accounts.listAccounts.path

async function door(tls?: TlsFiles) {
  const known = Promise.withResolvers<Principal>()
  const asked = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  const told: string[] = []
  const http = createHttpServer({
    logger: createLogger('silent'),
    tls,
    authenticate: ({ token }) => {
      if (token !== 'slow') return someone
      asked.resolve()
      return known.promise
    },
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
  })
  const operation = { name: 'web', scope: 'signed_in', effect: 'read' } as const
  handleFetch(http, '/web', operation, 1024, async ({ request: { signal }, onClosed, beStream }) => {
    told.push(`called ${signal.aborted}`)
    beStream()
    onClosed(() => told.push('closed'))
    return new Response('')
  })
  // Its answer comes first on its connection, and never ends.
  handleFetch(http, '/first', operation, 1024, async () => {
    await first.promise
    return new Response('')
  })
  handle(http, api.accounts.listAccounts, ({ signal }) => {
    told.push(`called ${signal.aborted}`)
    return { items: [], next_cursor: null }
  })
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const bound = http.fastify.server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  const left = new Promise<void>(resolve => {
    http.fastify.server.once('connection', (socket: Socket) => socket.once('close', () => resolve()))
  })
  onTestFinished(async () => {
    first.resolve()
    known.resolve(someone)
    if (!tls) http.fastify.server.closeAllConnections()
    const closed = http.fastify.close()
    http.tlsConnections?.cut()
    await closed
  })
  /** The client leaves once the slow caller is being looked up; then the look-up ends. */
  const leave = async (disconnect: () => void, hasLeft: Promise<unknown> = left) => {
    await asked.promise
    disconnect()
    await hasLeft
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    known.resolve(someone)
    await expect.poll(() => told.length, { interval: 1 }).toBeGreaterThan(0)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    return told
  }
  return { http, port, leave }
}

const ask = (path: string, token: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`

test.each([
  ['by itself', ask('/web', 'slow'), ['called true', 'closed']],
  ['behind another answer', ask('/first', 'quick') + ask('/web', 'slow'), ['called true', 'closed']],
  ['by its signal', ask(listAccounts, 'slow'), ['called true']],
  ['by its signal, behind another answer', ask('/first', 'quick') + ask(listAccounts, 'slow'), ['called true']],
])('over HTTP/1.1, %s', async (_way, words, expected) => {
  const { port, leave } = await door()
  const socket = connect(port, '127.0.0.1', () => socket.write(words))
  expect(await leave(() => socket.destroy())).toEqual(expected)
})

test('over HTTP/2, and a connection whose stream was reset before that counts as before', async () => {
  const { certFile, keyFile } = selfSigned()
  const cert = readFileSync(certFile)
  const { http, port, leave } = await door({ cert, key: readFileSync(keyFile) })
  const reset = new Promise<void>(resolve => {
    http.fastify.server.once('stream' as never, ((stream: Duplex) => stream.once('close', resolve)) as never)
  })
  const session = await openSession(`https://127.0.0.1:${port}`, cert, {})
  const stream = session.request({ ':path': '/web', authorization: 'Bearer slow' })
  stream.on('error', () => undefined)
  expect(await leave(() => stream.close(constants.NGHTTP2_CANCEL), reset)).toEqual(['called true', 'closed'])
  expect(http.connectionLimits.size).toBe(1)
  session.destroy()
})
