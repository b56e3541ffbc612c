/**
 * MCP clients that open streams and read nothing while mail arrives, over HTTP/1.1 and HTTP/2: nothing is produced for
 * them beyond what their connection buffers, others get every mail, and they are closed without their cooperation.
 */
import { once } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { mcpPath, ssePath } from '../../contract/mcp.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { fill } from '../support/mcp-world.ts'
import type { NewToken, Proof } from '../support/people.ts'
import { startAppOverTls } from '../support/people-over-2.ts'
import { headOf } from '../support/raw-http.ts'
import { openSession } from '../support/tls.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const modern = '2026-07-28'
const legacy = '2025-11-25'
const meta = 'io.modelcontextprotocol'
const accept = 'application/json, text/event-stream'
const modernFrame = (method: string, params: object) => ({
  ...{ jsonrpc: '2.0', id: method, method },
  params: {
    ...params,
    _meta: {
      [`${meta}/protocolVersion`]: modern,
      [`${meta}/clientInfo`]: { name: 'slow', version: '1' },
      [`${meta}/clientCapabilities`]: { extensions: { [`${meta}/events`]: {} } },
    },
  },
})
const modernHeaders = (proof: Proof, method: string) => ({
  ...proof,
  ...{ accept, 'content-type': 'application/json', 'mcp-protocol-version': modern, 'mcp-method': method },
})

async function startWorld(adapter: string) {
  const gateway = new MemoryGateway()
  const environment = { RUSTYMAIL_MCP_ADAPTER: adapter }
  const { people, ca } = await startAppOverTls({ environment, overrides: { gateway } })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const body = { name: 'ann', email: 'ann@example.org', imap }
  const { id: ann } = await people.tell<Account>(people.admin, 'POST', path, body)
  gateway.deliver({ subject: 'before' })
  await untilIndexed(people, ann, 1)

  /** Opens a stream over HTTP/2. @param window Flow-control window of each stream, in bytes. */
  const open = async (headers: Record<string, string>, path: string, body?: object, window = 65_535) => {
    const session = await openSession(people.url, ca, { initialWindowSize: window })
    const stream = session.request({ ':method': body ? 'POST' : 'GET', ':path': path, ...headers })
    stream.on('error', () => undefined)
    const over = once(stream, 'close')
    stream.end(body && JSON.stringify(body))
    const [{ ':status': status }] = (await once(stream, 'response')) as [{ ':status': number }]
    expect([path, status]).toEqual([path, 200])
    return Object.assign(stream, { over })
  }
  const openModern = (proof: Proof, method: string, params: object, window?: number) =>
    open(modernHeaders(proof, method), mcpPath, modernFrame(method, params), window)
  const metric = async (pattern: RegExp) => {
    const { text } = await people.ask(people.admin, 'GET', '/metrics')
    return [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0)
  }
  /** Returns the number of events that clients received, over all streams. */
  const taken = () => metric(/^rustymail_mcp_events_total\{mode="push"\} (\d+)$/gm)
  const streams = () => metric(/^rustymail_mcp_open_exchanges\{[^}]*kind="stream"[^}]*\} (\d+)$/gm)
  const revoke = ({ id }: NewToken) => people.tell(people.admin, 'DELETE', fill(api.tokens.revokeToken.path, id))
  return { people, ca, gateway, ann, open, openModern, taken, streams, revoke }
}

type World = Awaited<ReturnType<typeof startWorld>>

/** Collects what arrives from now on. */
function listen(stream: Duplex) {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', piece => {
    text += piece
  })
  return { text: () => text, count: (part: string) => text.split(part).length - 1 }
}

const event = '"method":"notifications/events/event"'

/** Opens a stream that reads everything, beside those that read nothing. */
async function attentive({ people, ann, openModern }: World) {
  const { proof } = await people.token(['mail:read'], [ann])
  const heard = listen(await openModern(proof, 'events/stream', { name: 'message.received' }))
  await expect.poll(heard.text).toContain('events/active')
  return () => heard.count(event)
}

const isCut = (stream: ClientHttp2Stream) => stream.closed && stream.rstCode !== 0

/** Opens the stream of a session before 2026 that subscribed to the inbox. */
async function openLegacy({ people, open, ann }: World, proof: Proof, window: number) {
  const headers = { ...proof, accept, 'mcp-protocol-version': legacy }
  const clientInfo = { name: 'slow', version: '1' }
  const hello = { protocolVersion: legacy, capabilities: {}, clientInfo }
  const begin = { jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }
  const begun = await people.ask({ ...headers }, 'POST', mcpPath, begin)
  const session = { ...headers, 'mcp-session-id': begun.headers.get('mcp-session-id')! }
  const wanted = { jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: inboxOf(ann) } }
  expect((await people.ask(session, 'POST', mcpPath, wanted)).status).toBe(200)
  return open(session, mcpPath, undefined, window)
}

const inboxOf = (account: string) => `mail://${account}/folders/INBOX`

test.each(['sdk', 'native'])(
  'with %s over HTTP/2, streams of each kind that nobody reads hold nothing up, hold little, and end with their token',
  async adapter => {
    const world = await startWorld(adapter)
    const { people, gateway, ann, openModern, taken, streams, revoke } = world
    const count = await attentive(world)
    const slow = await people.token(['mail:read'], [ann])
    const window = 1_000
    const events = await openModern(slow.proof, 'events/stream', { name: 'message.received' }, window)
    const uris = { resourcesListChanged: true, resourceSubscriptions: [inboxOf(ann)] }
    const listening = await openModern(slow.proof, 'subscriptions/listen', { notifications: uris }, window)
    const standing = await openLegacy(world, slow.proof, window)
    const session = await world.open({ ...slow.proof, accept }, ssePath, undefined, window)
    const all = [events, listening, standing, session]
    expect(await streams()).toBe(all.length + 1)
    const mails = 300
    for (let sent = 0; sent < mails; ) {
      for (let n = 0; n < 50; n++) gateway.deliver({ subject: `mail ${sent++}` })
      await expect.poll(count).toBe(sent)
    }
    // For a client that does not read, events stop at what its stream buffers (64 KiB) and the one that waits.
    expect(await taken()).toBeLessThan(mails + 200)
    expect(await streams()).toBe(all.length + 1)
    // They resume once they are read again.
    for (const stream of [listening, standing]) {
      await expect.poll(listen(stream).text).toContain('resources/updated')
      stream.pause()
    }
    await revoke(slow)
    await expect.poll(streams).toBe(1)
    // The response does not look complete, and its client is not waited for.
    events.resume()
    await events.over
    expect(isCut(events)).toBe(true)
  },
)

test('over HTTP/1.1, streams that are not read block nothing, and end with their token', async () => {
  const world = await startWorld('native')
  const { people, ca, gateway, ann, streams, revoke } = world
  const count = await attentive(world)
  const slow = await people.token(['mail:read'], [ann])
  const { hostname, port } = new URL(people.url)
  const open = async (method: string, path: string, headers: Proof, body = '') => {
    const socket = connectTls({ host: hostname, port: Number(port), ca, servername: 'localhost' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    const framing = { connection: 'close', 'content-length': Buffer.byteLength(body) }
    socket.write(headOf(method, path, { ...headers, ...framing }) + body)
    return socket
  }
  const asked = JSON.stringify(modernFrame('events/stream', { name: 'message.received' }))
  const sockets = [
    await open('POST', mcpPath, modernHeaders(slow.proof, 'events/stream'), asked),
    await open('GET', ssePath, slow.proof),
  ]
  await expect.poll(streams).toBe(3)
  for (let sent = 0; sent < 100; sent++) gateway.deliver({ subject: `mail ${sent}` })
  await expect.poll(count).toBe(100)
  expect(await streams()).toBe(3)
  await revoke(slow)
  await expect.poll(streams).toBe(1)
  for (const socket of sockets) {
    const heard = listen(socket)
    if (!socket.closed) await once(socket, 'close')
    expect(heard.text()).toMatch(/^HTTP\/1\.1 200 /)
  }
})
