/** Open connections of MCP clients: none outlives the right to it, and each releases its slot. */
import { request } from 'node:http'
import { expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { maxOpen } from '../../server/mcp/exchange-registry.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { callTool, connectMcp, eras } from '../support/mcp-client.ts'
import { fill, hold, isRefused, listen, namesOf, refOf, startMcpWorld } from '../support/mcp-world.ts'
import { type People, type Proof, runApp } from '../support/people.ts'

const adapters = ['sdk', 'native']
const world = (adapter: string) => startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
const tokenPath = (id: string) => fill(api.tokens.revokeToken.path, id)
/** Ways in which a right ends: immediately, or a moment after the announcement. */
const ends: [string, (people: People, id: string) => Promise<unknown>][] = [
  ['revoked', (people, id) => people.tell(people.admin, 'DELETE', tokenPath(id))],
  ['rotated', (people, id) => people.tell(people.admin, 'POST', fill(api.tokens.rotateToken.path, id))],
  [
    'over',
    (people, id) => {
      const expires_at = new Date(Date.now() + 500).toISOString()
      return people.tell(people.admin, 'PATCH', tokenPath(id), { expires_at })
    },
  ],
]

test.each(ends.flatMap(([name, end]) => adapters.map(adapter => [name, adapter, end] as const)))(
  'when a token is %s, what listens and what runs with %s ends',
  async (_, adapter, end) => {
    const { people, gateway, ann } = await world(adapter)
    const token = await people.token(['mail:read'], [ann])
    const { client, stream } = await listen(people, token.proof)
    const held = hold(gateway, 'listFolders')
    const calls = []
    for (const era of eras) calls.push(callTool(await connectMcp(people.url, token.proof, era), 'mail_folders'))
    await expect.poll(held.count).toBe(eras.length)
    await end(people, token.id)
    expect(await stream.closed).toBe('graceful')
    for (const call of calls) expect(await call).toMatchObject({ isError: true, value: { code: 'unauthorized' } })
    expect(await isRefused(client)).toMatch(/401|Unauthorized/i)
  },
)

test('a user who is disabled is out of MCP at once, with all tokens', async () => {
  const { people, ann } = await startMcpWorld()
  const { userId, proof } = await people.invite('operator')
  const body = { name: 'mine', scopes: ['mail:read'], accounts: [ann] }
  const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, body)
  const { client, stream } = await listen(people, { authorization: `Bearer ${token}` })
  await people.tell(people.admin, 'PATCH', fill(api.users.changeUser.path, userId), { disabled: true })
  expect(await stream.closed).toBe('graceful')
  expect(await isRefused(client)).toMatch(/401|Unauthorized/i)
})

test.each(adapters)(
  'with %s a token that is narrowed keeps its stream, is told within a second, and finds fewer tools',
  async adapter => {
    const { people, gateway, ann } = await world(adapter)
    const token = await people.token(['mail:read'], [ann])
    const other = await people.token(['mail:read'], [ann])
    const [narrowed, untouched] = [await listen(people, token.proof), await listen(people, other.proof)]
    const refs = [await refOf(narrowed.client)]
    const held = hold(gateway, 'getMessage')
    const running = callTool(narrowed.client, 'mail_read', { refs })
    await expect.poll(held.count).toBe(1)
    await people.tell(people.admin, 'PATCH', tokenPath(token.id), { scopes: ['mail:meta'] })
    await expect.poll(narrowed.changes).toBe(1)
    // A running call fails if the right that it started with is gone.
    expect(await running).toMatchObject({ isError: true, value: { code: 'forbidden' } })
    expect(await namesOf(narrowed.client)).toEqual(['mail_accounts', 'mail_folders', 'mail_search', 'mail_changes'])
    expect(untouched.changes()).toBe(0)
    await narrowed.stream.close()
    await untouched.stream.close()
  },
)

test('a principal has so many streams and no more, and one that ends makes room', async () => {
  const { people } = await startMcpWorld()
  const { proof } = await people.token(['mail:read'])
  const open = []
  for (let number = 0; number < maxOpen.stream.person; number++) open.push(await listen(people, proof))
  await expect(listen(people, proof)).rejects.toThrow(/429|too_many_streams|Too many/)
  await open[0]!.stream.close()
  await expect.poll(() => listen(people, proof).then(() => 'open', String)).toBe('open')
})

test('requests above the rate are rejected at the door, and searches above theirs with the time to retry', async () => {
  const { people, ann } = await startMcpWorld({ environment: { RUSTYMAIL_RATE_LIMIT: '300' } })
  const { proof } = await people.token(['mail:meta'], [ann])
  const client = await connectMcp(people.url, proof)
  const search = () => callTool(client, 'mail_search', { q: 'lunch' })
  const refusal = async () => {
    for (let turn = 0; turn < 200; turn++) {
      const answer = await search()
      if (answer.isError) return answer.value
    }
    return undefined
  }
  const hint = expect.stringMatching(/^Wait \d+ s, then call again\.$/)
  expect(await refusal()).toMatchObject({ code: 'too_many_requests', hint })
  const areRefused = async () => {
    const lists = Array.from({ length: 300 }, () => isRefused(client))
    return (await Promise.all(lists)).some(words => words.includes('too_many_requests'))
  }
  // On a slow machine the bucket refills meanwhile, so one round may not empty it.
  let isEmpty = false
  for (let round = 0; round < 10 && !isEmpty; round++) isEmpty = await areRefused()
  expect(isEmpty).toBe(true)
})

test('a page of somebody else gets nothing, not even with a token or under a name of its own', async () => {
  const { people } = await startMcpWorld()
  const { proof } = await people.token(['mail:read'])
  const own = new URL(people.url)
  const cookie = people.admin.cookie!
  const foreign: Proof[] = [
    { ...proof, origin: 'https://evil.example' },
    { cookie, origin: 'https://evil.example' },
    { ...proof, origin: 'null' },
  ]
  for (const headers of foreign) {
    const { status, text } = await post(people.url, headers)
    expect([headers.origin, status, JSON.parse(text).code]).toEqual([headers.origin, 403, 'origin_not_allowed'])
  }
  // The page's name resolves to this server by now (DNS rebinding).
  const rebound = { origin: `http://evil.example:${own.port}`, host: `evil.example:${own.port}` }
  for (const headers of [
    { ...proof, ...rebound },
    { cookie, ...rebound },
  ]) {
    const { status, text } = await post(people.url, headers)
    expect([status, JSON.parse(text).code]).toEqual([421, 'host_not_allowed'])
  }
  expect((await post(people.url, { ...proof, origin: own.origin })).status).toBe(200)
  expect((await post(people.url, { cookie, origin: own.origin })).status).toBe(200)
  expect((await post(people.url, proof)).status).toBe(200)
  const nobody = await post(people.url, { authorization: 'Bearer rm_wrong' })
  expect([nobody.status, nobody.headers['www-authenticate']]).toEqual([401, 'Bearer realm="RustyMail"'])
})

test('when the client goes away, no further mail is read for it', async () => {
  const { people, gateway, ann, indexed } = await startMcpWorld()
  for (let number = 0; number < 5; number++) gateway.deliver({ subject: 'lunch', text: 'again' })
  await indexed()
  const client = await connectMcp(people.url, (await people.token(['mail:read'], [ann])).proof)
  const { value } = await callTool(client, 'mail_search', { q: 'lunch' })
  const refs = (value.hits as { ref: string }[]).map(({ ref }) => ref)
  expect(refs).toHaveLength(6)
  const held = hold(gateway, 'getMessage')
  const leaving = new AbortController()
  const call = callTool(client, 'mail_read', { refs }, { signal: leaving.signal })
  await expect.poll(held.count).toBe(1)
  leaving.abort()
  await expect(call).rejects.toThrow()
  const outcomes = async () => {
    const path = `${api.audit.listAudit.path}?operation=tool.mail_read`
    const { items } = await people.tell<{ items: AuditEntry[] }>(people.admin, 'GET', path)
    return items.map(({ outcome }) => outcome)
  }
  await expect.poll(outcomes).toEqual(['bad_request'])
  held.release()
  const busy = async () => {
    const account = await people.tell<Account>(people.admin, 'GET', fill(api.accounts.getAccount.path, ann))
    return account.connections.busy
  }
  await expect.poll(busy).toBe(0)
  expect(held.count()).toBe(1)
})

test.each(eras)('calls of a client of %s that goes away give their places back', async era => {
  const { people, gateway, ann } = await startMcpWorld()
  const { proof } = await people.token(['mail:read'], [ann])
  const other = await connectMcp(people.url, proof, era)
  hold(gateway, 'listFolders')
  for (let round = 0; round < 2; round++) {
    const client = await connectMcp(people.url, proof, era)
    const calls = Array.from({ length: maxOpen.call.person }, () =>
      callTool(client, 'mail_folders').catch(() => 'gone'),
    )
    await expect.poll(() => isRefused(other)).toMatch(/too_many_requests/)
    await client.close()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['gone']))
    await expect.poll(() => isRefused(other)).toBe('undefined')
  }
})

test.each(adapters)(
  'with %s the Clients page shows who speaks MCP, and to disconnect it ends what listens',
  async adapter => {
    const { people } = await world(adapter)
    const { proof } = await people.token(['mail:read'])
    const { stream } = await listen(people, proof)
    type Listed = { clients: { id: string; kind: string; streams: number; request_count: number }[] }
    const list = async () =>
      (await people.tell<Listed>(people.admin, 'GET', `${api.clients.listClients.path}?kind=mcp`)).clients
    expect(await list()).toMatchObject([{ kind: 'mcp', streams: 1, request_count: expect.any(Number) }])
    await people.tell(people.admin, 'DELETE', fill(api.clients.disconnectClient.path, (await list())[0]!.id))
    expect(await stream.closed).toBe('graceful')
  },
)

test('a call counts as a request, and a stream does not, however long it lasts', async () => {
  const { people } = await startMcpWorld()
  const { proof } = await people.token(['dashboard:read'])
  const counted = async () => {
    const { text } = await people.ask(people.admin, 'GET', '/metrics')
    return Number(
      /^rustymail_http_requests_total\{operation="mcp.exchange",status="200"\} (\d+)$/m.exec(text)?.[1] ?? 0,
    )
  }
  const { client, stream } = await listen(people, proof)
  await callTool(client, 'mail_accounts')
  await expect.poll(counted).toBeGreaterThan(0)
  const before = await counted()
  await callTool(client, 'mail_accounts')
  await expect.poll(counted).toBe(before + 1)
  await stream.close()
  await callTool(client, 'mail_accounts')
  // The stream ended before this call and would have been counted by now. Its cancellation is a message of its own.
  await expect.poll(counted).toBeGreaterThanOrEqual(before + 2)
  expect(await counted()).toBeLessThanOrEqual(before + 2)
})

test.each(adapters)('with %s a stop says goodbye to what listens and waits for nothing', async adapter => {
  const lines: string[] = []
  const logger = createLogger('warn', { write: line => void lines.push(line) })
  const { people, stop } = await runApp({
    environment: { RUSTYMAIL_MCP_ADAPTER: adapter },
    overrides: { gateway: new MemoryGateway(), logger },
  })
  const { stream } = await listen(people, (await people.token(['mail:read'])).proof)
  await stop()
  expect(await stream.closed).toBe('graceful')
  // The log names what was waited for until the deadline.
  expect(lines.join('')).not.toContain('did not stop cleanly')
})

/** Sends any header; `fetch` forbids some. */
function post(
  url: string,
  headers: Proof,
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
  const accept = 'application/json, text/event-stream'
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number
    headers: Record<string, unknown>
    text: string
  }>()
  const sent = request(url + mcpPath, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
  })
  sent.on('response', async answer => {
    const text = (await answer.toArray()).join('')
    resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
  })
  sent.on('error', reject).end(body)
  return promise
}
