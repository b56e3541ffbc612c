/** The bridge between stdio and a running server: forwarding, retries, and reports if it is down or refuses. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { BridgeLink } from './bridge-link.ts'
import { HttpBridge } from './http-bridge.ts'
import { readLines } from './json-lines.ts'

type Message = Record<string, unknown> & { id?: unknown; method?: string; params?: Record<string, unknown> }
type Answer = (message: Message, response: ServerResponse, request: IncomingMessage) => void

const modern = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
const json = (response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const result = (id: unknown, value: object = {}) => ({ jsonrpc: '2.0', id, result: value })
const sse = (response: ServerResponse, ...messages: object[]) => {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const message of messages) response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
}

/** @param port Port of an earlier server, which is down by now. */
async function serve(answer: Answer, port = 0) {
  const seen: { message: Message; headers: IncomingMessage['headers'] }[] = []
  const server = createServer(async (request, response) => {
    const message = JSON.parse((await request.toArray()).join('')) as Message
    seen.push({ message, headers: request.headers })
    answer(message, response, request)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  onTestFinished(() => (server.listening ? stop() : undefined))
  const own = (server.address() as AddressInfo).port
  return { url: new URL(`http://127.0.0.1:${own}/mcp`), port: own, seen, stop }
}

function connect(url: URL, experimental?: Record<string, object>) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const logged: string[] = []
  const link = new BridgeLink({ url, token: 'rm_test', headers: { 'user-agent': 'test' }, fetch })
  const bridge = new HttpBridge({
    link,
    output,
    ...(experimental && { experimental }),
    log: words => logged.push(words),
  })
  const ended = bridge.run(input)
  onTestFinished(() => {
    input.end()
    bridge.stop()
  })
  const lines = readLines(output)
  const next = async () => {
    const { value } = await lines.next()
    return value && 'message' in value ? (value.message as Message) : value
  }
  const send = (...messages: unknown[]) => {
    for (const message of messages) input.write(`${JSON.stringify(message)}\n`)
  }
  const ask = (id: unknown, method: string, params: object = {}) => send({ jsonrpc: '2.0', id, method, params })
  return { input, output, send, ask, next, ended, logged }
}

test('a request goes out under its revision, and all messages of its answer come back in order', async () => {
  const server = await serve(({ id }, response) => {
    sse(response, { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } }, result(id, { a: 1 }))
    response.end()
  })
  const { ask, next } = connect(server.url)
  ask('x', 'tools/call', { name: 'Straße', ...modern })
  expect(await next()).toMatchObject({ method: 'notifications/progress' })
  expect(await next()).toEqual(result('x', { a: 1 }))
  expect(server.seen[0]!.headers).toMatchObject({
    authorization: 'Bearer rm_test',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': `=?base64?${Buffer.from('Straße').toString('base64')}?=`,
  })
})

test('a client before 2026 keeps its session and revision, and gets changes that are sent only to listeners', async () => {
  let listening: ServerResponse | undefined
  const server = await serve(({ id, method }, response) => {
    if (method === 'initialize') {
      const value = { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: false } } }
      return json(response, result(id, value), 200, { 'mcp-session-id': 's-1' })
    }
    if (method === 'subscriptions/listen') {
      listening = response
      const params = { notifications: { toolsListChanged: true } }
      return sse(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })
    }
    if (id === undefined) return response.writeHead(202).end()
    json(response, result(id))
  })
  const { ask, send, next } = connect(server.url, { 'claude/channel': {} })
  ask(1, 'initialize', { clientInfo: { name: 'old', version: '1' } })
  expect(await next()).toMatchObject({
    result: { capabilities: { tools: { listChanged: true }, experimental: { 'claude/channel': {} } } },
  })
  send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  ask(2, 'tools/list')
  expect(await next()).toEqual(result(2))
  const listed = server.seen.find(({ message }) => message.method === 'tools/list')!
  expect(listed.headers).toMatchObject({ 'mcp-session-id': 's-1', 'mcp-protocol-version': '2025-11-25' })
  await expect.poll(() => listening).toBeDefined()
  sse(listening!, { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: {} } })
  expect(await next()).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
})

test('a call is cancelled by closing its request, and others go on', async () => {
  const gone = Promise.withResolvers<void>()
  const server = await serve(({ id, method }, response) => {
    if (method === 'tools/call') return void response.once('close', () => gone.resolve())
    json(response, result(id))
  })
  const { ask, send, next } = connect(server.url)
  ask(1, 'tools/call', { name: 'slow' })
  await expect.poll(() => server.seen.length).toBe(1)
  send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await gone.promise
  ask(2, 'ping')
  expect(await next()).toEqual(result(2))
  expect(server.seen.map(({ message }) => message.method)).toEqual(['tools/call', 'ping'])
})

test('a server that restarts is waited for; what may have been done is not done twice', async () => {
  const first = await serve(({ method, id }, response) => {
    if (method === 'tools/call') return void response.destroy()
    json(response, result(id))
  })
  const { ask, next } = connect(first.url)
  ask(1, 'tools/call', { name: 'send' })
  expect(await next()).toMatchObject({ id: 1, error: { message: expect.stringContaining('may have taken effect') } })
  await first.stop()
  ask(2, 'tools/call', { name: 'send' })
  ask(3, 'tools/list')
  let turns = 0
  const second = await serve(({ id }, response) => {
    // As during a stop.
    if (turns++ === 0) return response.writeHead(503, { 'retry-after': '0' }).end()
    json(response, result(id))
  }, first.port)
  expect([(await next())?.id, (await next())?.id].sort()).toEqual([2, 3])
  expect(second.seen.length).toBe(3)
})

test('what listens is opened again when it breaks, and is told that all it asked for may have changed', async () => {
  const streams: ServerResponse[] = []
  const server = await serve(({ params }, response) => {
    streams.push(response)
    sse(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { ...params } })
  })
  const { ask, next } = connect(server.url)
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['mail://x'] }
  ask('l', 'subscriptions/listen', { notifications, ...modern })
  expect(await next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' })
  streams[0]!.destroy()
  const _meta = { 'io.modelcontextprotocol/subscriptionId': 'l' }
  expect(await next()).toMatchObject({ method: 'notifications/tools/list_changed', params: { _meta } })
  expect(await next()).toMatchObject({ method: 'notifications/resources/updated', params: { uri: 'mail://x', _meta } })
  expect(streams).toHaveLength(2)
})

test('refusals are errors in words, and the errors of the protocol stay as they are', async () => {
  const problem = { code: 'unauthorized', title: 'Unauthorized', detail: 'Sign in.' }
  const server = await serve(({ id, method }, response) => {
    if (method === 'a') json(response, problem, 401)
    else if (method === 'b')
      json(response, { code: 'too_many_requests', detail: 'Slow down.' }, 429, { 'retry-after': '7' })
    else if (method === 'c') json(response, { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'No.' } }, 400)
    else response.writeHead(404).end('nothing here')
    expect(id).toBeDefined()
  })
  const { ask, next, input } = connect(server.url)
  ask(1, 'a')
  expect(await next()).toMatchObject({
    id: 1,
    error: { code: -32_000, message: expect.stringMatching(/RUSTYMAIL_TOKEN.*Sign in\./), data: { status: 401 } },
  })
  ask(2, 'b')
  expect(await next()).toMatchObject({ error: { message: 'Slow down.', data: { retry_after_seconds: 7 } } })
  ask(3, 'c')
  expect(await next()).toEqual({ jsonrpc: '2.0', id: 3, error: { code: -32_600, message: 'No.' } })
  ask(4, 'd')
  expect(await next()).toMatchObject({ id: 4, error: { message: expect.stringContaining('no RustyMail') } })
  input.write('{ no json\n')
  expect(await next()).toMatchObject({ id: null, error: { code: -32_700 } })
})

test('when stdin ends, what was asked is answered, and then it is over', async () => {
  const held = Promise.withResolvers<void>()
  const server = await serve(async ({ id, method }, response) => {
    if (method === 'subscriptions/listen') return sse(response, { jsonrpc: '2.0', method: 'x' })
    await held.promise
    json(response, result(id))
  })
  const { ask, next, input, ended } = connect(server.url)
  ask('l', 'subscriptions/listen', { notifications: {}, ...modern })
  expect(await next()).toMatchObject({ method: 'x' })
  ask(1, 'tools/list')
  input.end()
  await expect.poll(() => server.seen.length).toBe(2)
  held.resolve()
  expect(await next()).toEqual(result(1))
  await ended
})
