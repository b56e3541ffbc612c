/** Pages of named origins may call by a token and read every answer; no other page may, and a cookie is worth nothing to any. */

import { expect, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { listenHere } from '../../../test/support/listen-here.ts'
import { theDocument } from '../../../test/support/openapi.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { HttpLimits } from '../rate-limits.ts'
import { handleFetch } from './http-fetch.ts'
import { exposedHeaders, requestHeaders } from './http-origin.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const friend = 'https://friend.example'
const admin: Principal = { id: 'a', name: 'A', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }
const session: Principal = { ...admin, id: 's', kind: 'session' }
const clients = '/api/dashboard/clients'
const events = api.events.streamEvents.path
const proof = { authorization: 'Bearer admin' }
const cookie = { cookie: 'rustymail_session=known' }

async function door({ perMinute = 1_000, allowed = [friend] } = {}) {
  const rates = {
    address: perMinute,
    principal: 1_000,
    search: 1_000,
    index_search: 1_000,
    assistant: 1,
    connect: 1,
    sign_in: 1,
    access: 1,
  }
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token, sessionCookie }) => {
      if (token === 'admin') return admin
      return sessionCookie === 'known' ? session : undefined
    },
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed, isHttps: false },
    trustedProxies: [],
    limits: new HttpLimits({ rates, now: Date.now }),
  })
  const done: string[] = []
  const page = { total: 0, page: 1, per_page: 10 }
  handle(http, api.clients.listClients, () => {
    done.push('listed')
    return { clients: [], ...page }
  })
  handle(http, api.clients.disconnectClient, () => {
    throw new Problem('overloaded', 'Wait.', { retryAfterSeconds: 3 })
  })
  handleStream(http, api.events.streamEvents, { 'content-type': 'text/event-stream' }, ({ takeSocket, caller }) => {
    const socket = takeSocket()
    done.push(`stream ${caller.principal.id}`)
    socket.end(': hello\n\n')
    socket.uncork()
  })
  const web = { name: 'web', scope: 'signed_in', effect: 'read' } as const
  handleFetch(http, '/web', web, 1024, async () => new Response('x', { headers: { 'mcp-session-id': 's' } }))
  const port = await listenHere(http)
  const url = `http://127.0.0.1:${port}`
  return { http, url, done }
}

const allowOf = (answer: Response) => answer.headers.get('access-control-allow-origin')
const grantsOf = (headers: Headers) => [...headers.keys()].filter(name => name.startsWith('access-control-')).sort()

test.each([
  ['an answer', 'GET', clients, proof, 200],
  ['a stream', 'GET', events, proof, 200],
  ['MCP', 'GET', '/web', proof, 200],
  ['401', 'GET', clients, {}, 401],
  ['401 of a stream', 'GET', events, {}, 401],
  ['404', 'GET', '/api/nothing', proof, 404],
  ['404 of what would change something', 'POST', '/api/nothing', proof, 404],
  ['405', 'PUT', clients, proof, 405],
  ['400', 'GET', `${clients}?colour=red`, proof, 400],
  ['400 of what is no address', 'GET', `${clients}?filter=%FF`, proof, 400],
  ['400 of what is too long', 'DELETE', `${clients}/${'x'.repeat(2_000)}`, proof, 400],
  ['503', 'DELETE', `${clients}/c1`, proof, 503],
])('%s may be read by a page that is named, and by no other', async (_what, method, path, headers, status) => {
  const { url } = await door()
  const named = await fetch(url + path, { method, headers: { ...headers, origin: friend } })
  expect([named.status, allowOf(named), named.headers.get('vary')]).toEqual([status, friend, 'origin'])
  expect(named.headers.get('access-control-allow-credentials')).toBeNull()
  for (const origin of ['https://evil.example', 'http://friend.example', 'null', `${friend}.evil.example`]) {
    const other = await fetch(url + path, { method, headers: { ...headers, origin } })
    expect(grantsOf(other.headers)).toEqual([])
    expect(other.headers.get('vary')).toBe('origin')
  }
})

test('429 may be read as well, and what a page asks before costs no share', async () => {
  const { url } = await door({ perMinute: 3 })
  const get = () => fetch(url + clients, { headers: { ...proof, origin: friend } })
  const ask = () =>
    fetch(url + clients, { method: 'OPTIONS', headers: { origin: friend, 'access-control-request-method': 'GET' } })
  const statuses: number[] = []
  for (let turn = 0; turn < 4; turn++) {
    expect((await ask()).status).toBe(204)
    const answer = await get()
    expect(allowOf(answer)).toBe(friend)
    expect(answer.headers.get('access-control-expose-headers')).toContain('Retry-After')
    statuses.push(answer.status)
  }
  expect(statuses).toEqual([200, 200, 200, 429])
  expect((await ask()).status).toBe(204)
})

test('a page that is named is told before what it may send, at each address', async () => {
  const { url } = await door()
  for (const path of [clients, `${clients}/c1`, events, '/web', '/api/nothing']) {
    const asked = { 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' }
    const answer = await fetch(url + path, { method: 'OPTIONS', headers: { origin: friend, ...asked } })
    expect([answer.status, allowOf(answer), await answer.text()]).toEqual([204, friend, ''])
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE')
    const allowed = answer.headers.get('access-control-allow-headers')!.toLowerCase().split(', ')
    for (const name of ['authorization', 'content-type', 'last-event-id', 'idempotency-key', 'mcp-session-id']) {
      expect(allowed).toContain(name)
    }
    expect(allowed).toEqual(
      expect.arrayContaining(['mcp-protocol-version', 'mcp-method', 'mcp-name', 'x-api-key', 'rustymail-results']),
    )
    expect(allowed).not.toContain('cookie')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    const other = await fetch(url + path, { method: 'OPTIONS', headers: { origin: 'https://evil.example', ...asked } })
    expect([other.ok, grantsOf(other.headers)]).toEqual([false, []])
  }
})

test('by a cookie such a page is a stranger, by either road; our own page is not', async () => {
  const { url, done } = await door()
  for (const path of [clients, events]) {
    expect((await fetch(url + path, { headers: { ...cookie, origin: friend } })).status).toBe(401)
  }
  // A head in two chunks takes Node's path.
  const connection = await openRaw(url, '')
  const head = headOf('GET', events, { ...cookie, origin: friend })
  connection.socket.write(head.slice(0, 30))
  await new Promise(setImmediate)
  connection.socket.write(head.slice(30))
  expect(await connection.statuses(1)).toEqual([401])
  expect(done).toEqual([])
  for (const path of [clients, events]) {
    await (await fetch(url + path, { headers: { ...cookie, origin: url } })).text()
    await (await fetch(url + path, { headers: { ...cookie, ...proof, origin: friend } })).text()
  }
  expect(done).toEqual(['listed', 'listed', 'stream s', 'stream a'])
})

test('our own page may be named too, and keeps its session', async () => {
  const own = 'http://127.0.0.1'
  const { url, done } = await door({ allowed: [own] })
  const { port } = new URL(url)
  const connection = await openRaw(url, headOf('GET', clients, { ...cookie, host: '127.0.0.1', origin: own }))
  expect([await connection.statuses(1), port !== '80', done]).toEqual([[200], true, ['listed']])
})

test('without a setting nothing is said', async () => {
  const { url } = await door({ allowed: [] })
  const answer = await fetch(url + clients, { headers: { ...proof, origin: friend } })
  expect([answer.status, grantsOf(answer.headers), answer.headers.get('vary')]).toEqual([200, [], null])
})

test('every header that says something to a program may be read', async () => {
  const { url } = await door()
  const byItself = /^(cache-control|content-language|content-length|content-type|expires|last-modified|pragma)$/
  /** Headers for browsers, proxies and the connection. */
  const forOthers =
    /^(access-control-.*|vary|connection|keep-alive|transfer-encoding|date|content-security-policy|cross-origin-.*|origin-agent-cluster|permissions-policy|referrer-policy|strict-transport-security|x-(content-type|dns|download|frame|permitted|xss).*)$/
  const asked: [string, string, object][] = [
    ['GET', clients, proof],
    ['GET', '/web', proof],
    ['GET', clients, {}],
    ['PUT', clients, proof],
    ['DELETE', `${clients}/c1`, proof],
    ['GET', events, proof],
  ]
  const seen = new Set<string>()
  for (const [method, path, headers] of asked) {
    const answer = await fetch(url + path, { method, headers: { ...headers, origin: friend } })
    for (const name of answer.headers.keys()) if (!byItself.test(name) && !forOthers.test(name)) seen.add(name)
  }
  expect([...seen].sort()).toEqual(
    [
      'allow',
      'mcp-session-id',
      'ratelimit',
      'ratelimit-policy',
      'retry-after',
      'www-authenticate',
      'x-request-id',
    ].sort(),
  )
  const exposed = exposedHeaders.map(name => name.toLowerCase())
  expect([...seen].filter(name => !exposed.includes(name))).toEqual([])
})

test('every header that the OpenAPI document has programs send may be sent', () => {
  const named = [...JSON.stringify(theDocument).matchAll(/\{"name":"([^"]+)","in":"header"/g)].map(([, name]) => name!)
  expect(named).toEqual(expect.arrayContaining(['Last-Event-ID', 'RustyMail-Results']))
  const allowed = requestHeaders.map(name => name.toLowerCase())
  expect(named.filter(name => !allowed.includes(name.toLowerCase()))).toEqual([])
})
