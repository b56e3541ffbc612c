/** What every adapter of MCP does, over each of its transports and in each revision; run for each of them by `server/mcp/mcp-port.test.ts`. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { McpAdapterOptions, McpChange, McpHttpExchange, McpPort } from '../../server/mcp/mcp-port.ts'
import { RequestState, stateEndsAfterMs } from '../../server/mcp/request-state.ts'
import { Problem } from '../../server/platform/problem.ts'
import { createFixtureOffer } from './mcp-fixture-offer.ts'
import {
  answerOf,
  asking,
  askModern,
  connectLegacy,
  connectStdio,
  type Frame,
  framesOf,
  legacy,
  legacyClient,
  modern,
  modernFrame,
  readerOf,
  send,
  sendModern,
} from './mcp-frames-client.ts'

const stateKey = new Uint8Array(32).fill(7)
const meta = 'io.modelcontextprotocol'

export type CreateAdapter = (options: McpAdapterOptions) => McpPort

function setUp(create: CreateAdapter) {
  const opened = new Set<{ publish(change: McpChange): void }>()
  const offer = createFixtureOffer({ publish: change => opened.forEach(one => void one.publish(change)) })
  const onFault = vi.fn<(error: Error) => void>()
  const port = create({ offer, stateKey, onFault, onPeerFault: () => undefined })
  onTestFinished(() => port.close())
  return { offer, port, onFault, opened }
}

const textOf = ({ result }: Frame) => (result?.content as { text?: string }[] | undefined)?.[0]?.text ?? ''
const call = (name: string, input: object = {}) => ({ name, arguments: input })
const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name)

/** The result of `tools/list` as it goes out, to compare adapters by. */
export async function listedBytes(create: CreateAdapter, revision: string): Promise<string> {
  const { port } = setUp(create)
  if (revision === modern) return JSON.stringify((await askModern(port, 'tools/list')).result)
  const client = await connectLegacy(port, revision as (typeof legacy)[number])
  return JSON.stringify((await client.ask('tools/list')).result)
}

export function describeMcpPort(name: string, create: CreateAdapter): void {
  describe(`the adapter ${name} over HTTP, 2026-07-28`, () => {
    test('says what it is and can', async () => {
      const { port } = setUp(create)
      const { result, status } = await askModern(port, 'server/discover')
      expect(status).toBe(200)
      expect(result).toMatchObject({
        supportedVersions: [modern],
        capabilities: {
          tools: { listChanged: true },
          resources: { listChanged: true, subscribe: true },
          prompts: { listChanged: true },
          completions: {},
          extensions: { 'example.org/counter': { steps: 1 } },
        },
        instructions: 'For tests.',
        _meta: { [`${meta}/serverInfo`]: { name: 'fixture', title: 'Fixture', version: '1.0.0' } },
      })
    })

    test('lists, reads, completes and calls what the offer has', async () => {
      const { port } = setUp(create)
      expect(names((await askModern(port, 'tools/list')).result?.tools)).toContain('test_simple_text')
      const { result } = await askModern(port, 'tools/call', call('structured'))
      expect(result).toMatchObject({ resultType: 'complete', structuredContent: { sum: 3 } })
      expect(names((await askModern(port, 'resources/list')).result?.resources)).toContain('Watched')
      expect(names((await askModern(port, 'resources/templates/list')).result?.resourceTemplates)).toEqual(['Template'])
      const read = await askModern(port, 'resources/read', { uri: 'test://template/9/data' })
      expect(read.result?.contents).toMatchObject([{ uri: 'test://template/9/data', mimeType: 'application/json' }])
      expect(names((await askModern(port, 'prompts/list')).result?.prompts)).toContain('test_simple_prompt')
      const prompt = { name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } }
      expect(JSON.stringify((await askModern(port, 'prompts/get', prompt)).result)).toContain("arg1='a', arg2='b'")
      const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }
      const completed = await askModern(port, 'completion/complete', { ref, argument: { name: 'arg1', value: 'pari' } })
      expect(completed.result?.completion).toMatchObject({ values: ['paris'] })
    })

    test('passes on who asks, and with what', async () => {
      const { port } = setUp(create)
      const sending = { by: 'bob', capabilities: { sampling: {} } }
      expect(JSON.parse(textOf(await askModern(port, 'tools/call', call('whoami'), sending)))).toEqual({
        id: 'bob',
        revision: modern,
        peer: { name: 'peer', version: '7' },
        capabilities: { sampling: {} },
      })
    })

    test('passes on where the trace of its client goes on, of either era', async () => {
      const { port, offer } = setUp(create)
      const called = vi.spyOn(offer, 'call')
      const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'maker=7' }
      const wanted = { ...call('test_simple_text'), _meta: trace }
      await askModern(port, 'tools/call', wanted)
      const old = await connectLegacy(port, '2025-11-25')
      await old.ask('tools/call', wanted)
      await askModern(port, 'tools/call', { ...wanted, _meta: { traceparent: 'x'.repeat(1_000) } })
      const told = called.mock.calls.map(([, , { trace: of, id }]) => ({ of, hasId: id !== undefined }))
      expect(told.map(({ of }) => of)).toEqual([trace, trace, undefined])
      expect(told.every(({ hasId }) => hasId)).toBe(true)
    })

    test('answers what is wrong in the words of the offer, and faults of ours without detail', async () => {
      const { port, onFault } = setUp(create)
      expect((await askModern(port, 'tools/call', call('test_error_handling'))).result).toMatchObject({ isError: true })
      const none = await askModern(port, 'tools/call', call('none'))
      expect(none.error).toMatchObject({ code: -32_602, message: 'There is no tool none.' })
      const refused = await askModern(port, 'resources/read', { uri: 'test://forbidden' })
      expect(refused.error).toMatchObject({
        code: -32_000,
        message: 'You may not see this.',
        data: { code: 'forbidden' },
      })
      const absent = await askModern(port, 'resources/read', { uri: 'test://none' })
      expect(absent.error).toMatchObject({ code: -32_602, data: { uri: 'test://none' } })
      expect(onFault).not.toHaveBeenCalled()
      const bug = await askModern(port, 'tools/call', call('bug'))
      expect(bug.error?.code).toBe(-32_603)
      expect(JSON.stringify(bug)).not.toContain('SECRET')
      expect(onFault).toHaveBeenCalledWith(expect.objectContaining({ message: 'SECRET of the inside' }))
    })

    test('tells progress to a client that gave a token, and the log to one that asked for it', async () => {
      const { port } = setUp(create)
      const tell = async (tool: string, sending: object) =>
        framesOf(await sendModern(port, 'tools/call', call(tool), sending).response)
      const progress = await tell('test_tool_with_progress', { progressToken: 'p' })
      expect(progress.map(({ method, params }) => [method, params?.progress])).toEqual([
        ['notifications/progress', 0],
        ['notifications/progress', 50],
        ['notifications/progress', 100],
        [undefined, undefined],
      ])
      expect(progress[0]?.params).toMatchObject({ progressToken: 'p', total: 100 })
      expect(await tell('test_tool_with_progress', {})).toHaveLength(1)
      const log = await tell('test_tool_with_logging', { logLevel: 'info' })
      expect(log[0]).toMatchObject({ method: 'notifications/message', params: { level: 'info' } })
      expect(await tell('test_tool_with_logging', { logLevel: 'error' })).toHaveLength(1)
      expect(await tell('test_tool_with_logging', {})).toHaveLength(1)
    })

    test('a call ends when its client goes, and is answered when its caller may no longer', async () => {
      const { port, offer } = setUp(create)
      const [gone, ending] = [new AbortController(), new AbortController()]
      const left = answerOf(sendModern(port, 'tools/call', call('wait'), { signal: gone.signal })).catch(
        () => undefined,
      )
      const ended = answerOf(sendModern(port, 'tools/call', call('wait'), { ending: ending.signal }))
      await expect.poll(() => offer.waiting.count).toBe(2)
      gone.abort()
      await expect.poll(() => offer.waiting.aborted).toBe(1)
      ending.abort(new Problem('forbidden', 'Your rights were narrowed.'))
      expect(textOf(await ended)).toBe('Your rights were narrowed.')
      await left
    })

    test('what is cut answers nothing more', async () => {
      const { port, offer } = setUp(create)
      const exchange = sendModern(port, 'tools/call', call('wait'))
      const text = exchange.response.then(response => response.text()).catch(() => 'refused')
      await expect.poll(() => offer.waiting.count).toBe(1)
      exchange.cut()
      expect(await text).not.toContain('result')
      await expect.poll(() => offer.waiting.aborted).toBe(1)
    })

    test('asks a human, and goes on with the answer and its own state', async () => {
      const { port } = setUp(create)
      const sending = { capabilities: { elicitation: { url: {}, form: {} } } }
      const first = await askModern(port, 'tools/call', call('open_page'), sending)
      expect(first.result).toMatchObject({
        resultType: 'input_required',
        inputRequests: { page: { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.example/1' } } },
        requestState: expect.any(String),
      })
      const answered = { inputResponses: { page: { action: 'accept' } }, requestState: first.result?.requestState }
      const second = await askModern(port, 'tools/call', { ...call('open_page'), ...answered }, sending)
      expect(textOf(second)).toBe('opened {"action":"accept"} {"page":1}')
      const prompt = await askModern(port, 'prompts/get', { name: 'test_input_required_result_prompt' }, sending)
      expect(prompt.result).toMatchObject({ resultType: 'input_required', inputRequests: { user_context: {} } })
      const other = await askModern(port, 'tools/call', call('open_page'), { capabilities: { elicitation: {} } })
      expect(other.result).toMatchObject({ isError: true })
      expect((await askModern(port, 'tools/call', call('open_page'))).result).toMatchObject({ isError: true })
      const unasked = await askModern(port, 'prompts/get', { name: 'test_input_required_result_prompt' })
      expect(unasked).toMatchObject({
        status: 400,
        error: { code: -32_021, data: { requiredCapabilities: { elicitation: { form: {} } } } },
      })
    })

    test('takes no state that was changed, made for another, for another tool, or long ago', async () => {
      const { port } = setUp(create)
      const owner = { principalId: 'ann', method: 'tools/call', name: 'open_page' }
      const sealed = new RequestState(stateKey).seal({ page: 1 }, owner)
      const old = new RequestState(stateKey, () => Date.now() - stateEndsAfterMs).seal({ page: 1 }, owner)
      const ask = (requestState: unknown, tool = 'open_page', by = 'ann') => {
        const params = { ...call(tool), inputResponses: { page: { action: 'accept' } }, requestState }
        return askModern(port, 'tools/call', params, { by, capabilities: { elicitation: { url: {} } } })
      }
      expect(textOf(await ask(sealed))).toContain('{"page":1}')
      const [payload, signature] = sealed.split('.')
      const forged = `${Buffer.from('[99999999999999,{"page":2}]').toString('base64url')}.${signature}`
      const refused = [
        ask(forged),
        ask(payload),
        ask(`${sealed}x`),
        ask(old),
        ask(''),
        ask({}),
        ask('x'.repeat(70_000)),
      ]
      for (const { error } of await Promise.all([...refused, ask(sealed, 'whoami'), ask(sealed, 'open_page', 'bob')])) {
        expect(error).toMatchObject({ code: -32_602 })
      }
    })

    test('a client that listens is told of what it asked for, once, as fast as it reads', async () => {
      const { port } = setUp(create)
      const notifications = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] }
      const exchange = sendModern(port, 'subscriptions/listen', { notifications }, { id: 'l-1' })
      const reader = readerOf((await exchange.response).body!)
      expect(await reader.next()).toMatchObject({
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications, _meta: { [`${meta}/subscriptionId`]: 'l-1' } },
      })
      for (let turn = 0; turn < 100; turn++) {
        exchange.publish({ of: 'prompts' })
        exchange.publish({ of: 'resource', uri: `test://other/${turn}` })
        exchange.publish({ of: 'tools' })
        exchange.publish({ of: 'resource', uri: 'test://watched-resource' })
      }
      const told = [await reader.next(), await reader.next()]
      expect(told.map(frame => [frame?.method, frame?.params?.uri])).toEqual([
        ['notifications/tools/list_changed', undefined],
        ['notifications/resources/updated', 'test://watched-resource'],
      ])
      expect(told[0]?.params).toMatchObject({ _meta: { [`${meta}/subscriptionId`]: 'l-1' } })
      const next = reader.next()
      exchange.publish({ of: 'tools' })
      expect((await next)?.method).toBe('notifications/tools/list_changed')
      await exchange.close()
      expect(await reader.next()).toMatchObject({ id: 'l-1', result: { resultType: 'complete' } })
      expect(await reader.next()).toBeUndefined()
    })

    test('nobody listens to a resource that is not theirs', async () => {
      const { port } = setUp(create)
      for (const [uri, code] of [
        ['test://forbidden/1', -32_000],
        ['other://x', -32_602],
      ] as const) {
        const notifications = { resourceSubscriptions: [uri] }
        expect((await askModern(port, 'subscriptions/listen', { notifications })).error?.code).toBe(code)
      }
      const many = Array.from({ length: 101 }, (_, index) => `test://${index}`)
      const { error } = await askModern(port, 'subscriptions/listen', {
        notifications: { resourceSubscriptions: many },
      })
      expect(error?.code).toBe(-32_602)
      expect((await askModern(port, 'subscriptions/listen', {})).error?.code).toBe(-32_602)
    })

    test('answers the methods of an extension, and streams them as fast as they are read', async () => {
      const { port } = setUp(create)
      expect((await askModern(port, 'counter/add', { a: 1, b: 2 })).result).toMatchObject({ sum: 3 })
      expect((await askModern(port, 'counter/add', { a: 1 })).error).toMatchObject({
        code: -32_602,
        message: 'Two numbers.',
      })
      const exchange = sendModern(port, 'counter/stream', {}, { id: 's' })
      const reader = readerOf((await exchange.response).body!)
      for (let count = 0; count < 5; count++) {
        expect(await reader.next()).toMatchObject({ method: 'notifications/counter', params: { id: 's', count } })
      }
      const closed = exchange.close()
      let last = await reader.next()
      let sent = 5
      for (; last?.method; last = await reader.next()) sent++
      await closed
      expect(last).toMatchObject({ id: 's', result: { count: sent } })
      // What was not read was not made either.
      expect(sent).toBeLessThan(10)
    })

    test('knows what stays open', () => {
      const { port } = setUp(create)
      const kindOf = (body: unknown, init: RequestInit = { method: 'POST' }) =>
        port.kindOf(new Request('http://rustymail.invalid/mcp', init), body)
      expect(kindOf(modernFrame('subscriptions/listen'))).toBe('stream')
      expect(kindOf(modernFrame('counter/stream'))).toBe('events')
      for (const body of [modernFrame('tools/call'), [], null, 'x', 7, { method: 7 }, { method: 'constructor' }])
        expect(kindOf(body)).toBe('call')
      expect(kindOf(undefined, { method: 'GET', headers: { 'mcp-session-id': 'x' } })).toBe('stream')
      expect(kindOf(undefined, { method: 'DELETE' })).toBe('call')
    })

    test('refuses what is no message, what it does not know, and headers that say something else', async () => {
      const { port, offer, onFault } = setUp(create)
      const long = 'x'.repeat(201)
      for (const id of [long, null, {}, [], true]) {
        const { status, error, id: answered } = await askModern(port, 'tools/call', call('structured'), { id })
        expect([status, error?.code, answered]).toEqual([400, -32_600, null])
      }
      for (const body of [
        {},
        [],
        'x',
        7,
        null,
        true,
        { jsonrpc: '1.0', id: 1, method: 'ping' },
        [modernFrame('tools/list')],
      ]) {
        const { status, error } = await answerOf(send(port, body))
        expect([status, typeof error?.code]).toEqual([400, 'number'])
      }
      const wrong = async (headers: Record<string, string>) => {
        const { status, error } = await askModern(port, 'tools/call', call('structured'), { headers })
        return [status, error?.code]
      }
      expect(await wrong({ 'mcp-method': 'tools/list' })).toEqual([400, -32_020])
      expect(await wrong({ 'mcp-name': 'bug' })).toEqual([400, -32_020])
      expect(await wrong({ 'mcp-protocol-version': '2025-11-25' })).toEqual([400, -32_020])
      const unknown = await askModern(port, 'nothing/here')
      expect([unknown.status, unknown.error?.code, unknown.id]).toEqual([404, -32_601, 1])
      const old = modernFrame('tools/list')
      const future = JSON.parse(JSON.stringify(old).replace(modern, '2099-01-01'))
      const headers = { 'mcp-protocol-version': '2099-01-01', 'mcp-method': 'tools/list' }
      const answer = await answerOf(send(port, future, { headers }))
      expect([answer.status, answer.error?.data?.supported]).toEqual([400, [modern]])
      expect(offer.calls).toEqual([])
      for (const method of ['GET', 'DELETE']) {
        const response = await send(port, undefined, {}, method).response
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
      }
      // Faults of peers are none of ours.
      expect(onFault).not.toHaveBeenCalled()
    })

    test('a notification is taken, and answered by nothing', async () => {
      const { port } = setUp(create)
      const { id: _none, ...cancelled } = modernFrame('notifications/cancelled', { requestId: 5 })
      const headers = { 'mcp-protocol-version': modern, 'mcp-method': 'notifications/cancelled' }
      const response = await send(port, cancelled, { headers }).response
      expect([response.status, await response.text()]).toEqual([202, ''])
    })
  })

  describe(`the adapter ${name} over HTTP, before 2026`, () => {
    test.each(legacy)('%s: shakes hands, lists and calls', async revision => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, revision, { sampling: {} })
      expect(client.initialized.result).toMatchObject({
        protocolVersion: revision,
        serverInfo: { name: 'fixture', version: '1.0.0' },
        capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
        instructions: 'For tests.',
      })
      expect(client.session).toMatch(/^[\x21-\x7e]{20,64}$/)
      const { response } = client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
      expect((await response).status).toBe(202)
      expect((await client.ask('ping')).result).toEqual({})
      expect(names((await client.ask('tools/list')).result?.tools)).toContain('test_simple_text')
      expect((await client.ask('tools/call', call('structured'))).result).toMatchObject({ content: [{ type: 'text' }] })
      expect(JSON.parse(textOf(await client.ask('tools/call', call('whoami'))))).toEqual({
        id: 'ann',
        revision,
        peer: { name: 'old peer', version: '1' },
        capabilities: { sampling: {} },
      })
      expect((await client.ask('tools/call', call('none'))).error?.code).toBe(-32_602)
      expect((await client.ask('nothing/here')).error?.code).toBe(-32_601)
      expect((await client.ask('counter/add', { a: 1, b: 2 })).result).toMatchObject({ sum: 3 })
    })

    test('another revision is answered with the newest that there is', async () => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '1999-01-01' as never)
      expect(client.initialized.result?.protocolVersion).toBe('2025-11-25')
    })

    test('a session outlives a restart, and one that is not ours is not found', async () => {
      const { port } = setUp(create)
      const { session } = await connectLegacy(port, '2025-06-18', { elicitation: { url: {} } })
      const after = setUp(create).port
      const old = { revision: '2025-06-18', initialized: {}, by: 'ann' } as const
      const known = JSON.parse(textOf(await legacyClient(after, { ...old, session }).ask('tools/call', call('whoami'))))
      expect(known).toMatchObject({ revision: '2025-06-18', capabilities: { elicitation: { url: {} } } })
      for (const made of ['mcp-made-up', `${session}x`, `${session?.slice(0, -2)}AA`, 'x'.repeat(500)]) {
        const client = legacyClient(after, { ...old, session: made })
        expect((await client.ask('tools/list')).status).toBe(404)
        expect((await client.stream().response).status).toBe(404)
      }
      // There are clients that keep no session.
      expect((await legacyClient(after, { ...old, session: undefined }).ask('tools/list')).status).toBe(200)
    })

    test('messages that come together are answered together, in the one revision that has them', async () => {
      const { port } = setUp(create)
      const batch = [
        { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: call('structured') },
        { jsonrpc: '2.0', method: 'notifications/initialized' },
        { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'a' } },
        { jsonrpc: '2.0', id: 'b', method: 'ping' },
      ]
      const with0326 = await connectLegacy(port, '2025-03-26')
      const frames = await framesOf(await with0326.send(batch).response)
      expect(frames.map(({ id }) => id).sort()).toEqual(['a', 'b'])
      const told = await with0326.send([{ jsonrpc: '2.0', method: 'notifications/initialized' }]).response
      expect(told.status).toBe(202)
      for (const body of [[], Array.from({ length: 101 }, () => batch[3]!), [batch[0], { id: 7 }], [batch[0], []]]) {
        expect((await answerOf(with0326.send(body as Frame[]))).status).toBe(400)
      }
      for (const revision of ['2025-06-18', '2025-11-25'] as const) {
        const client = await connectLegacy(port, revision)
        const { status, error } = await answerOf(client.send(batch))
        expect([status, error?.code]).toEqual([400, -32_600])
      }
    })

    test('asks a human on the stream of the call, and takes the answer from nobody else', async () => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '2025-11-25', { elicitation: { url: {}, form: {} } })
      const exchange = client.send({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: call('open_page') })
      const reader = readerOf((await exchange.response).body!)
      const asked = await reader.next()
      expect(asked).toMatchObject({
        method: 'elicitation/create',
        params: { mode: 'url', url: 'https://x.example/1', elicitationId: 'e1' },
      })
      const answer = { jsonrpc: '2.0', id: asked?.id, result: { action: 'accept' } }
      expect((await client.send(answer, { by: 'bob' }).response).status).toBe(400)
      expect((await client.send({ ...answer, id: 0 }).response).status).toBe(400)
      expect((await client.send(answer).response).status).toBe(202)
      const result = (await reader.next()) ?? {}
      expect(textOf(result)).toBe('opened {"action":"accept"} {"page":1}')
      expect((await client.send(answer).response).status).toBe(400)
      const mute = await connectLegacy(port, '2025-11-25')
      expect((await mute.ask('tools/call', call('open_page'))).result).toMatchObject({ isError: true })
    })

    test('progress and log come on the stream of the call, at the level that was set', async () => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '2025-11-25')
      const frames = async (tool: string, _meta?: object) => {
        const params = { ...call(tool), ...(_meta ? { _meta } : {}) }
        return framesOf(await client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }).response)
      }
      expect(await frames('test_tool_with_progress', { progressToken: 9 })).toHaveLength(4)
      expect(await frames('test_tool_with_progress')).toHaveLength(1)
      expect(await frames('test_tool_with_logging')).toHaveLength(4)
      expect((await client.ask('logging/setLevel', { level: 'error' })).result).toEqual({})
      expect(await frames('test_tool_with_logging')).toHaveLength(1)
    })

    test('a session hears of changes on its stream, of which there is one', async () => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '2025-11-25')
      expect((await client.ask('resources/subscribe', { uri: 'test://watched-resource' })).result).toEqual({})
      expect((await client.ask('resources/subscribe', { uri: 'test://forbidden' })).error?.code).toBe(-32_000)
      const older = client.stream()
      const lost = readerOf((await older.response).body!)
      const exchange = client.stream()
      const reader = readerOf((await exchange.response).body!)
      expect(await lost.next()).toBeUndefined()
      const change = (...changes: McpChange[]) => changes.forEach(one => void exchange.publish(one))
      change({ of: 'tools' }, { of: 'tools' }, { of: 'resource', uri: 'test://static-text' })
      expect(await reader.next()).toMatchObject({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
      change({ of: 'resource', uri: 'test://watched-resource' })
      const { method, params } = (await reader.next()) ?? {}
      expect([method, params]).toEqual(['notifications/resources/updated', { uri: 'test://watched-resource' }])
      expect((await client.ask('resources/unsubscribe', { uri: 'test://watched-resource' })).result).toEqual({})
      change({ of: 'resource', uri: 'test://watched-resource' }, { of: 'prompts' })
      expect((await reader.next())?.method).toBe('notifications/prompts/list_changed')
      await exchange.close()
      expect(await reader.next()).toBeUndefined()
    })

    test('a call ends when its client goes', async () => {
      const { port, offer } = setUp(create)
      const gone = new AbortController()
      const client = await connectLegacy(port, '2025-06-18')
      const exchange = client.send(
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call('wait') },
        { signal: gone.signal },
      )
      const text = exchange.response.then(response => response.text()).catch(() => undefined)
      await expect.poll(() => offer.waiting.count).toBe(1)
      gone.abort()
      await expect.poll(() => offer.waiting.aborted).toBe(1)
      await text
    })
  })

  describe(`the adapter ${name} over HTTP+SSE`, () => {
    const open = (create: CreateAdapter, revision = '2024-11-05', capabilities = {}) => {
      const { port, offer, onFault } = setUp(create)
      const session = port.openSse('/messages?sessionId=abc', { asking: asking() })
      const reader = readerOf(session.body)
      const post = (frame: unknown, by = 'ann') => port.postSse(session, frame, asking(by))
      let id = 0
      const ask = async (method: string, params: object = {}, by = 'ann') => {
        const status = await post({ jsonrpc: '2.0', id: ++id, method, params }, by)
        return { ...(await reader.next()), status } as Frame & { status: number }
      }
      const clientInfo = { name: 'sse peer', version: '2' }
      const initialize = () => ask('initialize', { protocolVersion: revision, capabilities, clientInfo })
      return { port, offer, onFault, session, reader, post, ask, initialize }
    }

    test('says first where to post, and answers there what is posted', async () => {
      const { port } = setUp(create)
      const { body } = port.openSse('/messages?sessionId=abc', { asking: asking() })
      const { value } = await body.getReader().read()
      expect(new TextDecoder().decode(value)).toBe('event: endpoint\ndata: /messages?sessionId=abc\n\n')
      const { ask, initialize, session, post } = open(create)
      expect(await initialize()).toMatchObject({ status: 202, id: 1, result: { protocolVersion: '2024-11-05' } })
      expect([session.peer, session.revision]).toEqual([{ name: 'sse peer', version: '2' }, '2024-11-05'])
      expect(await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).toBe(202)
      expect(names((await ask('tools/list')).result?.tools)).toContain('structured')
      const { id } = JSON.parse(textOf(await ask('tools/call', call('whoami'), 'bob')))
      // By whom each message was posted.
      expect(id).toBe('bob')
    })

    test('asks, tells of changes, and refuses what is no message', async () => {
      const { ask, initialize, session, reader, post } = open(create, '2025-06-18', { elicitation: {}, roots: {} })
      session.publish({ of: 'tools' })
      await initialize()
      await post({
        jsonrpc: '2.0',
        id: 9,
        method: 'tools/call',
        params: call('test_input_required_result_elicitation'),
      })
      const asked = await reader.next()
      expect(asked?.method).toBe('elicitation/create')
      await post({ jsonrpc: '2.0', id: asked?.id, result: { action: 'accept', content: { name: 'Ann' } } })
      expect(textOf((await reader.next()) ?? {})).toBe('Hello, Ann!')
      for (const frame of [{}, [], 'x', null, { jsonrpc: '2.0', id: {}, method: 'ping' }]) {
        expect(await post(frame)).toBe(400)
        expect((await reader.next())?.error?.code).toBe(-32_600)
      }
      await ask('resources/subscribe', { uri: 'test://watched-resource' })
      session.publish({ of: 'resource', uri: 'test://static-text' })
      session.publish({ of: 'resource', uri: 'test://watched-resource' })
      session.publish({ of: 'resource', uri: 'test://watched-resource' })
      expect((await reader.next())?.params).toEqual({ uri: 'test://watched-resource' })
      session.publish({ of: 'tools' })
      expect((await reader.next())?.method).toBe('notifications/tools/list_changed')
    })

    test('ends with its client, by close, and at once when it is cut', async () => {
      const first = open(create)
      await first.initialize()
      const running = first.post({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: call('wait') })
      await running
      await expect.poll(() => first.offer.waiting.count).toBe(1)
      await first.reader.cancel()
      await first.session.ended
      await expect.poll(() => first.offer.waiting.aborted).toBe(1)
      const second = open(create)
      await second.initialize()
      await second.session.close()
      expect(await second.reader.next()).toBeUndefined()
      await second.session.ended
      const third = open(create)
      await third.initialize()
      third.session.cut()
      await third.session.ended
      await third.port.close()
    })

    test('a client that posts and never reads is cut', async () => {
      const { session, post, port } = open(create)
      let isOver = false
      session.ended.then(() => {
        isOver = true
      })
      const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
      await post({ jsonrpc: '2.0', id: 'i', method: 'initialize', params })
      for (let id = 0; id < 3000 && !isOver; id++) {
        await port.postSse(session, { jsonrpc: '2.0', id, method: 'tools/list' }, asking())
        await new Promise(resolve => setImmediate(resolve))
      }
      expect(isOver).toBe(true)
    })
  })

  describe(`the adapter ${name} over stdio`, () => {
    const initialize = (revision: string, capabilities = {}) => ({
      method: 'initialize',
      params: { protocolVersion: revision, capabilities, clientInfo: { name: 'pipe', version: '3' } },
    })

    test('2026-07-28: discovers, calls, cancels, listens, and ends with its input', async () => {
      const { port, offer } = setUp(create)
      const { ask, write, until, session, input } = connectStdio(port)
      expect((await ask(modernFrame('server/discover', {}, { id: 'd' }))).result?.supportedVersions).toEqual([modern])
      expect((await ask(modernFrame('tools/call', call('structured'), { id: 'c' }))).result).toMatchObject({
        structuredContent: { sum: 3 },
      })
      expect([session.peer, session.revision]).toEqual([{ name: 'peer', version: '7' }, modern])
      const notifications = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] }
      write(modernFrame('subscriptions/listen', { notifications }, { id: 'l' }))
      await until(({ method }) => method === 'notifications/subscriptions/acknowledged')
      session.publish({ of: 'prompts' })
      session.publish({ of: 'tools' })
      session.publish({ of: 'resource', uri: 'test://watched-resource' })
      const told = await until(({ method }) => method === 'notifications/tools/list_changed')
      expect(told.params).toMatchObject({ _meta: { [`${meta}/subscriptionId`]: 'l' } })
      await until(({ method }) => method === 'notifications/resources/updated')
      const refused = { notifications: { resourceSubscriptions: ['other://x'] } }
      expect((await ask(modernFrame('subscriptions/listen', refused, { id: 'm' }))).error?.code).toBe(-32_602)
      write(modernFrame('tools/call', call('wait'), { id: 'w' }))
      await expect.poll(() => offer.waiting.count).toBe(1)
      const { id: _none, ...cancelled } = modernFrame('notifications/cancelled', { requestId: 'w' })
      write(cancelled)
      await expect.poll(() => offer.waiting.aborted).toBe(1)
      expect((await ask(modernFrame('counter/add', { a: 2, b: 2 }, { id: 'e' }))).result).toMatchObject({ sum: 4 })
      input.end()
      await session.ended
    })

    test.each(legacy)('%s: shakes hands, calls, asks, and says goodbye', async revision => {
      const { port } = setUp(create)
      const { ask, write, until, session } = connectStdio(port)
      const { result } = await ask(initialize(revision, { sampling: {}, roots: {} }))
      expect(result?.protocolVersion).toBe(revision)
      write({ jsonrpc: '2.0', method: 'notifications/initialized' })
      expect(names((await ask({ method: 'tools/list' })).result?.tools)).toContain('bug')
      const answer = ask({ method: 'tools/call', params: call('test_input_required_result_list_roots') })
      const asked = await until(({ method }) => method === 'roots/list')
      write({ jsonrpc: '2.0', id: asked.id, result: { roots: [{ uri: 'file:///home' }] } })
      expect(textOf(await answer)).toContain('file:///home')
      expect([session.peer, session.revision]).toEqual([{ name: 'pipe', version: '3' }, revision])
      session.publish({ of: 'tools' })
      await until(({ method }) => method === 'notifications/tools/list_changed')
      await session.close()
      await session.ended
    })

    test('what is no message is answered and hurts nobody', async () => {
      const { port } = setUp(create)
      const { ask, input, until } = connectStdio(port)
      await ask(initialize('2025-11-25'))
      input.write('{"jsonrpc":"2.0",\n')
      expect((await until(({ id }) => id === null)).error?.code).toBe(-32_700)
      for (const line of [
        '{}',
        '[]',
        '7',
        '"x"',
        'null',
        '{"jsonrpc":"2.0","id":{},"method":"ping"}',
        `${'x'.repeat(5e6)}`,
      ]) {
        input.write(`${line}\n\r\n`)
        expect((await until(({ id }) => id === null)).error?.code).toBeTypeOf('number')
      }
      input.write('{"jsonrpc":"2.0","id":"half",')
      input.write('"method":"ping"}\r\n')
      expect((await until(({ id }) => id === 'half')).result).toEqual({})
    })

    test('messages of 2025-03-26 that come together are answered together', async () => {
      const { port } = setUp(create)
      const { ask, write, session, output } = connectStdio(port)
      await ask(initialize('2025-03-26'))
      const line = new Promise<string>(resolve => output.once('data', data => resolve(String(data))))
      write([
        { jsonrpc: '2.0', id: 'a', method: 'ping' },
        { jsonrpc: '2.0', id: 'b', method: 'tools/list' },
      ])
      expect(
        JSON.parse(await line)
          .map(({ id }: Frame) => id)
          .sort(),
      ).toEqual(['a', 'b'])
      session.cut()
    })

    test('what is cancelled takes no place any more, and holds up nothing', async () => {
      const { port, offer } = setUp(create)
      const { ask, write, until } = connectStdio(port)
      await ask(initialize('2025-03-26'))
      for (let id = 100; id < 200; id++) {
        write({ jsonrpc: '2.0', id, method: 'tools/call', params: call('wait') })
        await expect.poll(() => offer.waiting.count, { interval: 1 }).toBe(id - 99)
        write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
        await expect.poll(() => offer.waiting.aborted, { interval: 1 }).toBe(id - 99)
      }
      write([
        { jsonrpc: '2.0', id: 'w', method: 'tools/call', params: call('wait') },
        { jsonrpc: '2.0', id: 'p', method: 'ping' },
      ])
      await expect.poll(() => offer.waiting.count).toBe(101)
      write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'w' } })
      expect((await until(line => [line].flat().some(({ id }) => id === 'p'))) as unknown).toMatchObject([{ id: 'p' }])
    })

    test('has the experimental words of its host', async () => {
      const { port } = setUp(create)
      const heard: unknown[] = []
      const { ask, write, until, session } = connectStdio(port, {
        experimental: { 'claude/channel': {} },
        onNotification: (method, params) => void heard.push([method, params]),
      })
      const { result } = await ask(initialize('2025-11-25'))
      expect(result?.capabilities).toMatchObject({ experimental: { 'claude/channel': {} } })
      write({ jsonrpc: '2.0', method: 'notifications/claude/channel/permission', params: { id: 7 } })
      await expect.poll(() => heard).toEqual([['notifications/claude/channel/permission', { id: 7 }]])
      await session.notify('notifications/claude/channel', { content: 'mail' })
      const told = await until(({ method }) => method === 'notifications/claude/channel')
      expect(told.params).toEqual({ content: 'mail' })
    })
  })

  describe(`the adapter ${name}`, () => {
    test('ends all that is open when it closes', async () => {
      const { port } = setUp(create)
      const notifications = { toolsListChanged: true }
      const listening: McpHttpExchange = sendModern(port, 'subscriptions/listen', { notifications })
      const frames = framesOf(await listening.response)
      const sse = port.openSse('/messages', { asking: asking() })
      const text = new Response(sse.body).text()
      const { session } = connectStdio(port)
      await port.close()
      expect((await frames).at(-1)).toMatchObject({ result: { resultType: 'complete' } })
      await Promise.all([text, sse.ended, session.ended])
    })
  })
}
