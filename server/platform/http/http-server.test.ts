/** The door: every answer is one of the contract's, whatever is sent. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { ProblemBody } from '../../../contract/problem-body.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal, scopeSet } from '../principal.ts'
import { HttpLimits } from '../rate-limits.ts'
import type { RequestOutcome } from './http-outcome.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const principals: Record<string, Principal> = {
  admin: { id: 'admin', name: 'Admin', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' },
  reader: {
    id: 'reader',
    name: 'Reader',
    kind: 'api_key',
    userId: null,
    scopes: scopeSet(['dashboard:read', 'mail:meta']),
    accounts: new Set(['a1']),
  },
  browser: { id: 'browser', name: 'Browser', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' },
}

const sample = {
  at: 1,
  active_connections: 1,
  requests_per_minute: 1,
  average_response_time_ms: 1,
  p95_ms: 1,
  system_cpu_usage: 1,
  system_memory_usage: 1,
  active_sse_connections: 1,
}

async function door(limits?: HttpLimits) {
  const outcomes: RequestOutcome[] = []
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token, sessionCookie }) => principals[token ?? sessionCookie ?? ''],
    observe: outcome => outcomes.push(outcome),
    origins: { publicUrl: undefined, allowed: ['https://friend.example'], isHttps: false },
    trustedProxies: ['127.0.0.1'],
    ...(limits ? { limits } : {}),
  })
  const seen: string[] = []
  handle(http, api.clients.listClients, ({ query }) => ({
    clients: [],
    total: 0,
    page: query.page,
    per_page: query.per_page,
  }))
  handle(
    http,
    api.clients.disconnectClient,
    ({ params, caller }) => void seen.push(`${params.client_id} ${caller.address}`),
  )
  handle(http, api.accounts.getAccount, () => {
    throw new Error('canary: a bug with a password in it')
  })
  handle(http, api.accounts.createAccount, ({ body }) => ({ ...body, id: 'not what the contract says' }) as never)
  handle(http, api.metrics.listSamples, () => ({
    interval_seconds: 5,
    items: Array.from({ length: 200 }, () => sample),
  }))
  handle(http, api.mail.listFolders, () => ({
    items: [],
    next_cursor: null,
    omitted: 0,
    counts: { state: 'complete' as const, pending: 0, as_of: null },
    source: 'mail_server' as const,
    as_of: '2026-11-28T12:00:00.000Z',
  }))
  const [started, never] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()]
  handle(http, api.mail.listMessages, () => {
    started.resolve()
    return never.promise
  })
  const slow = { started: started.promise }
  const base = await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.fastify.close())
  const send = (path: string, { as = 'admin', ...init }: RequestInit & { as?: string | undefined } = {}) => {
    const headers = new Headers(init.headers)
    if (as === 'browser') headers.set('cookie', 'rustymail_session=browser')
    else if (as !== 'nobody') headers.set('authorization', `Bearer ${as}`)
    return fetch(base + path, { ...init, headers })
  }
  const problem = async (answer: Response) => {
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    const body = ProblemBody.parse(await answer.json())
    expect(body.status).toBe(answer.status)
    expect(body.instance).toBe(answer.headers.get('x-request-id'))
    return body
  }
  return { http, slow, send, problem, outcomes, seen, port: Number(new URL(base).port) }
}

const json = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const accounts = '/api/dashboard/accounts'

test('every fault of an input is named with its path', async () => {
  const { send, problem } = await door()
  const query = await problem(await send('/api/dashboard/clients?page=0&per_page=1e3&kind=robot&surprise=1'))
  expect(query.code).toBe('bad_request')
  expect(query.errors?.map(error => error.path).sort()).toEqual(['query', 'query.kind', 'query.page', 'query.per_page'])
  const body = await problem(await send(accounts, json({ email: 'no', imap: { host: 'a b', port: 70000 }, more: 1 })))
  const paths = body.errors?.map(error => error.path)
  for (const path of ['body.email', 'body.imap.host', 'body.imap.port', 'body.imap.password', 'body'])
    expect(paths).toContain(path)
})

test('an answer does not repeat all that was wrong with what was sent', async () => {
  const { send, problem } = await door()
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`surprise-${index}`, 1]))
  const body = await problem(await send(accounts, json({ ...many, ['x'.repeat(5_000)]: 1 })))
  expect(body.code).toBe('bad_request')
  expect(JSON.stringify(body).length).toBeLessThan(5_000)
})

test.each([
  ['broken JSON', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"email":' }, 400],
  [
    'a prototype as a key',
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"__proto__":{"a":1}}' },
    400,
  ],
  ['an empty body', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '' }, 400],
  ['no body at all', { method: 'POST' }, 400],
  ['a body of 2 MiB', json({ email: 'x'.repeat(2 * 1024 * 1024) }), 413],
  ['XML', { method: 'POST', headers: { 'content-type': 'application/xml' }, body: '<a/>' }, 415],
  ['text', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hello' }, 415],
  ['null', json(null), 400],
  ['a list', json([1, 2, 3]), 400],
])('%s is refused in words', async (_name, init, status) => {
  const { send, problem } = await door()
  const answer = await send(accounts, init)
  expect(answer.status).toBe(status)
  expect((await problem(answer)).detail).not.toBe('')
})

test.each([
  '/api/%zz',
  '/api/../../etc/passwd',
  '/nowhere',
  '/api/dashboard/accounts/<3000 letters>',
  '/api/dashboard/accounts/%00',
  '//',
])('the address %s leads nowhere, without a fault of ours', async path => {
  const { send, problem } = await door()
  const answer = await send(path.replace('<3000 letters>', 'a'.repeat(3000)))
  expect([400, 404]).toContain(answer.status)
  await problem(answer)
})

test('what is not HTTP gets an answer too', async () => {
  const { port } = await door()
  const socket = connect(port, '127.0.0.1')
  socket.write('HELO mail\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*bad_request/s)
})

test('a bug is answered without its words, and an answer outside the contract does not leave', async () => {
  const { send, problem } = await door()
  const bug = await problem(await send(`${accounts}/a1`))
  expect(bug.code).toBe('internal')
  expect(JSON.stringify(bug)).not.toContain('canary')
  const server = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'canary-word' }
  const leak = await problem(await send(accounts, json({ email: 'ann@example.com', imap: server })))
  expect(leak.code).toBe('internal')
  expect(JSON.stringify(leak)).not.toContain('canary')
})

test('anonymous callers get 401, a missing scope is named, and an account outside the list does not exist', async () => {
  const { send, problem } = await door()
  expect((await problem(await send('/api/dashboard/clients', { as: 'nobody' }))).code).toBe('unauthorized')
  expect((await problem(await send('/api/dashboard/clients', { as: 'stranger' }))).code).toBe('unauthorized')
  const refused = await problem(await send('/api/dashboard/clients/c1', { as: 'reader', method: 'DELETE' }))
  expect(refused).toMatchObject({ code: 'forbidden', missing_scope: 'dashboard:operate' })
  expect((await send('/api/v1/accounts/a1/folders', { as: 'reader' })).status).toBe(200)
  expect((await problem(await send('/api/v1/accounts/a2/folders', { as: 'reader' }))).code).toBe('account_not_found')
})

test('a session changes things only from our own page', async () => {
  const { send, problem, port, seen } = await door()
  const remove = (headers: Record<string, string>) =>
    send('/api/dashboard/clients/c1', { as: 'browser', method: 'DELETE', headers })
  expect((await problem(await remove({}))).code).toBe('origin_not_allowed')
  expect((await problem(await remove({ origin: 'https://evil.example' }))).code).toBe('origin_not_allowed')
  expect((await problem(await remove({ origin: 'null' }))).code).toBe('origin_not_allowed')
  expect(seen).toEqual([])
  expect((await remove({ origin: `http://127.0.0.1:${port}` })).status).toBe(204)
  // It may call us with a token, and its browser's cookie counts for nothing.
  expect((await remove({ origin: 'https://friend.example' })).status).toBe(401)
  expect(seen).toHaveLength(1)
  expect((await send('/api/dashboard/clients', { as: 'browser' })).status).toBe(200)
})

test('an address has its share, whatever it asks for, and health is outside of it', async () => {
  const rates = {
    address: 5,
    principal: 100,
    search: 1,
    index_search: 1,
    assistant: 1,
    connect: 1,
    sign_in: 1,
    access: 1,
  }
  const { send } = await door(new HttpLimits({ rates, now: () => 0 }))
  const statusOf = async (path: string) => (await send(path, { as: 'nobody' })).status
  for (let count = 0; count < 5; count++) expect(await statusOf('/favicon.ico')).toBe(404)
  expect([await statusOf('/favicon.ico'), await statusOf(accounts)]).toEqual([429, 429])
  expect(await statusOf('/health/live')).toBe(404)
  // But not for guessing tokens: each unknown one costs a database lookup.
  expect((await send('/health/live', { as: 'wrong' })).status).toBe(429)
})

test('a trusted proxy says who the client is', async () => {
  const { send, seen } = await door()
  await send('/api/dashboard/clients/c1', { method: 'DELETE', headers: { 'x-forwarded-for': '203.0.113.7' } })
  expect(seen).toEqual(['c1 203.0.113.7'])
})

test('each finished request is observed once, with its caller and duration', async () => {
  const { send, outcomes } = await door()
  await send('/api/dashboard/clients')
  await send('/api/dashboard/clients?page=x')
  await send('/api/dashboard/clients', { as: 'nobody' })
  await send('/nowhere')
  await expect.poll(() => outcomes.length).toBe(3)
  expect(outcomes.map(outcome => [outcome.operation, outcome.status, outcome.caller?.principal.id])).toEqual([
    ['clients.listClients', 200, 'admin'],
    ['clients.listClients', 400, 'admin'],
    ['clients.listClients', 401, undefined],
  ])
  expect(outcomes[0]!.durationMs).toBeGreaterThan(0)
})

test('a long answer is compressed for clients that accept that, and is the same', async () => {
  const { send } = await door()
  const path = '/api/dashboard/samples'
  const plain = await (await send(path, { headers: { 'accept-encoding': 'identity' } })).text()
  expect(plain.length).toBeGreaterThan(10_000)
  for (const [accepted, used] of [
    ['gzip, deflate, br', 'br'],
    ['gzip;q=0.5, br;q=0', 'gzip'],
    ['gzip;q=0', null],
  ] as const) {
    const answer = await send(path, { headers: { 'accept-encoding': accepted } })
    expect(answer.headers.get('content-encoding')).toBe(used)
    expect(await answer.text()).toBe(plain)
  }
})

test('a client that goes away in the middle leaves nothing under way', async () => {
  const { http, send, slow } = await door()
  const abort = new AbortController()
  const gone = send('/api/v1/accounts/a1/messages', { signal: abort.signal })
  await slow.started
  abort.abort()
  await expect(gone).rejects.toThrow()
  await http.whenIdle()
})

test('every answer carries the strict headers, and a stopping server says so', async () => {
  const { http, send, problem } = await door()
  const answer = await send('/api/dashboard/clients')
  expect(answer.headers.get('content-security-policy')).toContain("script-src 'self';")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  await send('/api/%zz')
  await http.whenIdle()
  http.isDraining = true
  const refused = await send('/api/dashboard/clients')
  expect(refused.headers.get('retry-after')).toBe('5')
  expect((await problem(refused)).code).toBe('draining')
})
