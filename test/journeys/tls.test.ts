/** TLS without a proxy: the real program with a certificate of its own, over HTTP/1.1 and HTTP/2. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { apiKey, spawnRustyMail } from '../support/rustymail.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'
import { readOver2, requestOver2, selfSigned, startWithTls } from '../support/tls.ts'

const authorization = `Bearer ${apiKey}`
const events = '/api/dashboard/events'

test('the page, the API and sign-in work over HTTP/1.1 and HTTP/2, with a cookie for TLS alone', async () => {
  const run = await startWithTls()
  const session = await run.session()
  expect(session.alpnProtocol).toBe('h2')
  const { name: _name, ...credentials } = administrator
  const setUp = await requestOver2(session, '/api/dashboard/setup', {
    method: 'POST',
    headers: { origin: run.url },
    body: { setup_token: run.setupToken, ...administrator },
  })
  expect(setUp.status).toBe(201)
  const signIn = { method: 'POST', headers: { origin: run.url }, body: credentials }
  const ask2 = (path: string, sent = {}) => requestOver2(session, path, sent)
  for (const ask of [run.over1, ask2]) {
    const page = await ask('/', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect(page.text).toContain('<div id="root">')
    expect(page.headers['strict-transport-security']).toMatch(/max-age=\d{8}/)
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")

    const stats = await ask('/api/dashboard/stats', { headers: { authorization } })
    expect(stats.status).toBe(200)
    expect(stats.headers.ratelimit).toMatch(/^"principal";r=\d+;t=\d+$/)
    expect((await ask('/api/dashboard/stats')).status).toBe(401)

    const signedIn = await ask('/api/dashboard/session', signIn)
    expect(signedIn.status).toBe(201)
    const [cookie] = signedIn.headers['set-cookie']!
    expect(cookie).toMatch(/^__Host-rustymail_session=[^;]+;.*Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    const session = await ask('/api/dashboard/session', { headers: { cookie: cookie!.split(';')[0]! } })
    expect(JSON.parse(session.text)).toMatchObject({ principal: { email: administrator.email } })
  }
})

test('a foreign page may not use a session over HTTP/2, which names the host in a field of its own', async () => {
  const run = await startWithTls()
  const session = await run.session()
  const body = { setup_token: run.setupToken, ...administrator }
  const send = (origin: string) =>
    requestOver2(session, '/api/dashboard/setup', { method: 'POST', headers: { origin }, body })
  const foreign = await send('https://elsewhere.example')
  expect(foreign.status).toBe(403)
  expect(JSON.parse(foreign.text)).toMatchObject({ code: 'origin_not_allowed' })
  const own = await send(run.url)
  expect(own.status).toBe(201)

  const cookie = own.headers['set-cookie']![0]!.split(';')[0]!
  const signOut = (origin: string) =>
    requestOver2(session, '/api/dashboard/session', { method: 'DELETE', headers: { cookie, origin } })
  expect((await signOut('https://elsewhere.example')).status).toBe(403)
  expect((await signOut(run.url)).status).toBe(204)
})

test('many event streams share one connection, one that is closed frees its place, and a stop says goodbye to the others', async () => {
  const run = await startWithTls()
  const session = await run.session()
  const countStreams = async () => {
    const { text } = await requestOver2(session, '/api/dashboard/streams', { headers: { authorization } })
    return api.events.getStreamHealth.response.parse(JSON.parse(text)).streams
  }
  const readers = Array.from({ length: 40 }, () => readOver2(session, events, { authorization }))
  const areOpen = () => readers.filter(reader => reader.text().includes('event: welcome')).length
  await expect.poll(areOpen).toBe(40)
  expect(await countStreams()).toBe(40)

  const [gone, ...others] = readers
  gone!.stream.close(8)
  await expect.poll(countStreams).toBe(39)
  for (const { stream } of others.splice(0, 19)) stream.close(8)
  await expect.poll(countStreams).toBe(20)

  // Changes made over the same connection reach its open streams.
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  const path = `${api.accounts.createAccount.path}?verify=false`
  expect((await requestOver2(session, path, { method: 'POST', headers: { authorization }, body })).status).toBe(201)
  const told = () => others.filter(reader => reader.text().includes('event: account_added')).length
  await expect.poll(told).toBe(20)

  // Beside them: a stream over HTTP/1.1, an idle connection, and one without a handshake.
  const { hostname, port } = new URL(run.url)
  const older = connectTls({
    host: hostname,
    port: Number(port),
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  const silent = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false })
  const mute = connect(Number(port), hostname)
  for (const socket of [older, silent, mute]) onTestFinished(() => void socket.on('error', () => undefined).destroy())
  await Promise.all([once(older, 'secureConnect'), once(silent, 'secureConnect'), once(mute, 'connect')])
  let olderText = ''
  older.on('data', chunk => {
    olderText += chunk
  })
  older.write(`GET ${events} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`)
  await expect.poll(() => olderText).toContain('event: welcome')

  expect(await run.stop()).toBe(0)
  expect(run.log()).not.toContain('did not stop cleanly')
  await Promise.all(others.map(({ ended }) => ended))
  expect(olderText).toMatch(/event: goodbye\ndata: .*"shutdown"/)
  for (const { text, stream } of others) {
    expect(text()).toMatch(/event: goodbye\ndata: .*"shutdown"/)
    expect(stream.rstCode).toBe(0)
  }
})

test('a stop ends within ten seconds with 0 while a reader takes nothing', async () => {
  const run = await startWithTls()
  // A window of zero: no byte of a body may be sent.
  const session = await run.session({ initialWindowSize: 0 })
  const stream = session.request({ ':path': events, authorization })
  stream.on('error', () => undefined)
  await once(stream, 'response')
  // A slower stop exits with 1.
  expect(await run.stop()).toBe(0)
})

test('plain HTTP to the port of TLS is told so, and what is no HTTP at all is cut; it goes on serving', async () => {
  const run = await startWithTls()
  const plain = await fetch(run.url.replace('https:', 'http:'))
  expect(plain.status).toBe(400)
  expect(await plain.json()).toMatchObject({ code: 'bad_request', detail: expect.stringContaining('https://') })
  const { hostname, port } = new URL(run.url)
  const noise = connect(Number(port), hostname)
  onTestFinished(() => void noise.destroy())
  noise.on('error', () => undefined).write('EHLO there\r\n')
  await once(noise, 'close')
  expect((await run.over1('/health/live')).status).toBe(200)
})

test('a certificate that is missing, no certificate, or not of this key is named at the start, with exit 78', async () => {
  const dir = tempDir('tls')
  onTestFinished(() => dir.remove())
  const [ours, other] = [selfSigned(), selfSigned()]
  const junk = join(dir.path, 'junk.pem')
  writeFileSync(junk, 'not a certificate\n')
  const start = async (RUSTYMAIL_TLS_CERT: string, RUSTYMAIL_TLS_KEY: string) => {
    const environment = { RUSTYMAIL_TLS_CERT, RUSTYMAIL_TLS_KEY }
    const { child, log } = spawnRustyMail({ dataDir: join(dir.path, 'data'), environment })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [code] = await once(child, 'close')
    return `${code}: ${log()}`
  }
  const starts = [
    start(ours.certFile, ''),
    start(join(dir.path, 'none.pem'), ours.keyFile),
    start(ours.certFile, other.keyFile),
    start(junk, ours.keyFile),
  ]
  for (const words of await Promise.all(starts)) expect(words).toMatch(/^78: .*RUSTYMAIL_TLS_(CERT|KEY)/s)
  expect(await starts[1]).toContain('RUSTYMAIL_TLS_CERT cannot be read')
  expect(await starts[2]).toContain('do not make a certificate with its key')
})

test('MCP answers over HTTP/1.1 and HTTP/2, and a stream of it ends with the server', async () => {
  const run = await startWithTls()
  const session = await run.session()
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const message = (method: string, params: object) => ({
    method: 'POST',
    headers: {
      authorization,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
    },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } },
  })
  const list = message('tools/list', {})
  for (const answer of [await run.over1('/mcp', list), await requestOver2(session, '/mcp', list)]) {
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text).result.tools.length).toBeGreaterThan(3)
  }
  const listening = message('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const streams = [run.over1('/mcp', listening), requestOver2(session, '/mcp', listening)]
  const clients = async () => {
    const { text } = await run.over1('/api/dashboard/clients?kind=mcp', { headers: { authorization } })
    return JSON.parse(text).clients.reduce((sum: number, { streams }: { streams: number }) => sum + streams, 0)
  }
  await expect.poll(clients).toBe(2)
  expect(await run.stop()).toBe(0)
  expect(run.log()).not.toContain('did not stop cleanly')
  for (const { status, text } of await Promise.all(streams)) {
    expect([status, text]).toEqual([200, expect.stringContaining('"resultType":"complete"')])
  }
})
