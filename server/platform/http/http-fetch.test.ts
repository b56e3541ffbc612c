/** Handlers of web standards behind a real socket: what they get to see, and how fast their answers are taken from them. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants } from 'node:http2'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger, type Logger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { TextAnswer } from './answer-text.ts'
import { type FetchAnswer, type FetchCall, handleFetch } from './http-fetch.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer secret' }

interface Serving {
  tls?: TlsFiles
  logger?: Logger
}

async function serve(
  answer: (call: FetchCall) => Promise<FetchAnswer>,
  { tls, logger = createLogger('silent') }: Serving = {},
): Promise<string> {
  const http = createHttpServer({
    logger,
    tls,
    authenticate: ({ token, sessionCookie }) => (token || sessionCookie ? someone : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
  })
  onTestFinished(() => {
    if (!tls) http.fastify.server.closeAllConnections()
    const closed = http.fastify.close()
    http.tlsConnections?.cut()
    return closed
  })
  const query = z.strictObject({ x: z.string().optional() })
  handleFetch(http, '/web', { name: 'web', scope: 'signed_in', effect: 'read' }, 64 * 1024, answer, { query })
  return http.fastify.listen({ port: 0, host: '127.0.0.1' })
}

test('a handler sees the message, and nothing by which somebody could be somebody else', async () => {
  const seen: [string, string, unknown, string[]][] = []
  const url = await serve(async ({ request, body }) => {
    seen.push([request.method, request.url, body, [...request.headers.keys()]])
    return Response.json({ a: 1 }, { status: 202, headers: { 'x-own': 'yes', connection: 'close' } })
  })
  const headers = { ...proof, 'x-api-key': 'k', cookie: 'a=b', 'mcp-name': 'n', 'content-type': 'application/json' }
  const answer = await fetch(`${url}/web?x=y`, { method: 'POST', headers, body: '{"b":2}' })
  expect([
    answer.status,
    answer.headers.get('x-own'),
    answer.headers.get('cache-control'),
    await answer.json(),
  ]).toEqual([202, 'yes', 'no-store', { a: 1 }])
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'")
  const [[method, address, body, names] = []] = seen
  expect([method, address, body]).toEqual(['POST', 'http://rustymail.invalid/web?x=y', { b: 2 }])
  expect(names).toContain('mcp-name')
  expect(names?.filter(name => /auth|key|cookie|content-length/.test(name))).toEqual([])
  expect((await fetch(`${url}/web`, { method: 'POST' })).status).toBe(401)
  expect((await fetch(`${url}/web`, { method: 'DELETE', headers: proof })).status).toBe(202)
})

test('an answer that is there as text goes out whole, and says how long it is', async () => {
  const url = await serve(async () => new TextAnswer('{"a":"é"}', { status: 202, headers: { 'x-own': 'yes' } }))
  const answer = await fetch(`${url}/web`, { method: 'POST', headers: proof })
  const { status, headers } = answer
  expect([status, headers.get('x-own'), headers.get('cache-control')]).toEqual([202, 'yes', 'no-store'])
  expect([headers.get('content-length'), await answer.text()]).toEqual(['10', '{"a":"é"}'])
})

test('an answer is asked for no faster than the client reads it, and ends with its client', async () => {
  const piece = new Uint8Array(64 * 1024)
  let pulled = 0
  const cancelled = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const url = await serve(async ({ request, onClosed }) => {
    onClosed(() => closed.resolve())
    request.signal.addEventListener('abort', () => cancelled.resolve())
    const pull = (stream: ReadableStreamDefaultController) => {
      pulled++
      stream.enqueue(piece)
    }
    return new Response(new ReadableStream({ pull, cancel: () => cancelled.resolve() }))
  })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write(
    `POST /web HTTP/1.1\r\nhost: ${hostname}\r\n${Object.entries(proof).map(line => line.join(': '))}\r\ncontent-length: 0\r\n\r\n`,
  )
  await expect.poll(() => pulled).toBeGreaterThan(1)
  let before = 0
  const isStill = () => {
    const [now, last] = [pulled, before]
    before = pulled
    return now === last
  }
  await expect.poll(isStill, { interval: 200 }).toBe(true)
  // What both kernels buffer for a connection, and no more.
  expect(pulled * piece.length).toBeLessThan(64 * 1024 * 1024)
  socket.destroy()
  await Promise.all([cancelled.promise, closed.promise])
})

/** Over TLS, by HTTP/1.1 or HTTP/2. @returns The client's paused end, and how it ends once everything is read. */
async function openOver(version: string, url: string, ca: Buffer) {
  const over = Promise.withResolvers<'whole' | 'cut'>()
  if (version === 'HTTP/2') {
    const stream = (await openSession(url, ca, {})).request({ ':path': '/web', ...proof })
    stream.on('error', () => undefined)
    stream.once('close', () => over.resolve(stream.rstCode === constants.NGHTTP2_NO_ERROR ? 'whole' : 'cut'))
    stream.end()
    const ends = () => {
      stream.resume()
      return over.promise
    }
    return { out: stream as Duplex, ends }
  }
  const { hostname, port } = new URL(url)
  const socket = connectTls({ host: hostname, port: Number(port), ca, servername: 'localhost' })
  onTestFinished(() => void socket.destroy())
  let last = ''
  socket.on('error', () => undefined)
  socket.once('close', () => over.resolve(last === '\r\n0\r\n\r\n' ? 'whole' : 'cut'))
  await once(socket, 'secureConnect')
  const headers = `host: localhost\r\nauthorization: ${proof.authorization}\r\nconnection: close`
  socket.write(`GET /web HTTP/1.1\r\n${headers}\r\n\r\n`)
  const ends = () => {
    socket.on('data', bytes => {
      last = (last + bytes.toString('latin1')).slice(-7)
    })
    return over.promise
  }
  return { out: socket as Duplex, ends }
}

const versions = ['HTTP/1.1', 'HTTP/2']

function overTls(answer: (call: FetchCall) => Promise<FetchAnswer>, more: Serving = {}) {
  const { certFile, keyFile } = selfSigned()
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  return serve(answer, { tls, ...more }).then(url => ({ url, ca: tls.cert }))
}

test.each(versions)(
  'over %s an answer that breaks in the middle does not look whole, and one that ends does',
  async version => {
    let isBroken = true
    const { url, ca } = await overTls(async () => {
      const pieces = [new Uint8Array(10)]
      const pull = (stream: ReadableStreamDefaultController) => {
        const piece = pieces.pop()
        if (piece) stream.enqueue(piece)
        else if (isBroken) stream.error(new Error('broken'))
        else stream.close()
      }
      return new Response(new ReadableStream({ pull }))
    })
    for (const [broken, expected] of [
      [true, 'cut'],
      [false, 'whole'],
    ] as const) {
      isBroken = broken
      expect(await (await openOver(version, url, ca)).ends()).toBe(expected)
    }
  },
)

test.each(versions)(
  'over %s a client that takes nothing is cut after 30 s, and that is said; one that takes a little goes on',
  async version => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const piece = new Uint8Array(64 * 1024)
    const lines: string[] = []
    const logger = createLogger('info', { write: line => void lines.push(line) })
    let [open, pulled] = [0, 0]
    const answer = async ({ onClosed }: FetchCall) => {
      open++
      onClosed(() => void open--)
      const pull = (stream: ReadableStreamDefaultController) => {
        pulled++
        stream.enqueue(piece)
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
    }
    const { url, ca } = await overTls(answer, { logger })
    const { out, ends } = await openOver(version, url, ca)
    let before = -1
    const isStill = () => {
      const [now, last] = [pulled, before]
      before = now
      return now === last && vi.getTimerCount() > 0
    }
    /** It waits for its client, whose buffers are full. */
    const waits = () => expect.poll(isStill, { interval: 200 }).toBe(true)
    await waits()
    // Longer than a request's body may take: this one has none.
    for (let turn = 0; turn < 4; turn++) {
      vi.advanceTimersByTime(20_000)
      const sent = pulled
      const takeSome = () => {
        out.read()
        return pulled
      }
      await expect.poll(takeSome, { interval: 1 }).toBeGreaterThan(sent)
      await waits()
    }
    expect([open, lines.join('')]).toEqual([1, ''])
    vi.advanceTimersByTime(30_000)
    await expect.poll(() => open).toBe(0)
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      { path: '/web', msg: 'a client read nothing of its response for 30 s, so it was aborted' },
    ])
    expect(await ends()).toBe('cut')
    vi.useRealTimers()
  },
)

test('an answer that waits behind one that never ends is not kept forever', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let open = 0
  const url = await serve(async ({ body, onClosed }) => {
    open++
    onClosed(() => void open--)
    if (JSON.stringify(body) === '1')
      return new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }))
    return Response.json({})
  })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const head = `host: ${hostname}\r\nauthorization: ${proof.authorization}\r\ncontent-type: application/json`
  for (const body of [1, 2]) socket.write(`POST /web HTTP/1.1\r\n${head}\r\ncontent-length: 1\r\n\r\n${body}`)
  await expect.poll(() => [open, vi.getTimerCount()]).toEqual([2, 1])
  vi.advanceTimersByTime(30_000)
  await once(socket, 'close')
  await expect.poll(() => open).toBe(0)
})
