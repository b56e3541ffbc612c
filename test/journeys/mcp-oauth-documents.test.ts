/**
 * Metadata of MCP clients, in documents that RustyMail fetches and in registrations: bounded, and no way to internal
 * servers.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { mcpAuthApi, mcpAuthPaths } from '../../contract/mcp-auth.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { NamedNetwork } from '../support/named-network.ts'
import { redirectUri, TestClient, Visitor } from '../support/oauth-client.ts'
import { type People, runApp } from '../support/people.ts'

let people: People
let network: NamedNetwork
/** Connections to port 8443, on any host. */
let connections = 0
/** Makes URLs unique: what an earlier attempt fetched, or failed to, is not fetched again soon. */
let tries = 0
const newIds = (name: string) => {
  const prefix = `https://localhost/${name}${'x'.repeat(++tries)}`
  return (index: number) => `${prefix}-${index}.json`
}

beforeAll(async () => {
  network = new NamedNetwork({ names: ['localhost'] })
  const { ca, portOf } = await network.start()
  const trap = createServer(socket => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(trap, 'listening')
  const { port } = trap.address() as AddressInfo
  const documents = { ca, portOf: (wanted: number) => (wanted === 8443 ? port : portOf(wanted)), hosts: ['localhost'] }
  const running = await runApp({ overrides: { gateway: new MemoryGateway(), documents } })
  people = running.people
  await people.tell(people.admin, 'PUT', mcpAuthApi.setMcpAuth.path, { enabled: true })
  return async () => {
    await running.stop()
    await network.stop()
    trap.close()
  }
})

/** A browser sent by a client, which is named by its document. */
const ask = (id: string) => {
  const query = { client_id: id, redirect_uri: redirectUri, response_type: 'code', code_challenge_method: 'S256' }
  const url = `${people.url}${mcpAuthPaths.authorize}?${new URLSearchParams({ ...query, code_challenge: 'a'.repeat(43) })}`
  return new Visitor(people, people.admin).open(url)
}

test('documents that never end are given up, few are fetched at once, and one that failed is not fetched again at once', async () => {
  const idOf = newIds('slow')
  network.requests.length = 0
  network.serve = ({ path }) => (/[02468]/.test(path) ? 'silent' : 'drip')
  const slow = Array.from({ length: 8 }, (_, n) => ask(idOf(n)))
  await expect.poll(() => network.requests.length).toBe(8)
  const document = { ...new TestClient().clientMetadata, client_id: idOf(8) }
  network.serve = () => ({ body: JSON.stringify(document) })
  expect((await ask(idOf(8))).status).toBe(400)
  expect(network.requests.length).toBe(8)
  for (const { status } of await Promise.all(slow)) expect(status).toBe(400)
  expect((await ask(idOf(0))).status).toBe(400)
  expect(network.requests.length).toBe(8)
})

test('hostile clients: what they say of themselves is bounded, and nothing inside is fetched for them', async () => {
  const idOf = newIds('hostile')
  const before = connections
  const document = { ...new TestClient().clientMetadata, client_id: idOf(0) }
  const places = '127.0.0.1:8443 [::ffff:127.0.0.1]:8443 0x7f000001:8443 10.0.0.5 [::1] 169.254.169.254'
  const inside = places.split(' ').map(place => `https://${place}/x`)
  network.requests.length = 0
  for (const strange of [...inside, 'http://localhost/x', 'https://user:x@localhost/x', 'file:///etc/passwd']) {
    expect((await ask(strange)).status).toBe(400)
  }
  expect([network.requests, connections]).toEqual([[], before])
  // Something does listen there.
  expect((await ask(idOf(0).replace('localhost', 'localhost:8443'))).status).toBe(400)
  expect(connections).toBe(before + 1)
  const pages = [
    { body: JSON.stringify(document), headers: { 'cache-control': 'max-age=0' } },
    { body: 'x'.repeat(10 * 1024 * 1024) },
    { body: JSON.stringify({ ...document, client_id: idOf(2), client_name: 'x'.repeat(100_000) }) },
    { body: 'no JSON' },
    { body: '[]' },
    { body: JSON.stringify(document) },
    { body: JSON.stringify({ ...document, client_id: idOf(6), redirect_uris: ['javascript:alert(1)'] }) },
    { body: JSON.stringify({ ...document, client_id: idOf(7), redirect_uris: ['http://evil.example/'] }) },
    { body: JSON.stringify({ ...document, client_id: idOf(8), redirect_uris: Array(21).fill(redirectUri) }) },
    { status: 302, headers: { location: 'https://127.0.0.1:8443/inside.json' } },
    { status: 307, headers: { location: 'https://localhost:8443/inside.json' } },
    { status: 301, headers: { location: new URL(idOf(0)).pathname } },
    { status: 500 },
  ]
  for (const [index, page] of pages.entries()) {
    network.serve = () => page
    expect((await ask(idOf(index))).status).toBe(index === 0 ? 303 : 400)
  }
  expect([network.requests.length, connections]).toEqual([pages.length, before + 1])

  const register = async (metadata: object) => (await people.ask({}, 'POST', mcpAuthPaths.register, metadata)).status
  const { clientMetadata } = new TestClient()
  for (const uri of [
    'javascript:alert(1)',
    'http://evil.example/cb',
    'data:text/html,x',
    'https://a.example/#x',
    'no url',
  ]) {
    expect(await register({ ...clientMetadata, redirect_uris: [uri] })).toBe(400)
  }
  expect(await register({ ...clientMetadata, redirect_uris: [] })).toBe(400)
  expect(await register({ ...clientMetadata, client_name: 'x'.repeat(20_000) })).toBe(413)
  const foreign = { origin: 'https://evil.example' }
  expect((await people.ask(foreign, 'POST', mcpAuthPaths.register, clientMetadata)).status).toBe(403)
  for (const uri of ['https://app.example/cb', 'http://127.0.0.1:1/cb', 'cursor://anysphere/oauth/callback']) {
    expect(await register({ ...clientMetadata, redirect_uris: [uri] })).toBe(201)
  }
})
