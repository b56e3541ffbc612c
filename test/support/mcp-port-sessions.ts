/** Long-lived connections: HTTP+SSE and stdio, and how they end. Part of the suite that every MCP adapter passes. */
import { describe, expect, test } from 'vitest'
import type { McpHttpExchange } from '../../server/mcp/mcp-port.ts'
import {
  asking,
  connectStdio,
  type Frame,
  framesOf,
  legacy,
  modern,
  modernFrame,
  readerOf,
  sendModern,
} from './mcp-frames-client.ts'
import { type CreateAdapter, call, meta, names, setUp, textOf } from './mcp-port-set-up.ts'

export function describeSessions(name: string, create: CreateAdapter): void {
  describe(`the adapter ${name} over HTTP+SSE`, () => {
    const open = (create: CreateAdapter, revision = '2024-11-05', capabilities = {}) => {
      const { port, offer, onFault } = setUp(create)
      const session = port.openSse('/messages?sessionId=abc', { context: asking() })
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
      const { body } = port.openSse('/messages?sessionId=abc', { context: asking() })
      const { value } = await body.getReader().read()
      expect(new TextDecoder().decode(value)).toBe('event: endpoint\ndata: /messages?sessionId=abc\n\n')
      const { ask, initialize, session, post } = open(create)
      expect(await initialize()).toMatchObject({ status: 202, id: 1, result: { protocolVersion: '2024-11-05' } })
      expect([session.peer, session.revision]).toEqual([{ name: 'sse peer', version: '2' }, '2024-11-05'])
      expect(await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).toBe(202)
      expect(names((await ask('tools/list')).result?.tools)).toContain('structured')
      const { id } = JSON.parse(textOf(await ask('tools/call', call('whoami'), 'bob')))
      // The principal that posted each message.
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

    test('input that is no message is answered and does no harm', async () => {
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
      // The same as in a body over HTTP.
      const bytes = (text: string) => Buffer.from(`${text}\n`, 'latin1')
      for (const [code, line] of [
        [-32_700, bytes('{"jsonrpc":"2.0","id":1,"method":"p\xffng"}')],
        [-32_600, bytes('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}')],
        [-32_600, bytes('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{"a":1}}}')],
      ] as const) {
        input.write(line)
        expect((await until(({ id }) => id === null)).error?.code).toBe(code)
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
      const sse = port.openSse('/messages', { context: asking() })
      const text = new Response(sse.body).text()
      const { session } = connectStdio(port)
      await port.close()
      expect((await frames).at(-1)).toMatchObject({ result: { resultType: 'complete' } })
      await Promise.all([text, sse.ended, session.ended])
    })
  })
}
