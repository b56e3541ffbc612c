/** Statuses of what is not as it should be: each says what is wrong, and nothing is read as what it is not. */

import { expect, test } from 'vitest'
import { api } from '../../../contract/index.ts'
import { ProblemBody } from '../../../contract/problem-body.ts'
import { listenHere } from '../../../test/support/listen-here.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { handleStream } from './http-raw.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'

const admin: Principal = { id: 'a', name: 'A', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer admin' }
const json = { ...proof, 'content-type': 'application/json' }
const accounts = '/api/dashboard/accounts'

async function door(impatient = false) {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'admin' ? admin : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
    ...(impatient ? { timeouts: { requestTimeout: 200, headersTimeout: 100, connectionsCheckingInterval: 20 } } : {}),
  })
  const bodies: unknown[] = []
  handle(http, api.clients.disconnectClient, ({ params }) => void bodies.push(params.client_id))
  handle(http, api.clients.listClients, ({ query }) => {
    bodies.push(query.filter)
    return { clients: [], total: 0, page: query.page, per_page: query.per_page }
  })
  handle(http, api.accounts.createAccount, ({ body }) => {
    bodies.push(body)
    throw new Error('far enough')
  })
  handleStream(http, api.events.streamEvents, {}, () => undefined)
  const port = await listenHere(http)
  return { bodies, url: `http://127.0.0.1:${port}` }
}

/** The one answer to the bytes. */
async function answerTo(url: string, bytes: string) {
  const connection = await openRaw(url, bytes)
  // A problem is one line of JSON, an answer without a body ends with its head.
  await expect.poll(connection.text).toMatch(/\r\n\r\n(\{.*\})?$/s)
  const text = connection.text()
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
  if (status >= 400) expect(head.toLowerCase()).toContain('content-type: application/problem+json; charset=utf-8')
  return { text, head, status, problem: status >= 400 ? ProblemBody.parse(JSON.parse(body)) : undefined }
}

const withLine = (line: string, more = '') => `${line}\r\nHost: localhost\r\nAuthorization: Bearer admin\r\n${more}\r\n`

test.each([
  ['two hosts', withLine(`GET ${accounts} HTTP/1.1`, 'Host: localhost\r\n'), 400, 'bad_request'],
  ['no host', `GET ${accounts} HTTP/1.1\r\n\r\n`, 400, 'bad_request'],
  ['HTTP/2.0', withLine(`GET ${accounts} HTTP/2.0`), 400, 'bad_request'],
  ['HTTP/2.0 for a stream', withLine(`GET ${api.events.streamEvents.path} HTTP/2.0`), 400, 'bad_request'],
  ['HTTP/0.9', withLine(`GET ${accounts} HTTP/0.9`), 400, 'bad_request'],
  ['HTTP/1.2', withLine(`GET ${accounts} HTTP/1.2`), 400, 'bad_request'],
  ['HTTP/3.0', withLine(`GET ${accounts} HTTP/3.0`), 400, 'bad_request'],
  [
    'a head that is too large',
    withLine(`GET ${accounts} HTTP/1.1`, `X: ${'x'.repeat(20_000)}\r\n`),
    431,
    'head_too_large',
  ],
  ['an address that is too large', withLine(`GET /${'x'.repeat(20_000)} HTTP/1.1`), 431, 'head_too_large'],
  [
    'another coding',
    withLine(`DELETE ${accounts}/a HTTP/1.1`, 'Transfer-Encoding: gzip, chunked\r\n'),
    501,
    'not_implemented',
  ],
  ['bytes in a path', withLine('GET /api/v1/accounts/\xc3\xbc/folders HTTP/1.1'), 400, 'bad_request'],
  ['no UTF-8 in a path', withLine('GET /api/v1/accounts/%FC/folders HTTP/1.1'), 400, 'bad_request'],
  ['half a pair in a path', withLine('DELETE /api/dashboard/clients/%ED%A0%80 HTTP/1.1'), 400, 'bad_request'],
  ['no UTF-8 in a query', withLine('GET /api/dashboard/clients?filter=%FF HTTP/1.1'), 400, 'bad_request'],
  ['half a pair in a query', withLine('GET /api/dashboard/clients?filter=%ED%A0%80 HTTP/1.1'), 400, 'bad_request'],
  ['an overlong query', withLine('GET /api/dashboard/clients?filter=%C0%AF HTTP/1.1'), 400, 'bad_request'],
  ['half an escape in a query', withLine('GET /api/dashboard/clients?filter=%4 HTTP/1.1'), 400, 'bad_request'],
])('%s', async (_what, bytes, status, code) => {
  const { url, bodies } = await door()
  const { problem } = await answerTo(url, bytes)
  expect(problem).toMatchObject({ status, code })
  expect(bodies).toEqual([])
})

test('what is UTF-8 is served, and HTTP/1.0 as well', async () => {
  const { url, bodies } = await door()
  expect((await answerTo(url, withLine('GET /api/dashboard/clients?filter=%C3%BC%F0%9F%93%AC HTTP/1.1'))).status).toBe(
    200,
  )
  expect((await answerTo(url, withLine('GET /api/dashboard/clients?filter=x HTTP/1.0'))).status).toBe(200)
  expect(bodies).toEqual(['ü📬', 'x'])
})

const bodyOf = (body: Buffer | string, type = 'application/json') => {
  const bytes = Buffer.from(body)
  const head = headOf('POST', accounts, { ...proof, 'content-type': type, 'content-length': bytes.length })
  return Buffer.concat([Buffer.from(head), bytes]).toString('latin1')
}

test.each<[string, string, number, string]>([
  ['latin1', bodyOf('{}', 'application/json; charset=iso-8859-1'), 415, 'unsupported_media_type'],
  ['utf-16 in quotes', bodyOf('{}', 'application/json; charset="UTF-16"'), 415, 'unsupported_media_type'],
  ['no JSON', bodyOf('{}', 'text/plain'), 415, 'unsupported_media_type'],
  ['no UTF-8', bodyOf(Buffer.from([...Buffer.from('{"email":"'), 0xff, ...Buffer.from('"}')])), 400, 'bad_request'],
  ['a surrogate as bytes', bodyOf(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), 400, 'bad_request'],
  ['half a pair', bodyOf('{"email":"\\ud800"}'), 400, 'bad_request'],
  ['the other half', bodyOf('{"a":[{"b":"x\\uDFFFx"}]}'), 400, 'bad_request'],
  ['half a pair in a name', bodyOf('{"\\ud83d":1}'), 400, 'bad_request'],
  ['halves the wrong way round', bodyOf('["\\udcec\\ud83d"]'), 400, 'bad_request'],
])('a body of %s is refused as that', async (_what, bytes, status, code) => {
  const { url, bodies } = await door()
  const connection = await openRaw(url, '')
  connection.socket.write(Buffer.from(bytes, 'latin1'))
  await expect.poll(connection.text).toMatch(/\r\n\r\n\{.*\}$/s)
  const problem = ProblemBody.parse(JSON.parse(connection.text().split('\r\n\r\n')[1]!))
  expect(problem).toMatchObject({ status, code })
  expect(problem.detail).toMatch(/UTF-8|surrogate|json/)
  expect(bodies).toEqual([])
})

test('pairs that are whole, and backslashes that only look like halves, are taken as they are', async () => {
  const { url, bodies } = await door()
  const imap = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'a' }
  const whole = JSON.stringify({ email: 'a@example.com', imap: { ...imap, password: 'PAIR' }, name: 'SLASH' })
  const bytes = whole.replace('PAIR', '\\ud83d\\udcec').replace('SLASH', '\\\\ud800')
  await answerTo(url, bodyOf(bytes, 'application/json; charset=utf-8'))
  expect(bodies).toMatchObject([{ imap: { password: '📬' }, name: '\\ud800' }])
})

test('DELETE with a type and nothing in it is served, and with something in it refused', async () => {
  const { url, bodies } = await door()
  const path = '/api/dashboard/clients/c1'
  const chunked = { ...json, 'transfer-encoding': 'chunked' }
  expect((await answerTo(url, headOf('DELETE', path, { ...json, 'content-length': 0 }))).status).toBe(204)
  expect((await answerTo(url, headOf('DELETE', path, json))).status).toBe(204)
  expect((await answerTo(url, `${headOf('DELETE', path, chunked)}0\r\n\r\n`)).status).toBe(204)
  expect(bodies).toEqual(['c1', 'c1', 'c1'])
  expect((await answerTo(url, `${headOf('DELETE', path, { ...json, 'content-length': 7 })}{"a":1}`)).status).toBe(400)
  expect((await answerTo(url, headOf('POST', accounts, { ...json, 'content-length': 0 }))).status).toBe(400)
})

test.each([
  ['POST', '/api/dashboard/clients', 'GET, HEAD'],
  ['OPTIONS', '/api/dashboard/clients', 'GET, HEAD'],
  ['PROPFIND', '/api/dashboard/clients?x=1', 'GET, HEAD'],
  ['GET', '/api/dashboard/clients/c1', 'DELETE'],
  ['HEAD', '/api/dashboard/clients/c1', 'DELETE'],
  ['PUT', accounts, 'POST'],
  ['DELETE', api.events.streamEvents.path, 'GET, HEAD'],
])('%s %s is 405 and names %s, also to strangers', async (method, path, allow) => {
  const { url } = await door()
  for (const headers of [proof, {}]) {
    const connection = await openRaw(url, headOf(method, path, { ...headers, connection: 'close' }))
    const { text, status } = await connection.ended()
    expect(status).toBe(405)
    expect(text).toContain(`\r\nallow: ${allow}\r\n`)
    if (method !== 'HEAD') expect(text).toContain('"code":"method_not_allowed"')
  }
})

test('an address where nothing is is 404 for each method, and says of no other', async () => {
  const { url } = await door()
  for (const method of ['GET', 'POST', 'OPTIONS']) {
    const { status, head } = await answerTo(url, headOf(method, '/api/dashboard/nothing', proof))
    expect([status, /\r\nallow:/i.test(head)]).toEqual([404, false])
  }
})

test('a body is asked for only where the caller may send it, where it is wanted, and as large as is taken', async () => {
  const { url } = await door()
  const wanted = { 'content-length': 2, 'content-type': 'application/json', expect: '100-continue' }
  const asked: [string, string, Record<string, string | number>, number][] = [
    ['POST', accounts, wanted, 401],
    ['POST', accounts, { ...wanted, ...proof, 'content-length': 1e9 }, 413],
    ['POST', accounts, { ...wanted, ...proof, 'content-type': 'text/plain' }, 415],
    ['POST', accounts, { ...wanted, ...proof, 'content-type': 'application/json; charset=latin1' }, 415],
    ['POST', '/api/nothing', { ...wanted, ...proof }, 404],
    ['PUT', accounts, { ...wanted, ...proof }, 405],
  ]
  for (const [method, path, headers, status] of asked) {
    const { text, status: answered } = await answerTo(url, headOf(method, path, headers))
    expect(answered).toBe(status)
    expect(text).not.toContain('100 Continue')
  }
})

test('a head or a body that takes too long is told so, and ends the connection', async () => {
  const { url } = await door(true)
  const slow = [
    `GET ${accounts} HTTP/1.1\r\nHost: local`,
    `${headOf('POST', accounts, { ...json, 'content-length': 9 })}{"a`,
  ]
  for (const bytes of slow) {
    const connection = await openRaw(url, bytes)
    const { text, isEnded } = await connection.ended()
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(text.toLowerCase()).toContain('connection: close')
    expect(text).toContain('"code":"request_timeout"')
    expect(isEnded).toBe(true)
  }
})
