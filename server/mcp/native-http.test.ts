/** Streamable HTTP by the native adapter, as far as the suite of both adapters does not see it: headers, statuses, ends, and clients that do not read. */
import { expect, test } from 'vitest'
import {
  answerOf,
  eventsOf,
  handshake,
  introduction,
  modern,
  request,
  smallOffer,
  startNative,
  stateKey,
  toolsChanged,
} from '../../test/support/native-mcp.ts'
import { Problem } from '../platform/problem.ts'
import { createNativeAdapter } from './native-adapter.ts'

const call = (name: string, more = {}) => ({ name, arguments: {}, ...more })
const textOf = (answer: Record<string, unknown>) => (answer.result as { content: { text: string }[] }).content[0]?.text

test('headers that disagree with the body, or are missing, are refused by the code that 2026 has for it', async () => {
  const { ask, send } = startNative()
  const mismatches: Record<string, string>[] = [
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-method': 'tools/list' },
    { 'mcp-name': 'other' },
    { 'mcp-name': '=?base64?b3RoZXI=?=' },
    { 'mcp-name': '=?base64?b3Ro!?=' },
    { 'mcp-name': '=?base64?ZWNobx==?=' },
  ]
  for (const headers of mismatches) {
    expect(await answerOf(ask('tools/call', call('echo'), { headers }))).toMatchObject({
      status: 400,
      id: 1,
      error: { code: -32_020 },
    })
  }
  const body = { ...request(1, 'tools/call', { ...call('echo'), _meta: introduction() }) }
  const all = { 'mcp-protocol-version': modern, 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
  expect(await answerOf(send(body, all))).toMatchObject({ status: 200 })
  expect(await answerOf(send(body, { ...all, 'mcp-name': '=?base64?ZWNobw==?=' }))).toMatchObject({ status: 200 })
  for (const missing of Object.keys(all)) {
    const headers = Object.fromEntries(Object.entries(all).filter(([name]) => name !== missing))
    expect(await answerOf(send(body, headers))).toMatchObject({ status: 400, error: { code: -32_020 } })
  }
})

test('a revision that is not here, and a request that lacks what 2026 demands, is refused with what would do', async () => {
  const { ask, send } = startNative()
  const of = (revision: unknown) => ({ meta: { 'io.modelcontextprotocol/protocolVersion': revision } })
  const future = ask('tools/list', {}, { ...of('2030-01-01'), headers: { 'mcp-protocol-version': '2030-01-01' } })
  const data = { supported: [modern], requested: '2030-01-01' }
  expect(await answerOf(future)).toMatchObject({ status: 400, error: { code: -32_022, data } })
  const old = send(request(1, 'tools/list'), { 'mcp-protocol-version': '2020-01-01' })
  expect(await answerOf(old)).toMatchObject({ status: 400, error: { code: -32_022 } })
  const bare = send(request(1, 'tools/list'), { 'mcp-protocol-version': modern, 'mcp-method': 'tools/list' })
  expect(await answerOf(bare)).toMatchObject({ status: 400, error: { code: -32_602 } })
  for (const meta of [
    { 'io.modelcontextprotocol/clientCapabilities': [] },
    { 'io.modelcontextprotocol/clientInfo': 1 },
    of(7).meta,
  ]) {
    expect(await answerOf(ask('tools/list', {}, { meta }))).toMatchObject({ status: 400, error: { code: -32_602 } })
  }
  const handshakeOf2026 = send(handshake('2025-11-25'), { 'mcp-protocol-version': modern })
  expect(await answerOf(handshakeOf2026)).toMatchObject({ status: 400, error: { code: -32_020 } })
})

test('what the transport refuses has its status', async () => {
  const { send, ask } = startNative()
  const status = async (sent: ReturnType<typeof send>) => (await sent.exchange.response).status
  expect(await status(send(undefined, {}, { method: 'GET' }))).toBe(405)
  expect(await status(send(undefined, {}, { method: 'DELETE' }))).toBe(405)
  expect(await status(send(undefined, { 'mcp-session-id': 'mcp-none' }, { method: 'GET' }))).toBe(404)
  expect(await status(send(request(1, 'ping'), { 'content-type': 'text/plain' }))).toBe(415)
  expect(await status(send(request(1, 'ping'), { accept: 'application/json' }))).toBe(406)
  expect(await status(send(undefined))).toBe(400)
  expect(await status(send(request(1, 'ping'), { 'mcp-session-id': 'mcp-none' }))).toBe(404)
  expect(await status(ask('ping'))).toBe(404)
  expect(await status(ask('constructor'))).toBe(404)
  expect(await status(send({ jsonrpc: '2.0', method: 'notifications/initialized' }))).toBe(202)
  expect(await status(send({ jsonrpc: '2.0', id: 1, result: {} }))).toBe(400)
})

test('messages of 2025-03-26 that come together are answered together, in their order; others are refused', async () => {
  const { send } = startNative()
  const batch = [request(1, 'ping'), { jsonrpc: '2.0', method: 'notifications/initialized' }, request(2, 'nope')]
  const response = await send(batch).exchange.response
  expect(JSON.parse(await response.text())).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { code: -32_601 } },
  ])
  expect((await send([batch[1]]).exchange.response).status).toBe(202)
  const many = Array.from({ length: 101 }, (_, id) => request(id, 'ping'))
  const refused: [unknown, Record<string, string>?][] = [
    [[]],
    [many],
    [batch, { 'mcp-protocol-version': '2025-11-25' }],
    [batch, { 'mcp-protocol-version': modern }],
    [[request(1, 'tools/list', { _meta: introduction() })]],
    [[handshake('2025-03-26')]],
    [[request(1, 'ping'), 7]],
  ]
  for (const [body, headers] of refused) {
    expect(await answerOf(send(body, headers))).toMatchObject({ status: 400, error: { code: -32_600 } })
  }
})

test('an answer is JSON, and a stream only where something came before it', async () => {
  const { ask } = startNative()
  const plain = await ask('tools/call', call('count')).exchange.response
  expect(plain.headers.get('content-type')).toBe('application/json')
  const { exchange } = ask('tools/call', call('count'), { meta: { progressToken: 't' } })
  const response = await exchange.response
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const events = eventsOf(response.body!)
  // Only the newest of one turn is sent.
  expect(await events.next()).toMatchObject({
    params: { progressToken: 't', progress: 500, total: 500, message: 'on' },
  })
  expect(await events.next()).toMatchObject({ id: 1, result: { resultType: 'complete' } })
  expect(await events.next()).toBeUndefined()
})

test('an exchange that is ended answers with the reason, unless the offer did; a call that changes something is awaited', async () => {
  const { ask, running } = startNative({
    readResource: () => new Promise(() => undefined),
  })
  const reading = ask('resources/read', { uri: 'mail://a/1' })
  reading.asking.end(new Problem('forbidden', 'Your rights were narrowed.'))
  expect(await answerOf(reading)).toMatchObject({
    error: { message: 'Your rights were narrowed.', data: { code: 'forbidden' } },
  })
  const writing = ask('tools/call', call('hold'))
  await expect.poll(() => running.length).toBe(1)
  writing.asking.end(new Problem('forbidden', 'Your rights were narrowed.'))
  expect(running[0]?.context.signal.aborted).toBe(true)
  running[0]?.release()
  expect(textOf(await answerOf(writing))).toBe('released')
})

test('a client that goes away ends what runs for it, in each phase', async () => {
  const { ask, running, send } = startNative()
  const waiting = ask('tools/call', call('wait'))
  await expect.poll(() => running.length).toBe(1)
  waiting.leave()
  expect((await waiting.exchange.response).status).toBe(499)
  expect(running[0]?.context.signal.aborted).toBe(true)
  const streaming = ask('counter/stream', { from: 0 })
  const events = eventsOf((await streaming.exchange.response).body!)
  expect(await events.next()).toMatchObject({ method: 'notifications/count', params: { at: 0 } })
  await events.cancel()
  const late = send(request(1, 'tools/call', call('wait')))
  late.leave()
  expect((await late.exchange.response).status).toBe(499)
})

test('a stream of an extension goes as fast as it is read, and ends with its answer', async () => {
  const { ask } = startNative()
  expect(await answerOf(ask('counter/stream'))).toMatchObject({ error: { code: -32_602 } })
  const { exchange } = ask('counter/stream', { from: 5 })
  const events = eventsOf((await exchange.response).body!)
  for (const at of [5, 6, 7]) expect(await events.next()).toMatchObject({ params: { at } })
  // Nothing unread was counted, except the one that waits.
  const closed = exchange.close()
  expect(await events.next()).toMatchObject({ params: { at: 8 } })
  expect(await events.next()).toMatchObject({ id: 1, result: { at: 9, resultType: 'complete' } })
  await closed
})

test('a client that listens and does not read holds no more than what it asked for', async () => {
  const { ask } = startNative()
  const uris = Array.from({ length: 100 }, (_, at) => `mail://a/${at}`)
  const notifications = { toolsListChanged: true, resourceSubscriptions: uris }
  const { exchange } = ask('subscriptions/listen', { notifications })
  const { body } = await exchange.response
  for (let turn = 0; turn < 20_000; turn++) {
    exchange.publish(toolsChanged)
    exchange.publish({ of: 'resource', uri: `mail://a/${turn % 200}` })
  }
  const closed = exchange.close()
  const events = eventsOf(body!)
  let count = 0
  while (await events.next()) count++
  // The acknowledgement, one for each that changed, and the end.
  expect(count).toBe(1 + 101 + 1)
  await closed
})

test('a state of one call is none for another caller, tool, or installation', async () => {
  const { ask, offer } = startNative()
  const capabilities = { elicitation: { url: {} } }
  const first = await answerOf(ask('tools/call', call('ask'), { capabilities }))
  expect(first.result).toMatchObject({
    resultType: 'input_required',
    inputRequests: { look: { params: { mode: 'url' } } },
  })
  expect(JSON.stringify(first.result)).not.toContain('elicitationId')
  const { requestState } = first.result as { requestState: string }
  const answered = { requestState, inputResponses: { look: { action: 'accept' } } }
  const again = (more: object, name = 'ask') =>
    answerOf(ask('tools/call', call(name, answered), { capabilities, ...more }))
  expect(textOf(await again({}))).toBe('[{"look":{"action":"accept"}},{"n":1}]')
  const elsewhere = createNativeAdapter({
    offer,
    stateKey: stateKey.map(byte => byte + 1),
    onFault: () => undefined,
    onPeerFault: () => undefined,
  })
  const { request: sent, asking } = ask('tools/call', call('ask', answered), { capabilities })
  const params = { ...call('ask', answered), _meta: introduction(capabilities) }
  const { response } = elsewhere.handleHttp(sent, request(1, 'tools/call', params), asking)
  const there = JSON.parse(await (await response).text())
  for (const answer of [await again({ principal: 'q' }), await again({}, 'echo'), there]) {
    expect(answer).toMatchObject({ error: { code: -32_602, data: { reason: 'invalid_request_state' } } })
  }
})

test('the lists of an offer are written once for each thing in them', async () => {
  let count = 0
  const tool = {
    name: 'one',
    inputSchema: { type: 'object' as const },
    toJSON: () => ({ name: 'one', count: ++count }),
  }
  const { offer } = smallOffer()
  const { ask } = startNative({
    ...offer,
    catalogue: () => ({ tools: [tool], resources: [], resourceTemplates: [], prompts: [] }),
  })
  for (let turn = 0; turn < 3; turn++)
    expect((await answerOf(ask('tools/list'))).result).toMatchObject({ tools: [{ count: 1 }] })
})
