/** Every way to reach MCP over HTTP, by either adapter: sessions of 2024, other origins, a restart, oversized input. */
import { Client, SSEClientTransport } from '@modelcontextprotocol/client'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpPath, messagesPath, ssePath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { maxOpen } from '../../server/mcp/exchange-registry.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { fill, hold, namesOf, refOf, startMcpWorld } from '../support/mcp-world.ts'
import { People, type Proof, runApp, startApp } from '../support/people.ts'
import { headOf, openRaw } from '../support/raw-http.ts'
import { startHere } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'

const adapters = ['sdk', 'native'] as const
const world = (adapter: string) => startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
const tokenPath = (id: string) => fill(api.tokens.revokeToken.path, id)

/** Connects a client of 2024, as in the official SDK. */
async function connectSse(people: People, proof: Proof) {
  const client = new Client({ name: 'old', version: '0.9' }, { versionNegotiation: { mode: 'legacy' } })
  onTestFinished(() => client.close())
  let changes = 0
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
  await client.connect(
    new SSEClientTransport(new URL(people.url + ssePath), {
      requestInit: { headers: proof },
      eventSourceInit: {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...proof, accept: 'text/event-stream' } }),
      },
    }),
  )
  return { client, changes: () => changes }
}

/** Opens the stream alone; returns the endpoint to post to. */
async function openSse(people: People, proof: Proof) {
  const answer = await fetch(people.url + ssePath, { headers: proof })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  onTestFinished(() => reader?.cancel().catch(() => undefined))
  const read = async () => (await reader?.read())?.value ?? 'over'
  const endpoint = /^event: endpoint\ndata: (\S+)/.exec(answer.ok ? await read() : '')?.[1] ?? ''
  return { status: answer.status, endpoint, read }
}

test.each(adapters)(
  'with %s a client of 2024 works in a session, and its end ends what it asked for',
  async adapter => {
    const { people, gateway, ann } = await world(adapter)
    const token = await people.token(['mail:read'], [ann])
    const { client, changes } = await connectSse(people, token.proof)
    expect(await namesOf(client)).toContain('mail_read')
    const ref = await refOf(client)
    // Another token cannot use it, nor can the same one from another session.
    const { endpoint } = await openSse(people, token.proof)
    const other = await people.token(['mail:read'], [ann])
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect((await people.ask(other.proof, 'POST', endpoint, ping)).status).toBe(404)
    expect((await people.ask(token.proof, 'POST', `${messagesPath}?sessionId=none`, ping)).status).toBe(404)
    expect((await people.ask(token.proof, 'POST', endpoint, ping)).status).toBe(202)
    // Narrowed rights are announced, end calls that need more, and apply to later ones.
    const held = hold(gateway, 'getMessage')
    const running = client.callTool({ name: 'mail_read', arguments: { refs: [ref] } })
    await expect.poll(held.count).toBe(1)
    await people.tell(people.admin, 'PATCH', tokenPath(token.id), { scopes: ['mail:meta'] })
    await expect.poll(changes).toBeGreaterThan(0)
    expect(JSON.stringify(await running)).toContain('forbidden')
    expect(await namesOf(client)).not.toContain('mail_read')
    const over = new Promise<void>(resolve => {
      client.onclose = resolve
    })
    client.onerror = () => void client.close()
    await people.tell(people.admin, 'DELETE', tokenPath(token.id))
    await over
  },
)

test.each(adapters)(
  'with %s the calls of a session are counted, and what is wrong is refused in words',
  async adapter => {
    const { people, gateway, ann } = await world(adapter)
    const { proof } = await people.token(['mail:read'], [ann])
    const sessions = [await connectSse(people, proof), await connectSse(people, proof)]
    hold(gateway, 'listFolders')
    const leaving = new AbortController()
    const call = (_: unknown, index: number) =>
      sessions[index % 2]!.client.callTool({ name: 'mail_folders', arguments: {} }, { signal: leaving.signal }).catch(
        String,
      )
    const calls = Array.from({ length: maxOpen.call.person }, call)
    const { client } = await connectSse(people, proof)
    const more = () => client.callTool({ name: 'mail_accounts', arguments: {} }).then(() => 'free', String)
    await expect.poll(more).toMatch(/already have 50 MCP calls/)
    leaving.abort()
    await Promise.all(calls)
    // The calls have ended in their adapter, too.
    await expect.poll(more).toBe('free')
    const { endpoint, read } = await openSse(people, proof)
    for (const body of [{}, 'x', { jsonrpc: '2.0', id: 'x'.repeat(300), method: 'ping' }]) {
      expect((await people.ask(proof, 'POST', endpoint, body)).status).toBe(400)
    }
    expect((await people.ask(proof, 'POST', endpoint, { jsonrpc: '2.0', id: 7, method: 'ping' })).status).toBe(202)
    // Errors come on the stream, too.
    await expect.poll(read).toContain('"id":7')
  },
)

test.each(adapters)('with %s sessions are bounded, and a freeze of reading ends them', async adapter => {
  const { people, ann } = await world(adapter)
  const { proof } = await people.token(['mail:send'], [ann])
  const open: Awaited<ReturnType<typeof openSse>>[] = []
  const next = () => openSse(people, proof).then(({ status }) => status)
  for (let number = 0; number < maxOpen.stream.person; number++) open.push(await openSse(people, proof))
  expect(open.map(({ status }) => status)).toEqual(open.map(() => 200))
  expect(await next()).toBe(429)
  await people.tell(people.admin, 'POST', api.freezes.freeze.path, { everything: true, reads: 'stop' })
  for (const { read } of open) expect(await read()).toBe('over')
})

test.each(adapters)(
  'with %s sessions end when an administrator disconnects their client, and at a stop',
  async adapter => {
    const lines: string[] = []
    const logger = createLogger('warn', { write: line => void lines.push(line) })
    const environment = { RUSTYMAIL_MCP_ADAPTER: adapter }
    const { people, stop } = await runApp({ environment, overrides: { gateway: new MemoryGateway(), logger } })
    let isStopped = false
    onTestFinished(() => (isStopped ? undefined : stop()))
    const { proof } = await people.token(['mail:read'])
    const kicked = await openSse(people, proof)
    const path = `${api.clients.listClients.path}?kind=mcp`
    const { clients } = await people.tell<{ clients: { id: string; streams: number }[] }>(people.admin, 'GET', path)
    expect(clients).toMatchObject([{ streams: 1 }])
    await people.tell(people.admin, 'DELETE', fill(api.clients.disconnectClient.path, clients[0]!.id))
    expect(await kicked.read()).toBe('over')
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect((await people.ask(proof, 'POST', kicked.endpoint, ping)).status).toBe(404)
    const session = await openSse(people, proof)
    expect((await people.ask(proof, 'POST', session.endpoint, ping)).status).toBe(202)
    expect(await session.read()).toContain('"id":1')
    isStopped = true
    await stop()
    expect(await session.read()).toBe('over')
    // The log names what was waited for until the deadline.
    expect(lines.join('')).not.toContain('did not stop cleanly')
  },
)

test.each(adapters)(
  'with %s event streams of a session take places as others do, and give them back',
  async adapter => {
    const { people, ann } = await world(adapter)
    const token = await people.token(['mail:read'], [ann])
    const session = async () => {
      const { endpoint, read } = await openSse(people, token.proof)
      const post = (body: object) => people.ask(token.proof, 'POST', endpoint, { jsonrpc: '2.0', ...body })
      const heard: string[] = []
      const until = async (part: string, count = 1) => {
        while (heard.join('').split(part).length <= count) {
          const piece = await read()
          if (piece === 'over') throw new Error(`the stream ended before ${count} times ${part}`)
          heard.push(piece)
        }
      }
      const clientInfo = { name: 'old', version: '1' }
      const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }
      await post({ id: 'hello', method: 'initialize', params })
      await until('serverInfo')
      await post({ method: 'notifications/initialized' })
      return { post, heard, until }
    }
    const follow = (id: number | string) => ({ id, method: 'events/stream', params: { name: 'message.received' } })
    // A session may have as many subscriptions as a user: another session has one of them.
    const other = await session()
    await other.post(follow(0))
    await other.until('notifications/events/active')
    const { post, heard, until } = await session()
    const places = maxOpen.events.person - 1
    for (let id = 0; id <= places; id++) await post(follow(id))
    await until('already have')
    await until('notifications/events/active', places)
    await post({ id: 'list', method: 'tools/list' })
    await until('"id":"list"')
    expect(heard.join('')).toContain('mail_read')
    await post({ method: 'notifications/cancelled', params: { requestId: 0 } })
    await post(follow('again'))
    await until('notifications/events/active', places + 1)
    expect(heard.join('').split('already have').length - 1).toBe(1)
  },
)

test('a client that posts and reads nothing is cut, and gives its place back', async () => {
  const { people, ann } = await world('native')
  const { proof } = await people.token(['mail:send'], [ann])
  const connection = await openRaw(people.url, headOf('GET', ssePath, proof))
  await expect.poll(connection.text).toContain('sessionId=')
  connection.socket.pause()
  const [, endpoint = ''] = /data: (\S+)/.exec(connection.text()) ?? []
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  const post = async () => (await people.ask(proof, 'POST', endpoint, list)).status
  let last = new Set<number>()
  for (let turn = 0; turn < 400 && !last.has(404); turn++)
    last = new Set(await Promise.all(Array.from({ length: 20 }, post)))
  expect(last).toContain(404)
})

test.each(adapters)(
  'with %s a page of a named origin gets through, from what its browser asks before to the reason of a refusal',
  async adapter => {
    const friend = 'https://friend.example'
    const environment = { RUSTYMAIL_MCP_ADAPTER: adapter, RUSTYMAIL_ALLOWED_ORIGINS: friend }
    const { people } = await startApp({ environment, overrides: { gateway: new MemoryGateway() } })
    const { proof } = await people.token(['dashboard:read'])
    for (const [method, path] of [
      ['POST', mcpPath],
      ['GET', ssePath],
      ['POST', messagesPath],
    ] as const) {
      const asked = { origin: friend, 'access-control-request-method': method }
      const before = await fetch(people.url + path, { method: 'OPTIONS', headers: asked })
      expect([before.status, before.headers.get('access-control-allow-origin')]).toEqual([204, friend])
      const allowed = before.headers.get('access-control-allow-headers')!.toLowerCase().split(', ')
      expect(allowed).toEqual(
        expect.arrayContaining([
          'authorization',
          'content-type',
          'mcp-session-id',
          'mcp-protocol-version',
          'mcp-method',
          'mcp-name',
          'last-event-id',
        ]),
      )
      const refused = await fetch(people.url + path, { method, headers: { origin: friend } })
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('Bearer'),
      ])
      const shown = refused.headers.get('access-control-expose-headers')!.toLowerCase().split(', ')
      expect(shown).toEqual(expect.arrayContaining(['www-authenticate', 'mcp-session-id', 'mcp-protocol-version']))
      const strange = await fetch(people.url + path, { method, headers: { ...proof, origin: 'https://evil.example' } })
      expect([strange.status, strange.headers.get('access-control-allow-origin')]).toEqual([403, null])
    }
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
    expect(
      (
        await people.ask(
          { ...proof, origin: friend, accept: 'application/json, text/event-stream' },
          'POST',
          mcpPath,
          list,
        )
      ).status,
    ).toBe(200)
  },
)

test.each(adapters)('with %s batches are answered in the revision that has them, and in no other', async adapter => {
  const { people } = await world(adapter)
  const { proof } = await people.token(['mail:read'])
  const accept = 'application/json, text/event-stream'
  const batch = [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} },
  ]
  const ask = (revision: string, body: unknown) =>
    people.ask({ ...proof, accept, 'mcp-protocol-version': revision }, 'POST', mcpPath, body)
  const answer = await fetch(people.url + mcpPath, {
    method: 'POST',
    headers: { ...proof, accept, 'content-type': 'application/json', 'mcp-protocol-version': '2025-03-26' },
    body: JSON.stringify(batch),
  })
  const text = await answer.text()
  expect(answer.status).toBe(200)
  for (const id of [1, 2]) expect(text).toContain(`"id":${id}`)
  expect((await ask('2025-11-25', batch)).status).toBe(400)
  expect(
    (
      await ask(
        '2025-03-26',
        Array.from({ length: 51 }, () => batch[0]),
      )
    ).status,
  ).toBe(400)
  const large = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { x: 'x'.repeat(4 * 1024 * 1024) } }
  const refused = await people.ask({ ...proof, accept }, 'POST', mcpPath, large)
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
    413,
    { code: 'too_large', detail: expect.any(String) },
  ])
})

test.each(adapters)(
  'with %s a session of 2025 outlives a restart, and one that is none of ours is to begin again',
  async adapter => {
    const environment = { RUSTYMAIL_MCP_ADAPTER: adapter }
    const first = await startHere({ environment })
    let people = new People(first.url, await enter(first.url))
    const { proof } = await people.token(['mail:read'])
    const accept = 'application/json, text/event-stream'
    const hello = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'A client with a name of its own', version: '2026.11.29-beta' },
    }
    const begin = { jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }
    const opened = await people.ask({ ...proof, accept }, 'POST', mcpPath, begin)
    const session = opened.headers.get('mcp-session-id')!
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} }
    const ask = (id: string, body: object = list) =>
      fetch(people.url + mcpPath, {
        method: 'POST',
        headers: {
          ...{ ...proof, accept, 'content-type': 'application/json' },
          ...{ 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' },
        },
        body: JSON.stringify(body),
      })
    expect((await ask(session)).status).toBe(200)
    await first.stop()
    const second = await startHere({ environment, dataDir: first.dataDir })
    people = new People(second.url, people.admin.cookie!)
    // Its client continues as if nothing had happened: its first message to this server is no `initialize`.
    const again = await ask(session)
    expect([again.status, await again.text()]).toEqual([200, expect.stringContaining('mail_read')])
    // It is recognised by the name that it gave before.
    const call = { ...list, method: 'tools/call', params: { name: 'mail_accounts', arguments: {} } }
    expect((await ask(session, call)).status).toBe(200)
    const trail = `${api.audit.listAudit.path}?operation=tool.mail_accounts`
    // Audit entries of reads are written a moment later.
    await expect
      .poll(async () => (await people.tell<{ items: { refs: object }[] }>(people.admin, 'GET', trail)).items)
      .toMatchObject([{ refs: { client: 'A client with a name of its own 2026.11.29-beta' } }])
    for (const wrong of ['', 'mcp-AAAA', session.slice(0, -2), 'x'.repeat(100)]) {
      expect([wrong, (await ask(wrong)).status]).toEqual([wrong, 404])
    }
  },
)
