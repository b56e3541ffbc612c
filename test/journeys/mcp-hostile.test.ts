/** What no MCP client would send: rejected with the right code or cut, without others' data, and the server goes on. */
import { once } from 'node:events'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { maxMcpBody, mcpPath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { headOf, openRaw } from '../support/raw-http.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const modern = '2026-07-28'
const meta = 'io.modelcontextprotocol'
/** Words that only one account's mail contains. */
const marks = { ann: 'orchid-of-ann', bob: 'thistle-of-bob' }
type Who = keyof typeof marks
let people: People
let proofs: Record<Who, Proof>
let accounts: Record<Who, string>

async function start(adapter: string) {
  const boxes: Record<string, MemoryGateway> = { ann: new MemoryGateway(), bob: new MemoryGateway() }
  const gateway = new MemoryGateway()
  gateway.connect = (login, options) => boxes[login.user]!.connect(login, options)
  const started = await runApp({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter }, overrides: { gateway } })
  people = started.people
  const add = async (user: Who) => {
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const body = { name: user, email: `${user}@example.org`, imap }
    const path = `${api.accounts.createAccount.path}?verify=false`
    boxes[user]!.deliver({ subject: marks[user], text: `It says ${marks[user]}.` })
    const { id } = await people.tell<Account>(people.admin, 'POST', path, body)
    await untilIndexed(people, id, 1)
    return id
  }
  accounts = { ann: await add('ann'), bob: await add('bob') }
  const proofOf = async (who: Who) => (await people.token(['mail:read'], [accounts[who]])).proof
  proofs = { ann: await proofOf('ann'), bob: await proofOf('bob') }
  return started.stop
}

interface Answer {
  status: number
  text: string
}

const frame = (method: string, params: object = {}, id: unknown = 1) => ({
  ...{ jsonrpc: '2.0', id, method },
  params: {
    ...params,
    _meta: {
      [`${meta}/protocolVersion`]: modern,
      [`${meta}/clientInfo`]: { name: 'hostile', version: '1' },
      [`${meta}/clientCapabilities`]: {},
    },
  },
})

const headersFor = (method: string, name?: string) => ({
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': modern,
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
})

async function post(body: string, headers: Record<string, string>, proof = proofs.ann): Promise<Answer> {
  const answer = await fetch(people.url + mcpPath, {
    method: 'POST',
    headers: { ...headers, ...proof },
    body,
  })
  // A listening stream is not read to its end.
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    const reader = answer.body!.getReader()
    const { value } = await reader.read()
    await reader.cancel()
    return { status: answer.status, text: new TextDecoder().decode(value) }
  }
  return { status: answer.status, text: await answer.text() }
}

const search = (who: Who, id: unknown = 1) => {
  const asked = frame('tools/call', { name: 'mail_search', arguments: { q: 'in:inbox' } }, id)
  return post(JSON.stringify(asked), headersFor('tools/call', 'mail_search'), proofs[who])
}

/** Verifies that the server is healthy: it answers each caller with its own data. */
async function expectFine(): Promise<void> {
  const [ann, bob] = await Promise.all([search('ann'), search('bob')])
  expect([ann.status, ann.text.includes(marks.ann), ann.text.includes(marks.bob)]).toEqual([200, true, false])
  expect([bob.status, bob.text.includes(marks.bob), bob.text.includes(marks.ann)]).toEqual([200, true, false])
}

/** Refused, or answered as requested: never a fault of ours, and nothing of Bob's. */
function expectOwn({ status, text }: Answer): void {
  expect([200, 202, 400, 404, 405, 406, 413, 415, 431]).toContain(status)
  expect(text).not.toContain(marks.bob)
  expect(text).not.toContain(accounts.bob)
}

const words = fc.oneof(
  fc.constantFrom(
    'initialize',
    'tools/call',
    'tools/list',
    'ping',
    'resources/read',
    'prompts/get',
    'completion/complete',
  ),
  fc.constantFrom(
    'subscriptions/listen',
    'server/discover',
    'logging/setLevel',
    'notifications/cancelled',
    '__proto__',
    '',
  ),
  fc.string({ maxLength: 40 }),
)
const value = fc.jsonValue({ maxDepth: 3 })

describe.each(['sdk', 'native'])('%s', adapter => {
  beforeAll(() => start(adapter))

  test('frames of any kind are answered or refused, and nothing of another is in what comes back', async () => {
    const bob = accounts.bob
    const near = fc.record(
      {
        jsonrpc: fc.oneof(fc.constant('2.0'), value),
        id: fc.oneof(fc.integer(), fc.string({ maxLength: 300 }), fc.constant(null), value),
        method: words,
        params: fc.oneof(
          value,
          fc.record({
            name: words,
            arguments: value,
            uri: fc.constantFrom(`mail://${bob}/INBOX`, 'file:///etc/passwd'),
          }),
          fc.record({
            name: fc.constant('mail_search'),
            arguments: fc.record({ q: fc.string(), account: fc.constant(bob) }),
          }),
          fc.record({ requestState: fc.string(), inputResponses: value, _meta: value }),
        ),
      },
      { requiredKeys: [] },
    )
    const headers = fc.record(
      {
        'mcp-protocol-version': fc.constantFrom(modern, '2025-11-25', '2025-03-26', '2099-01-01', 'x'),
        'mcp-method': fc.constantFrom('tools/call', 'tools/list', 'x'),
        'mcp-name': fc.constantFrom('mail_search', 'mail_read', 'x'),
        'mcp-session-id': fc.stringMatching(/^[!-~]{1,80}$/),
        'rustymail-results': fc.constantFrom('text', 'structured'),
      },
      { requiredKeys: [] },
    )
    const body = fc.oneof(
      near.map(one => JSON.stringify(one)),
      fc.array(near, { maxLength: 3 }).map(all => JSON.stringify(all)),
      fc.string({ maxLength: 200 }),
      fc.json(),
    )
    await fc.assert(
      fc.asyncProperty(body, headers, async (text, more) => {
        const given = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...more }
        expectOwn(await post(text, given))
      }),
      { numRuns: 250, seed: 15 },
    )
    await expectFine()
  })

  test.each(['2099-01-01', '1999-12-31', '2026-7-28', 'latest', '2026-07-28, 2025-11-25'])(
    'the version %s is refused by its name',
    async version => {
      const answer = await post(JSON.stringify(frame('tools/list')), {
        ...headersFor('tools/list'),
        'mcp-protocol-version': version,
      })
      expect(answer.status).toBe(400)
      expectOwn(answer)
    },
  )

  test.each([
    ['another method', { 'mcp-method': 'tools/list' }],
    ['no method', { 'mcp-method': undefined }],
    ['another tool', { 'mcp-name': 'mail_read' }],
    ['another revision', { 'mcp-protocol-version': '2025-11-25' }],
  ])('a header that names %s than the body is refused, and the tool is not called', async (_name, wrong) => {
    const called = async () => {
      const path = `${api.audit.listAudit.path}?operation=tool.&limit=100`
      const { items } = await people.tell<{ items: unknown[] }>(people.admin, 'GET', path)
      return items.length
    }
    const before = await called()
    const asked = frame('tools/call', { name: 'mail_search', arguments: { q: 'x' } })
    const headers = Object.fromEntries(
      Object.entries({ ...headersFor('tools/call', 'mail_search'), ...wrong }).flatMap(([name, one]) =>
        one === undefined ? [] : [[name, one]],
      ),
    )
    const answer = await post(JSON.stringify(asked), headers)
    expect(answer.status).toBe(400)
    expect(await called()).toBe(before)
  })

  test('four MiB of JSON, announced or not, and what is nested too deep, are refused without being read to the end', async () => {
    const large = JSON.stringify(
      frame('tools/call', { name: 'mail_search', arguments: { q: 'x'.repeat(4 * 1024 * 1024) } }),
    )
    expect(large.length).toBeGreaterThan(maxMcpBody)
    const outcome = await post(large, headersFor('tools/call', 'mail_search')).catch(() => ({
      status: 413,
      text: 'cut',
    }))
    expect(outcome.status).toBe(413)
    const head = { ...headersFor('tools/call', 'mail_search'), ...proofs.ann, 'transfer-encoding': 'chunked' }
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const connection = await openRaw(people.url, headOf('POST', mcpPath, head))
    connection.socket.write(chunk.repeat(64))
    expect((await connection.ended()).status).toBe(413)
    const deep = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    expect((await post(deep, headersFor('tools/list'))).status).toBe(400)
    await expectFine()
  })

  test.each(['tools/burn', 'mail/readAll', 'rpc.discover', '__proto__', 'constructor'])(
    'there is no method %s',
    async method => {
      const answer = await post(JSON.stringify(frame(method)), headersFor(method))
      expect([200, 400, 404]).toContain(answer.status)
      expect(answer.text).toMatch(/"code":-326(00|01|02)/)
    },
  )

  test('requests that end in the middle leave nothing behind', async () => {
    const body = JSON.stringify(frame('tools/list'))
    const whole = { ...headersFor('tools/list'), ...proofs.ann, 'content-length': body.length }
    const halves = [
      'POST /mcp HTTP/1.1\r\nhost: loc',
      headOf('POST', mcpPath, whole),
      headOf('POST', mcpPath, whole) + body.slice(0, body.length / 2),
      `${headOf('POST', mcpPath, { ...whole, 'content-length': 5 })}${body}`,
      `${headOf('POST', mcpPath, { ...headersFor('x'), ...proofs.ann, 'transfer-encoding': 'chunked' })}zz\r\n`,
    ]
    for (const half of [...halves, ...halves, ...halves]) {
      const { socket } = await openRaw(people.url, half)
      socket.end()
      await once(socket, 'close')
    }
    await expectFine()
  })

  test('a client that reads nothing does not block others, even on many connections', async () => {
    // A user of its own: calls in flight count per user over all tokens, and these exceed any user's limit.
    const { proof } = await people.invite('operator', [accounts.bob])
    const wanted = { name: 'flood', scopes: ['mail:read'], accounts: [accounts.bob] }
    const { token } = await people.tell<{ token: string }>(proof, 'POST', api.tokens.createToken.path, wanted)
    const body = JSON.stringify(frame('tools/list'))
    const head = {
      ...headersFor('tools/list'),
      authorization: `Bearer ${token}`,
      'content-length': body.length,
    }
    const request = headOf('POST', mcpPath, head) + body
    for (let each = 0; each < 5; each++) {
      const { socket } = await openRaw(people.url, '')
      socket.pause()
      for (let sent = 0; sent < 200; sent++) socket.write(request)
    }
    await expectFine()
    const client = await connectMcp(people.url, proofs.ann)
    expect((await callTool(client, 'mail_search', { q: 'in:inbox' })).text).toContain(marks.ann)
  })

  test('at the same moment, under the same ids and names of sessions, each gets its own', async () => {
    const both: Who[] = ['ann', 'bob']
    // Both tokens belong to one user, who may have fifty calls in flight.
    const asked = Array.from({ length: 40 }, (_, n) => both[n % 2]!)
    const answers = await Promise.all(asked.map(who => search(who, 7)))
    for (const [n, { status, text }] of answers.entries()) {
      const [own, other] = asked[n] === 'ann' ? [marks.ann, marks.bob] : [marks.bob, marks.ann]
      expect([status, text.includes(own), text.includes(other)]).toEqual([200, true, false])
    }
    // Nothing is revealed of a session that another caller opened.
    const begin = { jsonrpc: '2.0', id: 1, method: 'initialize' }
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bob', version: '1' } }
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const begun = await fetch(people.url + mcpPath, {
      ...{ method: 'POST', headers: { ...headers, ...proofs.bob }, body: JSON.stringify({ ...begin, params }) },
    })
    await begun.text()
    const session = begun.headers.get('mcp-session-id') ?? ''
    expect(session).not.toBe('')
    const call = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'mail_search', arguments: { q: 'in:inbox' } },
    }
    const named = { ...headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    const answer = await post(JSON.stringify(call), named)
    expectOwn(answer)
    await expectFine()
  })
})
