/** Mail over HTTP: the endpoints and the frame, as a browser or a program meets them. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { toDelivery } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import { createHttpServer } from '../platform/http/http-setup.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { mailRoutes } from './mail-routes.ts'
import { MailSearch } from './mail-search.ts'
import { MailService } from './mail-service.ts'
import { MessageLists } from './message-lists.ts'
import { searchRoutes } from './search-routes.ts'

const base = '/api/v1/accounts/a'
const ownerOf = async () => ({ email: 'ann@own.example', imapHost: 'imap.gmail.com' })
let gateway: MemoryGateway
let pool: ConnectionPool
let http: HttpServer
const someone: Principal = { id: 'p', name: 'P', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }
let asks: Principal | undefined

beforeEach(() => {
  asks = someone
  gateway = new MemoryGateway()
  const logger = createLogger('silent')
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger,
  })
  http = createHttpServer({
    logger,
    authenticate: () => asks,
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
  })
  const refs = new MessageRefs(new Signer(Buffer.alloc(32, 1)))
  const cleaner = { clean: async (source: string, remote: boolean) => cleanHtml({ source, remote }) }
  const mail = new MailService({ pool, refs, cleaner, parts: partsReader(), ownerOf })
  const lists = new MessageLists({ index: undefined, mail, refs, ownerOf, indexerOf: () => undefined })
  mailRoutes(http, mail, lists)
  const none = { index: undefined, indexerOf: () => undefined }
  searchRoutes(http, new MailSearch({ pool, refs, ownerOf, accountsOf: async () => [{ id: 'a' }], ...none }))
})
afterEach(async () => {
  await http.fastify.close()
  await pool.stop()
})

const get = (path: string, headers: Record<string, string> = {}) =>
  http.fastify.inject({ url: base + path, headers: { authorization: 'Bearer token', ...headers } })

test('folders, a list and a message are served', async () => {
  gateway.deliver({ subject: 'hello', text: 'hi' })
  expect((await get('/folders')).json().items[0]).toMatchObject({ path: 'INBOX', total: 1, unread: 1 })
  const { items, total } = (await get('/messages?limit=5')).json()
  expect(total).toBe(1)
  expect((await get(`/messages/${items[0].ref}`)).json()).toMatchObject({ subject: 'hello', text: 'hi' })
})

test('a search is served, and of what cannot be read the place is named', async () => {
  gateway.deliver({ subject: 'Grüße', text: 'hi' })
  gateway.deliver({ subject: 'other' })
  const found = (await get(`/search?q=${encodeURIComponent('subject:grüße is:unread')}&facets=true`)).json()
  expect(found).toMatchObject({ items: [{ subject: 'Grüße' }], next_cursor: null, total: 1 })
  const refused = await get(`/search?q=${encodeURIComponent('tea "and milk')}`)
  expect(refused.statusCode).toBe(400)
  expect(refused.json()).toMatchObject({
    code: 'bad_request',
    errors: [{ path: 'query.q', message: 'at character 5: the quote is not closed', at: 5 }],
  })
})

test('the frame may run nothing, send nothing and load nothing, unless the reader asks for pictures', async () => {
  gateway.deliver({ subject: 'hello', html: '<img src="https://x.example/p.png"><script>alert(1)</script>' })
  const { ref } = (await get('/messages')).json().items[0]
  const plain = await get(`/messages/${ref}/html`)
  expect(plain.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(plain.headers['cache-control']).toBe('no-store')
  expect(plain.headers['content-security-policy']).toMatch(/^sandbox .*default-src 'none'; img-src data:;/)
  for (const kind of ['script', 'connect', 'font', 'media', 'object', 'frame', 'child', 'worker', 'manifest']) {
    expect(plain.headers['content-security-policy']).toContain(`; ${kind}-src 'none';`)
  }
  expect(plain.headers['x-dns-prefetch-control']).toBe('off')
  expect(plain.body).not.toMatch(/script|x\.example/)
  expect(plain.headers['content-security-policy']).not.toMatch(/allow-scripts|allow-same-origin|https:/)
  expect(plain.headers['referrer-policy']).toBe('no-referrer')
  const remote = await get(`/messages/${ref}/html?remote=true`)
  expect(remote.headers['content-security-policy']).toContain('img-src data: https: http:')
  expect(remote.body).toContain('<img src="https://x.example/p.png">')
})

test('a session gets it in a frame of the page alone; a program with a token gets it', async () => {
  gateway.deliver({ subject: 'hello', html: '<p>hi' })
  const { ref } = (await get('/messages')).json().items[0]
  const own = { host: 'mail.example:8080' }
  const open = (headers: Record<string, string>) =>
    http.fastify.inject({
      url: `${base}/messages/${ref}/html`,
      headers: { ...own, cookie: 'rustymail_session=s', ...headers },
    })
  const frame = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-origin' }
  for (const [headers, status] of [
    [frame, 200],
    // Plain HTTP at another name than localhost.
    [{ referer: 'http://mail.example:8080/' }, 200],
    [{ referer: 'http://mail.example:8080/mail?message=x' }, 403],
    [{}, 403],
    [{ referer: 'http://evil.example/' }, 403],
    [{ referer: 'http://evil.example/?mail.example:8080' }, 403],
    [{ referer: 'no address' }, 403],
    [{ ...frame, 'sec-fetch-dest': 'document' }, 403],
    [{ ...frame, 'sec-fetch-dest': 'document', referer: 'http://mail.example:8080/' }, 403],
    [{ ...frame, 'sec-fetch-dest': 'empty' }, 403],
    [{ ...frame, 'sec-fetch-site': 'cross-site' }, 403],
    [{ ...frame, 'sec-fetch-site': 'same-site' }, 403],
    [{ ...frame, 'sec-fetch-site': 'none' }, 403],
  ] as const) {
    asks = { ...someone, kind: 'session', userId: 'u' }
    const { statusCode, body } = await open({ ...headers })
    expect([headers, statusCode, body.includes('<p>hi')]).toEqual([headers, status, status === 200])
    if (status === 403) expect(JSON.parse(body).code).toBe('frame_only')
  }
  asks = { ...someone, kind: 'token', userId: 'u' }
  expect((await open({})).statusCode).toBe(200)
})

test('a message that was read slowly is not sent to a caller that was revoked meanwhile', async () => {
  for (const subject of ['hello', 'again']) gateway.deliver({ subject, html: '<p>for your eyes only' })
  const [one, other] = (await get('/messages')).json().items
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + (asks ? 0 : 501))
  onTestFinished(() => void vi.restoreAllMocks())
  gateway.delay = () => {
    asks = undefined
  }
  for (const path of [`/messages/${one.ref}`, `/messages/${other.ref}/html`]) {
    asks = someone
    expect(await get(path)).toMatchObject({ statusCode: 401 })
  }
})

test('a download ends when its reader is revoked, between two pieces', async () => {
  const binary = { type: 'application/zip', fileName: 'a.zip', disposition: 'attachment' as const }
  const parts = [
    { type: 'text/plain', body: 'x' },
    { ...binary, body: Buffer.alloc(3_000_000, 1) },
  ]
  gateway.deliver(toDelivery({ subject: 'big', root: { type: 'multipart/mixed', parts } }))
  const { ref } = (await get('/messages')).json().items[0]
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + (asks ? 0 : 501))
  onTestFinished(() => void vi.restoreAllMocks())
  let pieces = 0
  gateway.delay = step => {
    if (step === 'readPiece' && ++pieces === 3) asks = undefined
  }
  await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const { port } = http.fastify.server.address() as { port: number }
  const headers = { authorization: 'Bearer x' }
  const answer = await fetch(`http://127.0.0.1:${port}${base}/messages/${ref}/parts/2`, { headers })
  expect(answer.status).toBe(200)
  await expect(answer.arrayBuffer()).rejects.toThrow('terminated')
  expect(pieces).toBe(3)
})

test('a download that has begun is finished while the server drains, and none is begun', async () => {
  const parts = [
    { type: 'text/plain', body: 'x' },
    { type: 'application/zip', body: Buffer.alloc(3_000_000, 1) },
  ]
  gateway.deliver(toDelivery({ subject: 'big', root: { type: 'multipart/mixed', parts } }))
  const { ref } = (await get('/messages')).json().items[0]
  const path = `/messages/${ref}/parts/2`
  let pieces = 0
  gateway.delay = step => {
    if (step === 'readPiece' && ++pieces === 3) pool.drain()
  }
  const whole = await get(path)
  expect([whole.statusCode, whole.rawPayload.length]).toEqual([200, 3_000_000])
  expect(pieces).toBeGreaterThan(4)
  expect((await get(path)).json()).toMatchObject({ code: 'draining' })
})

test('what a client gets wrong is answered with a problem that says what', async () => {
  for (const [path, status, code] of [
    ['/messages?limit=0', 400, 'bad_request'],
    ['/messages?cursor=made-up', 400, 'bad_request'],
    ['/messages?folder=Nowhere', 404, 'folder_not_found'],
    ['/messages?folder=%00', 400, 'bad_request'],
    ['/messages?folder=%01', 404, 'folder_not_found'],
    ['/search', 400, 'bad_request'],
    ['/search?q=', 400, 'bad_request'],
    ['/search?q=%20', 400, 'bad_request'],
    ['/search?q=a%0d%0ab', 400, 'bad_request'],
    [`/search?q=${'a'.repeat(501)}`, 400, 'bad_request'],
    ['/search?q=tea&cursor=made-up', 400, 'bad_request'],
    ['/search?q=in%3aNowhere', 404, 'folder_not_found'],
    ['/messages/AAAAAAAAAAAA', 404, 'message_not_found'],
    ['/messages/..%2f..%2fetc/html', 404, 'message_not_found'],
  ] as const) {
    const response = await get(path)
    expect([path, response.statusCode, response.json().code]).toEqual([path, status, code])
  }
})

test('a part is saved as a file and never shown, whatever it says that it is', async () => {
  const page = {
    type: 'text/html',
    fileName: 'Größe "1"\r\n.html',
    disposition: 'attachment' as const,
    body: '<script>alert(1)',
  }
  const parts = [{ type: 'text/plain', body: 'x' }, page]
  gateway.deliver(toDelivery({ subject: 'file', root: { type: 'multipart/mixed', parts } }))
  const { ref } = (await get('/messages')).json().items[0]
  const saved = await get(`/messages/${ref}/parts/2`)
  expect([saved.statusCode, saved.body]).toEqual([200, '<script>alert(1)'])
  expect(saved.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="Gr__e _1_.html"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20_1_.html`,
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  for (const id of ['3', '1.1', 'TEXT', '..%2f1', '0']) {
    const response = await get(`/messages/${ref}/parts/${id}`)
    expect([id, response.statusCode, response.json().code]).toEqual([id, 404, 'message_not_found'])
  }
})

test.each(['attachments', 'parts'])('a download under %s goes on where it broke off', async name => {
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))
  const file = { type: 'application/zip', fileName: 'a.zip', disposition: 'attachment' as const, body: bytes }
  const deliver = () =>
    gateway.deliver(
      toDelivery({
        subject: 'file',
        root: { type: 'multipart/mixed', parts: [{ type: 'text/plain', body: 'x' }, file] },
      }),
    )
  deliver()
  deliver()
  const [other, { ref }] = (await get('/messages')).json().items
  const path = `/messages/${ref}/${name}/2`
  const whole = await get(path)
  expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', etag: expect.stringMatching(/^"[\w-]{32}"$/) })
  expect([whole.statusCode, whole.rawPayload.equals(bytes)]).toEqual([200, true])
  const { etag } = whole.headers
  expect((await get(path)).headers).toMatchObject({ etag, 'content-length': '700000' })
  expect((await get(`/messages/${other.ref}/${name}/2`)).headers.etag).not.toBe(etag)

  const rest = await get(path, { range: 'bytes=262145-', 'if-range': String(etag) })
  expect(rest.statusCode).toBe(206)
  expect(rest.rawPayload.equals(bytes.subarray(262_145))).toBe(true)
  expect(rest.headers).toMatchObject({
    etag,
    'content-range': 'bytes 262145-699999/700000',
    'content-length': '437855',
    'content-type': 'application/octet-stream',
    'content-disposition': expect.stringContaining('attachment; filename="a.zip"'),
    'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  const last = await get(path, { range: 'bytes=-3' })
  expect([last.statusCode, last.rawPayload.equals(bytes.subarray(-3))]).toEqual([206, true])

  for (const headers of [
    { range: 'bytes=5-', 'if-range': '"another"' },
    { range: 'bytes=5-', 'if-range': `W/${etag}` },
    { range: 'bytes=5-', 'if-range': 'Sun, 22 Nov 2026 18:14:03 GMT' },
    { range: 'bytes=0-1,5-6' },
    { range: 'lines=5-' },
  ]) {
    const answer = await get(path, headers)
    expect([headers, answer.statusCode, answer.rawPayload.length]).toEqual([headers, 200, 700_000])
  }
  const past = await get(path, { range: 'bytes=700000-' })
  expect([past.statusCode, past.headers['content-range']]).toEqual([416, 'bytes */700000'])
  expect(past.json()).toMatchObject({ code: 'range_not_satisfiable' })
  expect((await get(`/messages/${ref}/${name}/7`, { range: 'bytes=0-' })).statusCode).toBe(404)
})

test('a picture in the text is that of the message, or none when the folder was made again meanwhile', async () => {
  const bytes = Buffer.from('a picture of the other message')
  const picture = { id: '1.2', name: null, type: 'image/png', size_bytes: 9, is_inline: true, content_id: '<a@x>' }
  const html = '<p>Hello<img src="cid:a@x"></p>'
  gateway.deliver({ subject: 'logo', html, attachments: [picture], parts: { '1.2': bytes } })
  const { ref } = (await get('/messages')).json().items[0]
  expect((await get(`/messages/${ref}/html`)).body).toContain(`data:image/png;base64,${bytes.toString('base64')}`)
  gateway.delay = step => {
    if (step === 'findPart') gateway.getFolder('INBOX').uidValidity++
  }
  const answer = await get(`/messages/${ref}/html`)
  expect([answer.statusCode, answer.json().code]).toEqual([409, 'stale_ref'])
  expect(answer.body).not.toContain(bytes.toString('base64'))
})

test('a part without a name is saved under its place, with the ending that its type is known by', async () => {
  const types = ['text/plain', 'text/calendar', 'application/x-odd']
  const parts = types.map(type => ({ type, disposition: 'attachment' as const, body: 'x' }))
  gateway.deliver(toDelivery({ subject: 'files', root: { type: 'multipart/mixed', parts } }))
  const { ref } = (await get('/messages')).json().items[0]
  const names = await Promise.all(
    types.map(async (_type, at) => (await get(`/messages/${ref}/parts/${at + 1}`)).headers['content-disposition']),
  )
  expect(names).toEqual(
    ['part-1.txt', 'part-2.ics', 'part-3'].map(name => `attachment; filename="${name}"; filename*=UTF-8''${name}`),
  )
})

test('a download that its client abandons makes room for the next', async () => {
  const parts = [
    { type: 'text/plain', body: 'x' },
    { type: 'application/zip', body: Buffer.alloc(600 * 1024) },
  ]
  gateway.deliver(toDelivery({ subject: 'file', root: { type: 'multipart/mixed', parts } }))
  const { ref } = (await get('/messages')).json().items[0]
  await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  const address = http.fastify.server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const headers = { authorization: 'Bearer token' }
  for (let time = 0; time < 20; time++) {
    const leaving = new AbortController()
    const answer = await fetch(`http://127.0.0.1:${port}${base}/messages/${ref}/parts/2`, {
      headers,
      signal: leaving.signal,
    })
    expect([time, answer.status]).toEqual([time, 200])
    leaving.abort()
    await expect(answer.arrayBuffer()).rejects.toThrow()
    await expect.poll(async () => (await get(`/messages/${ref}/parts/2`)).statusCode).toBe(200)
  }
})
