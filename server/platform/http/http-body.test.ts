/** Bodies: none is read for what is refused, none is larger than its endpoint takes, and together they hold a bounded memory. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { bodyLimits } from '../../../contract/endpoint.ts'
import { api } from '../../../contract/index.ts'
import { listenHere } from '../../../test/support/listen-here.ts'
import { headOf, openRaw } from '../../../test/support/raw-http.ts'
import { openSession, selfSigned, wholeOf } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import type { BodyBounds } from './body-bounds.ts'
import { AllowedHosts } from './http-form.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const proof = { authorization: 'Bearer right' }
const json = { 'content-type': 'application/json' }
const signIn = api.access.openSession.path
const newUser = api.users.inviteUser.path

async function door({ tls, bodyBounds }: { tls?: TlsFiles; bodyBounds?: BodyBounds } = {}) {
  const http = createHttpServer({
    logger: createLogger('silent'),
    authenticate: ({ token }) => (token === 'right' ? someone : undefined),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined, hosts: new AllowedHosts([]) },
    trustedProxies: [],
    tls,
    ...(bodyBounds ? { bodyBounds } : {}),
  })
  const bodies: unknown[] = []
  const refuse = ({ body }: { body: unknown }) => {
    bodies.push(body)
    return Promise.reject(new Problem('sign_in_failed', 'Read, and refused.'))
  }
  handle(http, api.access.openSession, refuse)
  handle(http, api.users.inviteUser, refuse)
  handle(http, api.system.live, () => ({ status: 'live' as const }))
  const port = await listenHere(http)
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, port, bodies }
}

const announced = { ...json, 'content-length': 1_000_000 }
const refused: [string, number, string][] = [
  ['an unknown path', 404, headOf('POST', '/nowhere', announced)],
  ['an unknown path of the API', 404, headOf('PUT', `${signIn}/nowhere`, announced)],
  ['a method that is not there', 405, headOf('PATCH', signIn, announced)],
  ['an unknown path, in chunks', 404, headOf('POST', '/nowhere', { ...json, 'transfer-encoding': 'chunked' })],
  ['an address that cannot be read', 400, headOf('POST', '/%zz', announced)],
  ['nobody known', 401, headOf('POST', newUser, announced)],
  ['nobody known, in chunks', 401, headOf('POST', newUser, { ...json, 'transfer-encoding': 'chunked' })],
  ['a wrong key', 401, headOf('POST', newUser, { ...announced, 'x-api-key': 'wrong' })],
  ['a name that is not ours', 421, headOf('POST', signIn, { ...announced, host: 'evil.example' })],
  ['two names', 400, headOf('POST', signIn, { ...announced, Host: 'localhost' })],
  ['the address of somebody else', 421, headOf('POST', `http://evil.example${signIn}`, announced)],
  ['a foreign page', 403, headOf('POST', signIn, { ...announced, origin: 'https://evil.example' })],
  [
    'more than a public endpoint takes',
    413,
    headOf('POST', signIn, { ...json, 'content-length': bodyLimits.public + 1 }),
  ],
  ['more than an endpoint takes', 413, headOf('POST', newUser, { ...announced, ...proof })],
  ['what is no JSON', 415, headOf('POST', signIn, { 'content-type': 'text/plain', 'content-length': 1_000_000 })],
  ['what says no type', 415, headOf('POST', signIn, { 'content-length': 1_000_000 })],
  ['what is compressed', 415, headOf('POST', signIn, { ...json, 'content-encoding': 'gzip', 'content-length': 100 })],
  ['a GET', 400, headOf('GET', '/health/live', { 'content-length': 1_000_000 })],
  ['a HEAD', 400, headOf('HEAD', '/health/live', { 'transfer-encoding': 'chunked' })],
]

test.each(refused)('%s is answered before any of its body has come', async (_name, status, head) => {
  const { url, bodies } = await door()
  const { statuses } = await openRaw(url, head)
  expect(await statuses(1)).toEqual([status])
  expect(bodies).toEqual([])
})

test.each(refused.filter(([, , head]) => /: (1000000|chunked)/.test(head)))(
  '%s is ended behind its answer, though its sender does not end it',
  async (_name, status, head) => {
    const { url } = await door()
    const { ended } = await openRaw(url, head)
    expect(await ended()).toMatchObject({
      status,
      isEnded: true,
      text: expect.stringMatching(/^connection: close\r$/im),
    })
  },
)

const sizeOf = (bytes: number) => `${bytes.toString(16)}\r\n`

test.each([
  ['with a length', { 'content-length': 512 * 1024 }, ''],
  ['in chunks', { 'transfer-encoding': 'chunked' }, sizeOf(512 * 1024)],
])('who sends too much %s gets the answer, though they read it last', async (_name, length, before) => {
  const { url, bodies } = await door()
  const { socket, ended } = await openRaw(url, headOf('POST', signIn, { ...json, ...length }) + before)
  socket.pause()
  socket.write('['.repeat(512 * 1024), () => socket.resume())
  const answer = await ended()
  expect(answer).toMatchObject({ status: 413, isEnded: true })
  expect(answer.text).toContain('larger than 16 KiB')
  expect(bodies).toEqual([])
})

test('a client that goes on sending nevertheless is cut off', async () => {
  const { port } = await door()
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined).resume()
  // Not `once`, which rejects if the connection is cut within a write.
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.write(headOf('POST', '/nowhere', { ...json, 'transfer-encoding': 'chunked' }))
  const piece = `${sizeOf(65_536)}${'x'.repeat(65_536)}\r\n`
  const send = () => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', send)
  send()
  await closed
  // Bytes accepted from it: the bound, and what kernel buffers hold.
  expect(socket.bytesWritten).toBeLessThan(64 * 1024 * 1024)
})

test('an unwanted small body does not cost the connection', async () => {
  const { url } = await door()
  const { socket, statuses } = await openRaw(url, headOf('POST', '/nowhere', { ...json, 'content-length': 10 }))
  expect(await statuses(1)).toEqual([404])
  socket.write(`{"a":12345}`.slice(0, 10) + headOf('GET', '/health/live', {}))
  expect(await statuses(2)).toEqual([404, 200])
})

test('a client that expects 100-continue gets it only when the body is wanted', async () => {
  const { url, bodies } = await door()
  const expecting = { ...json, expect: '100-continue' }
  const unwanted = await openRaw(url, headOf('POST', '/nowhere', { ...expecting, 'content-length': 10 }))
  expect((await unwanted.ended()).text).toMatch(/^HTTP\/1\.1 404/)
  const large = await openRaw(url, headOf('POST', signIn, { ...expecting, 'content-length': bodyLimits.public + 1 }))
  expect((await large.ended()).text).toMatch(/^HTTP\/1\.1 413/)
  const body = JSON.stringify({ email: 'a@example.com', password: 'x' })
  const wanted = await openRaw(url, headOf('POST', signIn, { ...expecting, 'content-length': body.length }))
  expect(await wanted.statuses(1)).toEqual([100])
  wanted.socket.write(body)
  expect(await wanted.statuses(2)).toEqual([100, 401])
  expect(bodies).toHaveLength(1)
  const other = await openRaw(url, headOf('POST', signIn, { ...json, expect: 'a miracle', 'content-length': 10 }))
  expect((await other.ended()).status).toBe(417)
})

test('the largest body that is taken is read whole, also a byte at a time', async () => {
  const { url, bodies } = await door()
  const start = '{"email":"a@example.com","password":"'
  const whole = `${start}${'x'.repeat(200)}"}${' '.repeat(bodyLimits.public - start.length - 202)}`
  expect(whole.length).toBe(bodyLimits.public)
  const one = await openRaw(url, headOf('POST', signIn, { ...json, 'content-length': whole.length }) + whole)
  expect(await one.statuses(1)).toEqual([401])
  const chunks = [...whole].map(character => `1\r\n${character}\r\n`).join('')
  const head = headOf('POST', signIn, { ...json, 'transfer-encoding': 'chunked' })
  const bytes = await openRaw(url, `${head}${chunks}0\r\n\r\n`)
  expect(await bytes.statuses(1)).toEqual([401])
  const more = await openRaw(url, `${head}${chunks}1\r\n \r\n0\r\n\r\n`)
  expect(await more.statuses(1)).toEqual([413])
  expect(bodies).toEqual(Array(2).fill({ email: 'a@example.com', password: 'x'.repeat(200) }))
})

test('where bodies fill their room, further large ones are sent away, a sign-in is not, and what is known has its own', async () => {
  const KiB = 1024
  const { url, bodies } = await door({
    bodyBounds: { ofAll: 60 * KiB, ofStrangers: 20 * KiB, ofOne: 30 * KiB, free: 2 * KiB },
  })
  const part = '['.repeat(10 * KiB)
  const half = headOf('POST', signIn, { ...json, 'content-length': 16 * KiB }) + part
  const held = [await openRaw(url, half)]
  const first = await openRaw(url, half)
  // Whether the first one holds its memory already is not visible: one of the two is refused.
  const sentAway = await Promise.race([first.ended(), held[0]!.ended()])
  expect(sentAway).toMatchObject({ status: 503, isEnded: true })
  expect(sentAway.text).toMatch(/^retry-after: 5\r$/im)
  const body = JSON.stringify({ email: 'a@example.com', password: 'x' })
  const small = await openRaw(url, headOf('POST', signIn, { ...json, 'content-length': body.length }) + body)
  expect(await small.statuses(1)).toEqual([401])
  const known = headOf('POST', newUser, { ...json, ...proof, 'content-length': 15 * KiB })
  const whole = `{"x":"${'x'.repeat(15 * KiB - 8)}"}`
  expect(await (await openRaw(url, known + whole)).statuses(1)).toEqual([400])
  for (const { socket } of [held[0]!, first]) socket.destroy()
  const complete = `{"email":"a@example.com","password":"x"}${' '.repeat(15 * KiB)}`
  const again = async () => {
    const one = await openRaw(url, headOf('POST', signIn, { ...json, 'content-length': complete.length }) + complete)
    return one.statuses(1)
  }
  await expect.poll(again).toEqual([401])
  expect(bodies.length).toBeGreaterThanOrEqual(2)
})

test('a body that costs more to read than its length says is refused', async () => {
  const { url, bodies } = await door()
  const send = async (body: string) => {
    const headers = { ...json, 'content-length': Buffer.byteLength(body) }
    const { ended } = await openRaw(url, headOf('POST', signIn, headers) + body)
    return ended()
  }
  for (const body of ['['.repeat(16_000), `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, `[${'0,'.repeat(5_000)}0]`]) {
    const answer = await send(body)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('32 levels')
  }
  expect(bodies).toEqual([])
})

test('over HTTP/2 too the answer comes before the body, and its stream ends', async () => {
  const files = selfSigned()
  const [cert, key] = [readFileSync(files.certFile), readFileSync(files.keyFile)]
  const { url, bodies } = await door({ tls: { cert, key } })
  const session = await openSession(url, cert, {})
  const cases: [string, Record<string, string | number>, number][] = [
    ['/nowhere', {}, 404],
    [newUser, {}, 401],
    [signIn, { 'content-length': bodyLimits.public + 1 }, 413],
    [signIn, { 'content-type': 'text/plain' }, 415],
    [signIn, { ':authority': 'evil.example' }, 421],
  ]
  for (const [path, headers, status] of cases) {
    const stream = session.request({ ':method': 'POST', ':path': path, ...json, ...headers })
    stream.on('error', () => undefined)
    const whole = wholeOf(stream)
    stream.write('[')
    const [head] = await once(stream, 'response')
    expect([path, head[':status']]).toEqual([path, status])
    expect(JSON.parse(await whole)).toMatchObject({ status })
    if (!stream.closed) await once(stream, 'close')
  }
  const stream = session.request({ ':method': 'POST', ':path': signIn, ...json })
  stream.on('error', () => undefined)
  const whole = wholeOf(stream)
  stream.write('['.repeat(bodyLimits.public + 1))
  const [head] = await once(stream, 'response')
  expect(head[':status']).toBe(413)
  expect(await whole).toContain('larger than 16 KiB')
  if (!stream.closed) await once(stream, 'close')
  expect(bodies).toEqual([])
})
