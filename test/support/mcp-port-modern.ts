/** Streamable HTTP of revision 2026-07-28. Part of the suite that every adapter of MCP passes. */
import { describe, expect, test, vi } from 'vitest'
import { RequestState, stateEndsAfterMs } from '../../server/mcp/request-state.ts'
import { Problem } from '../../server/platform/problem.ts'
import {
  answerOf,
  connectLegacy,
  framesOf,
  modern,
  modernFrame,
  readerOf,
  requestModern,
  send,
  sendModern,
} from './mcp-frames-client.ts'
import { type CreateAdapter, call, meta, names, setUp, stateKey, textOf } from './mcp-port-set-up.ts'

export function describeModernHttp(name: string, create: CreateAdapter): void {
  describe(`the adapter ${name} over HTTP, 2026-07-28`, () => {
    test('says what it is and can', async () => {
      const { port } = setUp(create)
      const { result, status } = await requestModern(port, 'server/discover')
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
      expect(names((await requestModern(port, 'tools/list')).result?.tools)).toContain('test_simple_text')
      const { result } = await requestModern(port, 'tools/call', call('structured'))
      expect(result).toMatchObject({ resultType: 'complete', structuredContent: { sum: 3 } })
      expect(names((await requestModern(port, 'resources/list')).result?.resources)).toContain('Watched')
      expect(names((await requestModern(port, 'resources/templates/list')).result?.resourceTemplates)).toEqual([
        'Template',
      ])
      const read = await requestModern(port, 'resources/read', { uri: 'test://template/9/data' })
      expect(read.result?.contents).toMatchObject([{ uri: 'test://template/9/data', mimeType: 'application/json' }])
      expect(names((await requestModern(port, 'prompts/list')).result?.prompts)).toContain('test_simple_prompt')
      const prompt = { name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } }
      expect(JSON.stringify((await requestModern(port, 'prompts/get', prompt)).result)).toContain("arg1='a', arg2='b'")
      const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }
      const completed = await requestModern(port, 'completion/complete', {
        ref,
        argument: { name: 'arg1', value: 'pari' },
      })
      expect(completed.result?.completion).toMatchObject({ values: ['paris'] })
    })

    test('passes on the caller, its client and its capabilities', async () => {
      const { port } = setUp(create)
      const sending = { by: 'bob', capabilities: { sampling: {} } }
      expect(JSON.parse(textOf(await requestModern(port, 'tools/call', call('whoami'), sending)))).toEqual({
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
      await requestModern(port, 'tools/call', wanted)
      const old = await connectLegacy(port, '2025-11-25')
      await old.ask('tools/call', wanted)
      await requestModern(port, 'tools/call', { ...wanted, _meta: { traceparent: 'x'.repeat(1_000) } })
      const told = called.mock.calls.map(([, , { trace: of, id }]) => ({ of, hasId: id !== undefined }))
      expect(told.map(({ of }) => of)).toEqual([trace, trace, undefined])
      expect(told.every(({ hasId }) => hasId)).toBe(true)
    })

    test('answers what is wrong in the words of the offer, and faults of ours without detail', async () => {
      const { port, onFault } = setUp(create)
      expect((await requestModern(port, 'tools/call', call('test_error_handling'))).result).toMatchObject({
        isError: true,
      })
      const none = await requestModern(port, 'tools/call', call('none'))
      expect(none.error).toMatchObject({ code: -32_602, message: 'There is no tool none.' })
      const refused = await requestModern(port, 'resources/read', { uri: 'test://forbidden' })
      expect(refused.error).toMatchObject({
        code: -32_000,
        message: 'You may not see this.',
        data: { code: 'forbidden' },
      })
      const absent = await requestModern(port, 'resources/read', { uri: 'test://none' })
      expect(absent.error).toMatchObject({ code: -32_602, data: { uri: 'test://none' } })
      expect(onFault).not.toHaveBeenCalled()
      const bug = await requestModern(port, 'tools/call', call('bug'))
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
      const first = await requestModern(port, 'tools/call', call('open_page'), sending)
      expect(first.result).toMatchObject({
        resultType: 'input_required',
        inputRequests: { page: { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.example/1' } } },
        requestState: expect.any(String),
      })
      const answered = { inputResponses: { page: { action: 'accept' } }, requestState: first.result?.requestState }
      const second = await requestModern(port, 'tools/call', { ...call('open_page'), ...answered }, sending)
      expect(textOf(second)).toBe('opened {"action":"accept"} {"page":1}')
      const prompt = await requestModern(port, 'prompts/get', { name: 'test_input_required_result_prompt' }, sending)
      expect(prompt.result).toMatchObject({ resultType: 'input_required', inputRequests: { user_context: {} } })
      const other = await requestModern(port, 'tools/call', call('open_page'), { capabilities: { elicitation: {} } })
      expect(other.result).toMatchObject({ isError: true })
      expect((await requestModern(port, 'tools/call', call('open_page'))).result).toMatchObject({ isError: true })
      const unasked = await requestModern(port, 'prompts/get', { name: 'test_input_required_result_prompt' })
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
        return requestModern(port, 'tools/call', params, { by, capabilities: { elicitation: { url: {} } } })
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

    test('no caller can listen to a resource that it may not read', async () => {
      const { port } = setUp(create)
      for (const [uri, code] of [
        ['test://forbidden/1', -32_000],
        ['other://x', -32_602],
      ] as const) {
        const notifications = { resourceSubscriptions: [uri] }
        expect((await requestModern(port, 'subscriptions/listen', { notifications })).error?.code).toBe(code)
      }
      const many = Array.from({ length: 101 }, (_, index) => `test://${index}`)
      const { error } = await requestModern(port, 'subscriptions/listen', {
        notifications: { resourceSubscriptions: many },
      })
      expect(error?.code).toBe(-32_602)
      expect((await requestModern(port, 'subscriptions/listen', {})).error?.code).toBe(-32_602)
    })

    test('answers the methods of an extension, and streams them as fast as they are read', async () => {
      const { port } = setUp(create)
      expect((await requestModern(port, 'counter/add', { a: 1, b: 2 })).result).toMatchObject({ sum: 3 })
      expect((await requestModern(port, 'counter/add', { a: 1 })).error).toMatchObject({
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
      // What was not read was not produced either.
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
        const { status, error, id: answered } = await requestModern(port, 'tools/call', call('structured'), { id })
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
        const { status, error } = await requestModern(port, 'tools/call', call('structured'), { headers })
        return [status, error?.code]
      }
      expect(await wrong({ 'mcp-method': 'tools/list' })).toEqual([400, -32_020])
      expect(await wrong({ 'mcp-name': 'bug' })).toEqual([400, -32_020])
      expect(await wrong({ 'mcp-protocol-version': '2025-11-25' })).toEqual([400, -32_020])
      const unknown = await requestModern(port, 'nothing/here')
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
      // Faults of peers are not reported as ours.
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
}
