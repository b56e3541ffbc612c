/** Real proxies in front of the real program: what goes wrong with events, and that the lines we show fix it. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { draftBounds } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { type Hearing, listen } from '../../web/system/listen.ts'
import { freePort } from '../support/free-port.ts'
import { ModelStandIn } from '../support/model-stand-in.ts'
import { openStream } from '../support/open-stream.ts'
import { type ProxyProgram, type RunningProxy, startProxy } from '../support/proxies.ts'
import { caddySite, documented, faults, plain, prescribed, quietFaults } from '../support/proxy-configurations.ts'
import { available } from '../support/require.ts'
import { runConformance } from '../support/run-conformance.ts'
import { apiKey, type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const authorization = `Bearer ${apiKey}`
const eventsPath = api.events.streamEvents.path

afterEach(() => vi.unstubAllGlobals())

/** Observes as the connection doctor does in a browser; the API key stands for its cookie. */
async function hear({ url }: RunningProxy, waitMs: number): Promise<Hearing> {
  const { signal } = new AbortController()
  // The next state comes within 5 s.
  return listen({ url: url + eventsPath, signal, timing: { waitMs, watchMs: 15_000, enough: 1 } })
}

/** Opens an HTTP/2 connection, as a browser does; it ends with the test, or before. */
async function openHttp2(proxy: RunningProxy, localAddress = '127.0.0.1') {
  const { hostname: host, port } = new URL(proxy.url)
  const socket = connectTls({
    socket: connectTcp({ host, port: Number(port), localAddress }),
    host,
    ca: proxy.certificate,
    ALPNProtocols: ['h2'],
  })
  const session = connectHttp2(proxy.url, { createConnection: () => socket })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  await once(session, 'connect')
  const request = async (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers })
    let text = ''
    stream.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
    stream.on('error', () => undefined)
    stream.end(body === undefined ? undefined : JSON.stringify(body))
    const [head] = await once(stream, 'response')
    return { head, text: () => text }
  }
  return { protocol: session.alpnProtocol, request, destroy: () => session.destroy() }
}

async function addAccount(server: Served): Promise<string> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  return (await server.call(api.accounts.createAccount, { query: { verify: 'false' }, body })).id
}

/** Returns the open streams of clients with this user agent. */
async function openStreams(server: Served, userAgent: string): Promise<number> {
  const { clients } = await server.call(api.clients.listClients, { query: { filter: userAgent, per_page: '100' } })
  return clients.reduce((sum, client) => sum + client.streams, 0)
}

/** Environment that a server needs behind this proxy. */
async function prepareBehind(program: ProxyProgram) {
  const port = await freePort()
  const proxy = await startProxy(program, documented(program), `http://127.0.0.1:${port}`)
  const environment = {
    RUSTYMAIL_PORT: String(port),
    RUSTYMAIL_PUBLIC_URL: proxy.url,
    RUSTYMAIL_TRUSTED_PROXIES: '127.0.0.1',
  }
  return { proxy, environment }
}

/** Starts a server in this process, with a heartbeat short enough for a test to wait for. */
function startQuick(heartbeatSeconds: number, environment: Record<string, string> = {}) {
  const dir = tempDir('quick')
  onTestFinished(() => dir.remove())
  return startHere({ dataDir: join(dir.path, 'data'), environment, heartbeatSeconds })
}

/** Returns the protocol that a browser would negotiate. */
async function protocolOf({ url, certificate }: RunningProxy): Promise<string | false | null> {
  const port = Number(new URL(url).port)
  const socket = connectTls({ host: '127.0.0.1', port, ca: certificate, ALPNProtocols: ['h2', 'http/1.1'] })
  await once(socket, 'secureConnect')
  socket.destroy()
  return socket.alpnProtocol
}

/** Returns whether the second heartbeat arrives. */
async function livesOn(proxy: RunningProxy): Promise<boolean> {
  const path = `${eventsPath}?types=mail_received`
  if (proxy.url.startsWith('https:')) {
    const { request } = await openHttp2(proxy)
    const { text } = await request('GET', path, { authorization })
    await expect.poll(() => text().match(/^event: heartbeat$/gm)).toHaveLength(2)
    return true
  }
  const stream = await openStream(proxy.url + path, { authorization })
  onTestFinished(() => stream.close())
  const beats = [stream.next('heartbeat'), stream.next('heartbeat')]
  return (await Promise.allSettled(beats)).every(({ status }) => status === 'fulfilled')
}

const programs = (['nginx', 'caddy'] as const).filter(available)

/** Checks all installed proxies concurrently, since most of the time is waiting. */
async function behindEach(check: (program: ProxyProgram) => Promise<void>): Promise<void> {
  const checks = programs.map(program =>
    check(program).catch((cause: unknown) => {
      throw new Error(`behind ${program}: ${cause}`, { cause })
    }),
  )
  await Promise.allSettled(checks)
  await Promise.all(checks)
}

const runs = test.skipIf(programs.length === 0)

runs('events are held back or changed where it is told wrongly, and what the doctor prescribes fixes it', async () => {
  const { url } = await startQuick(15)
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (input: string, init: RequestInit) =>
    fetch(input, { ...init, headers: { accept: 'text/event-stream', authorization } }),
  )
  await behindEach(async program => {
    const results = faults[program].map(async ({ name, faulty, heard, fixed }) => {
      const [ill, well] = await Promise.all([startProxy(program, faulty, url), startProxy(program, fixed, url)])
      const [before, after] = await Promise.all([hear(ill, 3_000), hear(well, 10_000)])
      expect(before, name).toMatchObject(heard)
      expect(after, name).toMatchObject({
        status: 200,
        contentType: 'text/event-stream; charset=utf-8',
        contentEncoding: null,
        fault: null,
        arrivals: [{ type: 'welcome' }, { type: 'stats_update' }],
      })
      expect(new Set(after.arrivals.map(({ piece }) => piece)).size, name).toBe(2)
    })
    expect(await Promise.allSettled(results)).toEqual(results.map(() => ({ status: 'fulfilled', value: undefined })))
  })
})

runs('a quiet stream is cut where the limit is short, and lives on with what the doctor prescribes', async () => {
  const { url } = await startQuick(3)
  await behindEach(async program => {
    const { name, faulty, fixed } = quietFaults[program]
    // The documentation allows four heartbeats; this allows just over one.
    const shorter = documented(program).replace('proxy_read_timeout 60s', 'proxy_read_timeout 4s')
    const proxies = [faulty, fixed, shorter].map(configuration => startProxy(program, configuration, url))
    const lives = await Promise.all(proxies.map(async proxy => livesOn(await proxy)))
    expect(lives, name).toEqual([false, true, true])
  })
})

runs('as docs/events.md shows it, many streams share a connection and events come at once', () =>
  behindEach(async program => {
    const { proxy, environment } = await prepareBehind(program)
    const server = await startQuick(15, environment)
    const account = await addAccount(server)
    const browser = await openHttp2(proxy)
    expect(browser.protocol).toBe('h2')
    const headers = { authorization, 'user-agent': 'many-streams' }
    const streams = await Promise.all(Array.from({ length: 20 }, () => browser.request('GET', eventsPath, headers)))
    expect(streams.map(({ head }) => head[':status'])).toEqual(streams.map(() => 200))
    const received = (type: string) => streams.filter(({ text }) => text().includes(`\nevent: ${type}\n`)).length
    await expect.poll(() => received('welcome')).toBe(20)

    const direct = await openStream(server.url + eventsPath, { authorization })
    onTestFinished(() => direct.close())
    await direct.next('welcome')
    await server.call(api.accounts.updateAccount, { params: { account_id: account }, body: { name: 'Ann' } })
    await direct.next('account_updated')
    await expect.poll(() => received('account_updated')).toBe(20)

    // Nothing remains of a disconnected client, long before a heartbeat would detect it.
    expect(await openStreams(server, 'many-streams')).toBe(20)
    browser.destroy()
    await expect.poll(() => openStreams(server, 'many-streams')).toBe(0)
  }),
)

runs('as docs/events.md shows it, what MCP and the assistant stream comes at once, and is not compressed', () =>
  behindEach(async program => {
    const { proxy, environment } = await prepareBehind(program)
    // Caddy decides by the length of the first write whether it compresses, and what it compresses it does not flush.
    const model = await ModelStandIn.start('openai', { does: 'stall', pieces: ['so '.repeat(1_000), 'far'] })
    onTestFinished(() => model.close())
    const named = { OPENAI_API_KEY: 'sk-proxy', OPENAI_BASE_URL: model.url, OPENAI_MODEL: 'stand-in-1' }
    await startQuick(15, { ...environment, ...named })
    const { request } = await openHttp2(proxy)
    const headers = { authorization, accept: 'text/event-stream', 'accept-encoding': 'gzip, zstd' }
    const json = { ...headers, 'content-type': 'application/json' }
    const mcp = await request('GET', '/sse', headers)
    const answer = await request('POST', api.assistant.queryChatbot.path, json, { query: 'Well?' })
    await expect.poll(() => mcp.text()).toContain('event: endpoint\n')
    await expect.poll(() => answer.text()).toContain('"far"')
    const part = answer.text().match(/^data: (.*"conversation_id".*)$/m)![1]!
    const ids: Record<string, string> = JSON.parse(part)
    const parts = api.conversations.followAnswer.path.replaceAll(/\{(\w+)\}/g, (_place, name) => ids[name]!)
    // Its first write is the long part.
    const followed = await request('GET', `${parts}?after=2`, headers)
    await expect.poll(() => followed.text()).toContain('"far"')
    const streams = [mcp, answer, followed]
    expect(streams.map(({ head }) => head['content-encoding'])).toEqual(streams.map(() => undefined))
  }),
)

runs('as docs/events.md shows it, the address is that of the client, and a session is for TLS only', () =>
  behindEach(async program => {
    const { proxy, environment } = await prepareBehind(program)
    // The program itself, which prints the link.
    const server = await startRustyMail({ environment })
    const away = await openHttp2(proxy, '127.0.0.2')
    const named = { authorization, 'user-agent': 'someone-else', 'x-forwarded-for': '203.0.113.9' }
    expect((await away.request('GET', api.metrics.getStats.path, named)).head[':status']).toBe(200)
    const { clients } = await server.call(api.clients.listClients, { query: { filter: 'someone-else' } })
    expect(clients.map(client => client.ip_address)).toEqual(['127.0.0.2'])

    expect(server.setupLink).toContain(`${proxy.url}/setup#`)
    const { email, password } = administrator
    const { path } = api.access.openSession
    const json = { origin: proxy.url, 'content-type': 'application/json' }
    const { head } = await away.request('POST', path, json, { email, password })
    expect([head[':status'], String(head['set-cookie'])]).toEqual([201, expect.stringMatching(/^__Host-.*; Secure/)])
    const cookie = String(head['set-cookie']).split(';')[0]!
    const foreign = await away.request('DELETE', path, { cookie, origin: 'https://elsewhere.example' })
    expect(foreign.head[':status']).toBe(403)
    expect((await away.request('DELETE', path, { cookie, origin: proxy.url })).head[':status']).toBe(204)
  }),
)

test.skipIf(!available('nginx'))(
  'as docs/events.md shows it, nginx accepts attachments as large as RustyMail does',
  async () => {
    const { proxy, environment } = await prepareBehind('nginx')
    const server = await startQuick(15, environment)
    const draft = `/api/v1/accounts/${await addAccount(server)}/drafts/dfZeY4L93vMHIsb3LJsfbM`
    const { hostname, port } = new URL(proxy.url)
    const path = `${draft}/attachments?rev=1&name=large.bin`
    const headers = { authorization, 'content-type': 'application/octet-stream' }
    const asked = request({ hostname, port, path, headers, method: 'POST', ca: proxy.certificate })
    asked.end(Buffer.alloc(draftBounds.attachmentBytes))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    // Only RustyMail says so.
    expect([response.statusCode, await text(response)]).toEqual([404, expect.stringContaining('draft_not_found')])
  },
)

runs('as docs/events.md shows it, the stream conforms', () =>
  behindEach(async program => {
    const { proxy, environment } = await prepareBehind(program)
    await startQuick(1, environment)
    const certificate = { NODE_EXTRA_CA_CERTS: proxy.certificateFile }
    const { failed, text } = await runConformance(proxy.url, ['--token', apiKey], certificate)
    expect(failed).toEqual([])
    expect(text).toMatch(/^all is well$/m)
  }),
)

test.skipIf(!available('nginx'))('browsers get HTTP/2 from nginx with what the doctor prescribes', async () => {
  const server = (line: string) =>
    `server {\n${line}\nssl_certificate /etc/ssl/mail.example.com.crt;\nssl_certificate_key /etc/ssl/mail.example.com.key;\n}`
  const [one, two] = await Promise.all(
    ['listen 443 ssl;', prescribed('nginx', 'protocol')].map(line =>
      startProxy('nginx', server(line), 'http://127.0.0.1:9'),
    ),
  )
  expect([await protocolOf(one!), await protocolOf(two!)]).toEqual(['http/1.1', 'h2'])
})

test.skipIf(!available('caddy'))('browsers get HTTP/2 from Caddy with what the doctor prescribes', async () => {
  const proxy = await startProxy('caddy', prescribed('caddy', 'protocol'), 'http://127.0.0.1:9')
  expect(await protocolOf(proxy)).toBe('h2')
})

test.skipIf(!available('caddy'))('Caddy keeps streams of clients that left where flush_interval is -1', async () => {
  const server = await startQuick(15)
  const ways = {
    flushing: caddySite(`${plain} {\n\tflush_interval -1\n}`),
    leaving: caddySite(prescribed('caddy', 'buffering')),
  }
  const clients = Object.entries(ways).map(async ([userAgent, site]) => {
    const { url } = await startProxy('caddy', site, server.url)
    const path = `${eventsPath}?types=mail_received`
    const stream = await openStream(url + path, { authorization, 'user-agent': userAgent })
    await stream.next('welcome')
    return stream
  })
  for (const client of await Promise.all(clients)) client.close()
  await expect.poll(() => openStreams(server, 'leaving')).toBe(0)
  expect(await openStreams(server, 'flushing')).toBe(1)
})
