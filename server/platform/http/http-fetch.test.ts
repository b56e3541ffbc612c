/** Handlers of web standards behind a real socket: what they get to see, and how fast their answers are taken from them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { type FetchAnswer, type FetchCall, handleFetch } from './http-fetch.ts'
import { createHttpServer } from './http-server.ts'
import { TextAnswer } from './text-answer.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer secret' }

async function serve(answer: (call: FetchCall) => Promise<FetchAnswer>): Promise<string> {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token, sessionCookie }) => (token || sessionCookie ? someone : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  onTestFinished(() => {
    http.fastify.server.closeAllConnections()
    return http.fastify.close()
  })
  handleFetch(http, '/web', { name: 'web', scope: 'signed_in', effect: 'read' }, 64 * 1024, answer)
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
  // What the two kernels hold for a connection, and no more.
  expect(pulled * piece.length).toBeLessThan(64 * 1024 * 1024)
  socket.destroy()
  await Promise.all([cancelled.promise, closed.promise])
})

test('an answer that breaks in the middle does not look whole', async () => {
  const url = await serve(async () => {
    const pieces = [new Uint8Array(10)]
    const pull = (stream: ReadableStreamDefaultController) => {
      const piece = pieces.pop()
      if (piece) stream.enqueue(piece)
      else stream.error(new Error('broken'))
    }
    return new Response(new ReadableStream({ pull }))
  })
  const read = async () => (await fetch(`${url}/web`, { method: 'POST', headers: proof })).arrayBuffer()
  await expect(read()).rejects.toThrow()
})

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
