/** Streamable HTTP of the revisions before 2026. Part of the suite that every adapter of MCP passes. */
import { describe, expect, test } from 'vitest'
import type { McpChange } from '../../server/mcp/mcp-port.ts'
import { answerOf, connectLegacy, type Frame, framesOf, legacy, legacyClient, readerOf } from './mcp-frames-client.ts'
import { type CreateAdapter, call, names, setUp, textOf } from './mcp-port-set-up.ts'

export function describeHttpBefore(name: string, create: CreateAdapter): void {
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
      // Some clients do not keep a session.
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

    test('asks a human on the stream of the call, and takes the answer only from its caller', async () => {
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

    test('anyone who knows the id of a session shares neither its stream nor its subscriptions nor its log level', async () => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '2025-11-25')
      const uri = 'test://watched-resource'
      await client.ask('resources/subscribe', { uri })
      const exchange = client.stream()
      const reader = readerOf((await exchange.response).body!)
      for (const by of ['bob', 'cy', 'di']) {
        const foreign = readerOf((await client.stream({ by }).response).body!)
        await client.ask('resources/subscribe', { uri }, { by })
        await client.ask('resources/unsubscribe', { uri }, { by })
        await client.ask('logging/setLevel', { level: 'emergency' }, { by })
        await foreign.cancel()
      }
      void exchange.publish({ of: 'resource', uri })
      expect((await reader.next())?.params).toEqual({ uri })
      const params = call('test_tool_with_logging')
      const frames = await framesOf(await client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }).response)
      expect(frames).toHaveLength(4)
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
}
