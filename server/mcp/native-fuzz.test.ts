/** What strangers send that is none of the protocol, or half of it: each gets the right code or is cut, nothing is thrown, and the next request is answered. */
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import {
  answerOf,
  eventsOf,
  handshake,
  introduction,
  modern,
  overStdio,
  request,
  startNative,
} from '../../test/support/native-mcp.ts'

const methods = [
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'counter/add',
  'notifications/cancelled',
  'notifications/initialized',
  'nope',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'x'.repeat(201),
]
const names = [
  'echo',
  'ask',
  'count',
  'who',
  'bug',
  'refused',
  'triage',
  'mail://a/1',
  'mail://b',
  '__proto__',
  'constructor',
  '',
]
const revisions = [modern, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '1900-01-01', '9999-99-99', 'x', '']
const metaNames = Object.keys(introduction())

const deep = fc
  .integer({ min: 1, max: 1_000 })
  .map(levels => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown)
const anything = fc.oneof({ weight: 8, arbitrary: fc.jsonValue({ maxDepth: 3 }) }, { weight: 1, arbitrary: deep })
const id = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 10 }),
  fc.constantFrom<unknown>(
    'x'.repeat(201),
    'x'.repeat(200),
    null,
    1.5,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    -0,
    true,
    {},
    [],
  ),
)
const often = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything })
const meta = fc.record(
  {
    [metaNames[0] as string]: often(fc.constantFrom(...revisions)),
    [metaNames[1] as string]: often(fc.constant({ name: 'fuzz', version: '1' })),
    [metaNames[2] as string]: often(fc.constantFrom({}, { elicitation: {} }, { elicitation: { url: {} } })),
    'io.modelcontextprotocol/logLevel': anything,
    progressToken: often(fc.constantFrom<string | number>('t', 1)),
  },
  { requiredKeys: [] },
)
const params = fc.record(
  {
    _meta: often(fc.oneof(meta, fc.constant(introduction()), fc.constant({ ...introduction(), progressToken: 't' }))),
    name: often(fc.constantFrom(...names)),
    uri: often(fc.constantFrom(...names)),
    arguments: anything,
    cursor: anything,
    ref: often(fc.constantFrom({ type: 'ref/prompt', name: 'triage' }, { type: 'ref/resource', uri: 'mail://a/1' })),
    argument: often(fc.constant({ name: 'days', value: '1' })),
    context: anything,
    level: often(fc.constantFrom('info', 'loud')),
    notifications: often(
      fc.record(
        { toolsListChanged: anything, resourceSubscriptions: often(fc.constant(['mail://a/1'])) },
        { requiredKeys: [] },
      ),
    ),
    inputResponses: anything,
    requestState: often(fc.constantFrom('x', 'a.b', '.', '')),
    requestId: id,
    protocolVersion: often(fc.constantFrom(...revisions)),
    capabilities: often(fc.constant({})),
    clientInfo: often(fc.constant({ name: 'fuzz', version: '1' })),
    a: anything,
  },
  { requiredKeys: [] },
)
const frame = fc.record(
  {
    jsonrpc: often(fc.constant('2.0')),
    id,
    method: often(fc.constantFrom(...methods)),
    params: often(params),
  },
  { requiredKeys: ['jsonrpc', 'id', 'method'] },
)
const answer = fc.record(
  { jsonrpc: fc.constant('2.0'), id, result: anything, error: anything },
  { requiredKeys: ['id'] },
)
const notification = fc.record({
  jsonrpc: fc.constant('2.0'),
  method: fc.constantFrom(...methods),
  params: often(params),
})
const body = fc.oneof(
  { weight: 8, arbitrary: frame as fc.Arbitrary<unknown> },
  { weight: 1, arbitrary: fc.oneof(answer, notification) as fc.Arbitrary<unknown> },
  { weight: 2, arbitrary: fc.array(frame as fc.Arbitrary<unknown>, { maxLength: 4 }) },
  { weight: 1, arbitrary: anything },
)
const headers = fc.record(
  {
    'mcp-protocol-version': fc.constantFrom(...revisions),
    'mcp-method': fc.constantFrom(...methods.filter(method => method.length < 100)),
    'mcp-name': fc.constantFrom(...names, '=?base64?!?=', '=?base64?ZWNobw==?=', '=?base64?ZWNobx==?='),
    'mcp-session-id': fc.constantFrom('mcp-x', 'x', '', 'mcp-AwDEQXBWpQmeUgqyyPvvJdXI3LXBWDnFXKdb'),
    accept: fc.constantFrom('*/*', 'application/json, text/event-stream', ''),
    'content-type': fc.constantFrom(
      'application/json',
      'application/json; charset=utf-8',
      'text/plain',
      'application/jsonx',
    ),
  },
  { requiredKeys: [] },
)
const statuses = [200, 202, 400, 404, 405, 406, 415]

/** Counts unhandled rejections, anywhere in the process. */
function countRejections() {
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return rejections
}

function isMessage(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isMessage)
  const { jsonrpc, id: of, result, error, method } = value as Record<string, unknown>
  if (jsonrpc !== '2.0') return false
  if (typeof method === 'string') return true
  const code = (error as { code?: unknown } | undefined)?.code
  // An id that could not be read is null, and only of an error.
  const isOf = typeof of === 'string' || Number.isSafeInteger(of) || (of === null && result === undefined)
  return isOf && (result !== undefined) !== Number.isInteger(code)
}

/** Headers that agree with the body, as far as it can be mirrored. */
function agreeing(sent: unknown): Record<string, string> {
  const { method, params } = sent as {
    method?: unknown
    params?: { _meta?: Record<string, unknown>; name?: unknown; uri?: unknown }
  }
  const said = {
    'mcp-protocol-version': params?._meta?.[metaNames[0] as string],
    'mcp-method': method,
    'mcp-name': method === 'resources/read' ? params?.uri : params?.name,
  }
  const isFit = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]*$/.test(value)
  return Object.fromEntries(Object.entries(said).filter((entry): entry is [string, string] => isFit(entry[1])))
}

test('over HTTP every message gets a status and an answer that is one, whatever is in it and in the headers', async () => {
  const { send, ask, faults } = startNative()
  const rejections = countRejections()
  const seen = new Map<number, number>()
  const agree = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: headers })
  const method = fc.constantFrom('POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'DELETE')
  const property = fc.asyncProperty(body, agree, method, async (sent, about, verb) => {
    const { exchange } = send(sent, about ?? agreeing(sent ?? {}), { method: verb })
    const response = await exchange.response
    expect(statuses).toContain(response.status)
    seen.set(response.status, (seen.get(response.status) ?? 0) + 1)
    if (response.headers.get('content-type') === 'text/event-stream') {
      const events = eventsOf(response.body as ReadableStream<Uint8Array>)
      expect(isMessage(await events.next())).toBe(true)
      return void (await events.cancel())
    }
    const text = await response.text()
    expect(text === '' ? response.status : isMessage(JSON.parse(text))).toBe(text === '' ? 202 : true)
    expect(text).not.toContain('SECRET')
  })
  await fc.assert(property, { numRuns: 3_000 })
  expect(await answerOf(ask('tools/call', { name: 'echo', arguments: { a: 1 } }))).toMatchObject({ status: 200, id: 1 })
  expect([...seen.keys()].sort()).toEqual(statuses)
  // Only of the tool that throws, and of none of our code.
  expect(faults.filter(({ message }) => message !== 'SECRET of the inside')).toEqual([])
  expect(rejections).toEqual([])
})

const line = fc.oneof(
  { weight: 6, arbitrary: body.map(sent => JSON.stringify(sent)) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: frame.map(sent => JSON.stringify(sent).slice(0, -3)) },
)

test('over stdio every line is answered as one message, or not at all, and the session goes on', async () => {
  const { port, asking, faults } = startNative()
  const rejections = countRejections()
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.boolean(), async (lines, isBegun) => {
      const { session, write, next, listen } = overStdio(port, { context: asking() })
      listen()
      if (isBegun) write(handshake('2025-03-26'))
      write(...lines.map(text => text.replaceAll('\n', ' ')), request('last', 'ping'))
      for (;;) {
        const answer = await next()
        expect(isMessage(answer)).toBe(true)
        if (answer?.id === 'last') break
      }
      session.cut()
      await session.ended
    }),
    { numRuns: 300 },
  )
  expect(faults.filter(({ message }) => message !== 'SECRET of the inside')).toEqual([])
  expect(rejections).toEqual([])
})

test('over HTTP+SSE what is posted is a message or refused, and the session goes on', async () => {
  const { port, asking } = startNative()
  const rejections = countRejections()
  await fc.assert(
    fc.asyncProperty(fc.array(body, { maxLength: 20 }), async posted => {
      const session = port.openSse('/messages?sessionId=1', { context: asking() })
      const events = eventsOf(session.body)
      expect(await events.next()).toEqual({ data: '/messages?sessionId=1' })
      for (const sent of posted) expect([202, 400]).toContain(await port.postSse(session, sent, asking()))
      expect(await port.postSse(session, request('last', 'ping'), asking())).toBe(202)
      for (;;) {
        const event = await events.next()
        expect(isMessage(event)).toBe(true)
        if (event?.id === 'last') break
      }
      await events.cancel()
      await session.ended
    }),
    { numRuns: 300 },
  )
  expect(rejections).toEqual([])
})

test('4 MiB of JSON, and JSON as deep as a parser takes it, is an answer like others', async () => {
  const { ask, send, port, asking } = startNative()
  const large = { text: 'x'.repeat(4 * 1024 * 1024) }
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown
  expect(await answerOf(ask('tools/call', { name: 'who', arguments: large }))).toMatchObject({ status: 200 })
  // The offer cannot write it again.
  expect(await answerOf(ask('tools/call', { name: 'echo', arguments: { deep } }))).toMatchObject({
    error: { code: -32_603 },
  })
  for (const wrong of [
    deep,
    { jsonrpc: '2.0', id: deep, method: 'ping' },
    { jsonrpc: '2.0', id: 1, method: 'ping', params: deep },
  ]) {
    expect(await answerOf(send(wrong))).toMatchObject({ status: 400, error: { code: -32_600 } })
  }
  const { write, next, listen } = overStdio(port, { context: asking() })
  listen()
  write('x'.repeat(9 * 1024 * 1024), request(1, 'ping'))
  expect(await next()).toMatchObject({ id: null, error: { code: -32_600 } })
  expect(await next()).toMatchObject({ id: 1, result: {} })
})
