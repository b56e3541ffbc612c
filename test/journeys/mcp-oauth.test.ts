/** Hosted MCP clients connect by URL alone: the SDK's OAuth client, a user who decides, the connection's lifetime. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { mcpAuthApi, mcpAuthPaths, protectedResourcePath } from '../../contract/mcp-auth.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { ask as askEvents, refusal } from '../support/events-client.ts'
import { callTool } from '../support/mcp-client.ts'
import { namesOf } from '../support/mcp-world.ts'
import { NamedNetwork } from '../support/named-network.ts'
import { connectOAuth, connectWithConsent, redirectUri, TestClient, usual, Visitor } from '../support/oauth-client.ts'
import { type People, runApp } from '../support/people.ts'

let people: People
let network: NamedNetwork
let account: string

beforeAll(async () => {
  network = new NamedNetwork({ names: ['localhost'] })
  const documents = { ...(await network.start()), hosts: ['localhost'] }
  const running = await runApp({ overrides: { gateway: new MemoryGateway(), documents } })
  people = running.people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  account = (await people.tell<Account>(people.admin, 'POST', path, { name: 'ann', email: 'ann@example.org', imap })).id
  return async () => {
    await running.stop()
    await network.stop()
  }
})

const turn = (enabled: boolean) => people.tell(people.admin, 'PUT', mcpAuthApi.setMcpAuth.path, { enabled })
beforeEach(async () => {
  network.serve = () => undefined
  await turn(true)
})

const listed = async () =>
  (await people.tell<{ items: ApiToken[] }>(people.admin, 'GET', api.tokens.listTokens.path)).items
const revokeAll = async () => {
  for (const { id } of await listed()) await people.tell(people.admin, 'DELETE', `${api.tokens.listTokens.path}/${id}`)
}
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
const accept = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' }
const listTools = (token: string, body: object = list) =>
  people.ask({ authorization: `Bearer ${token}`, ...accept }, 'POST', mcpPath, body)

async function post(path: string, form: Record<string, string>) {
  const answer = await fetch(people.url + path, { method: 'POST', body: new URLSearchParams(form) })
  const text = await answer.text()
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, string> }
}

test('while it is off, nothing of it is there, and a refusal is as before', async () => {
  await turn(false)
  for (const path of [protectedResourcePath, '/.well-known/oauth-authorization-server', mcpAuthPaths.jwks]) {
    expect((await people.ask({}, 'GET', path)).status).toBe(404)
  }
  expect((await people.ask({}, 'POST', mcpAuthPaths.register, {})).status).toBe(404)
  const { status, headers } = await people.ask(accept, 'POST', mcpPath, list)
  expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="RustyMail"'])
})

test.each(['registers itself', 'publishes a document'])('a client that %s is connected, and calls tools', async way => {
  await revokeAll()
  const documentUrl = 'https://localhost/client.json'
  const client = new TestClient(way === 'registers itself' ? undefined : documentUrl)
  const document = JSON.stringify({ client_id: documentUrl, ...client.clientMetadata })
  network.serve = () => ({ body: document, headers: { 'content-type': 'application/json' } })
  const connected = await connectWithConsent(people, client, { accounts: [account], preset: 'drafter' })
  expect(await namesOf(connected)).toContain('mail_search')
  expect((await callTool(connected, 'mail_accounts')).value).toMatchObject({ accounts: [{ id: account }] })
  expect(client.kept).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
  expect(client.kept?.scope?.split(' ').sort()).toEqual(['mail:draft', 'mail:meta', 'mail:organize', 'mail:read'])
  expect(await listed()).toMatchObject([
    {
      name: 'Test client',
      scopes: ['mail:draft'],
      accounts: [account],
      status: 'active',
      oauth_client: {
        name: 'Test client',
        host: way === 'registers itself' ? null : 'localhost',
        redirect_host: 'localhost:39111',
      },
    },
  ])
})

test('what a client is not granted is refused with the scopes to ask for, and what it wants beyond is a question to the user', async () => {
  await revokeAll()
  const client = new TestClient()
  await connectWithConsent(people, client, { accounts: [account], preset: 'reader' })
  const ask = (method: string, params: object) => listTools(client.kept!.access_token, { ...list, method, params })
  const { status, headers, text } = await ask('tools/call', { name: 'mail_draft', arguments: {} })
  expect([status, JSON.parse(text).code]).toEqual([403, 'forbidden'])
  const challenge = headers.get('www-authenticate')
  expect(challenge).toContain('error="insufficient_scope"')
  expect(challenge).toContain('scope="mail:meta mail:read mail:organize mail:draft"')
  expect(challenge).toContain(`resource_metadata="${people.url}${protectedResourcePath}/mcp"`)
  // Likewise for a resource or a prompt that needs such a tool.
  const path = `${api.tokens.listTokens.path}/${(await listed())[0]!.id}`
  await people.tell(people.admin, 'PATCH', path, { scopes: ['mail:meta'] })
  for (const answer of [
    await ask('resources/read', { uri: `mail://${account}/messages/AAAAAAAAAA` }),
    await ask('prompts/get', { name: 'digest' }),
  ])
    expect(answer.headers.get('www-authenticate')).toContain('scope="mail:meta mail:read"')
  expect((await ask('resources/read', { uri: `mail://${account}` })).status).toBe(200)
  // And for an event; but not for one that no client can be granted, which its extension refuses.
  const delivery = { mode: 'webhook', url: 'https://localhost/hook', secret: 'whsec_x' }
  for (const method of ['events/poll', 'events/stream', 'events/subscribe', 'events/unsubscribe']) {
    const answer = await ask(method, { name: 'approval.decided', delivery })
    expect([method, answer.status]).toEqual([method, 403])
    expect(answer.headers.get('www-authenticate')).toContain(
      'error="insufficient_scope", scope="mail:meta mail:read mail:organize mail:draft"',
    )
  }
  const proof = { authorization: `Bearer ${client.kept!.access_token}` }
  const poll = (name: string) => askEvents(people.url, proof, 'events/poll', { name })
  expect(await refusal(poll('account.trouble'))).toMatchObject({ code: -32_024 })
  expect(await poll('message.received')).toMatchObject({ events: [] })
  // A token created by a user is answered as before: it could not request more.
  const { secret } = await people.token(['mail:read'], [account])
  expect((await listTools(secret, { ...list, method: 'tools/call', params: { name: 'mail_draft' } })).status).toBe(200)
})

test('refresh tokens are rotated; one that is used again ends all that the client has', async () => {
  await revokeAll()
  const client = new TestClient()
  const connected = await connectWithConsent(people, client, { accounts: [account] })
  const { client_id } = client.information!
  const first = client.kept!
  const refresh = (refresh_token: string) =>
    post(mcpAuthPaths.token, { grant_type: 'refresh_token', client_id, refresh_token })
  const second = await refresh(first.refresh_token!)
  expect(second.status).toBe(200)
  expect(second.body.refresh_token).not.toBe(first.refresh_token)
  // The previous access token is valid for its hour, and so is the stream that it opened.
  for (const token of [first.access_token, second.body.access_token!]) expect((await listTools(token)).status).toBe(200)
  const [{ id = '' } = {}] = await listed()
  await people.tell(people.admin, 'PATCH', `${api.tokens.listTokens.path}/${id}`, { scopes: ['mail:meta'] })
  expect(await namesOf(connected)).not.toContain('mail_read')
  const third = await refresh(second.body.refresh_token!)
  expect(third.body.scope).toBe('mail:meta')

  expect(await refresh(first.refresh_token!)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect(await listed()).toEqual([])
  expect(await refresh(third.body.refresh_token!)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  const { status, headers } = await listTools(third.body.access_token!)
  expect(status).toBe(401)
  expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
})

test('two who come with the same refresh token at once: at most one is answered, and the connection is over', async () => {
  await revokeAll()
  const client = new TestClient()
  await connectWithConsent(people, client, { accounts: [account] })
  const { client_id } = client.information!
  const form = { grant_type: 'refresh_token', client_id, refresh_token: client.kept!.refresh_token! }
  const answers = await Promise.all([1, 2, 3, 4].map(() => post(mcpAuthPaths.token, form)))
  expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  expect(await listed()).toEqual([])
})

test('on the page of tokens a connection is revoked, its client cannot renew it, and the client itself gives it back', async () => {
  await revokeAll()
  const client = new TestClient()
  const connected = await connectWithConsent(people, client, { accounts: [account] })
  const { client_id } = client.information!
  const [{ id = '' } = {}] = await listed()
  const at = `${api.tokens.listTokens.path}/${id}`
  expect((await people.ask(people.admin, 'POST', `${at}/rotate`)).status).toBe(403)
  await people.tell(people.admin, 'DELETE', at)
  await expect(connected.listTools()).rejects.toThrow()
  const form = { grant_type: 'refresh_token', client_id, refresh_token: client.kept?.refresh_token ?? 'gone' }
  expect(await post(mcpAuthPaths.token, form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })

  await connectWithConsent(people, client, { accounts: [account] })
  const { access_token, refresh_token } = client.kept!
  const stranger = await people.ask({}, 'POST', mcpAuthPaths.register, client.clientMetadata)
  const theirs = { client_id: JSON.parse(stranger.text).client_id as string, token: refresh_token! }
  await post(mcpAuthPaths.revoke, theirs)
  expect((await listTools(access_token)).status).toBe(200)
  expect((await post(mcpAuthPaths.revoke, { client_id, token: refresh_token! })).status).toBe(200)
  expect((await listTools(access_token)).status).toBe(401)
  expect(await listed()).toEqual([])
})

test('an access token is for the MCP server at the address that it was issued for, and for nothing else', async () => {
  await revokeAll()
  const client = new TestClient()
  await connectWithConsent(people, client, { accounts: [account], preset: 'reader' })
  const { access_token: token } = client.kept!
  const proof = { authorization: `Bearer ${token}` }
  for (const path of ['/api/v1/accounts', api.tokens.listTokens.path, api.events.streamEvents.path]) {
    expect((await people.ask(proof, 'GET', path)).status).toBe(401)
  }
  // The same server under another name is another resource.
  const elsewhere = people.url.replace('127.0.0.1', 'localhost')
  const headers = { ...proof, ...accept, 'content-type': 'application/json' }
  const other = await fetch(elsewhere + mcpPath, { method: 'POST', headers, body: JSON.stringify(list) })
  expect(other.status).toBe(401)
  expect(other.headers.get('www-authenticate')).toContain(`resource_metadata="${elsewhere}`)
  expect((await listTools(token)).status).toBe(200)
  await turn(false)
  expect((await listTools(token)).status).toBe(401)
  await turn(true)
  expect((await listTools(token)).status).toBe(200)
  // The connection ends with its user.
  const { userId, proof: session } = await people.invite('operator')
  const theirs = new TestClient()
  await connectOAuth(people.url, theirs).catch(() => undefined)
  const visitor = new Visitor(people, session)
  const back = await visitor.approve(await visitor.come(theirs.asked!), { accounts: [account] })
  const code = back.searchParams.get('code')!
  const { client_id } = theirs.information!
  const form = { grant_type: 'authorization_code', client_id, code, redirect_uri: redirectUri }
  const got = await post(mcpAuthPaths.token, { ...form, code_verifier: theirs.codeVerifier() })
  expect((await listTools(got.body.access_token!)).status).toBe(200)
  await people.tell(people.admin, 'DELETE', `${api.users.listUsers.path}/${userId}`)
  expect((await listTools(got.body.access_token!)).status).toBe(401)
  const again = { grant_type: 'refresh_token', client_id, refresh_token: got.body.refresh_token! }
  expect(await post(mcpAuthPaths.token, again)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('only the signed-in user decides, in the browser in which the client began, never more than they may, and once', async () => {
  await revokeAll()
  const client = new TestClient()
  const begin = async () => {
    client.asked = undefined
    await connectOAuth(people.url, client).catch(() => undefined)
    return client.asked!
  }
  const visitor = new Visitor(people, people.admin)
  const id = await visitor.come(await begin())
  expect(await visitor.look(id)).toMatchObject({
    client: { name: 'Test client', host: null, redirect_host: 'localhost:39111' },
    redirect_uri: redirectUri,
    asks_for: ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft'],
    resource: people.url + mcpPath,
  })
  const approve = mcpAuthApi.approveConnection.path
  const body = { ...usual(), accounts: [account] }
  // Another browser, with an equally valid session: the client did not send it here.
  const other = new Visitor(people, people.admin)
  expect((await other.ask('POST', approve, id, body)).status).toBe(404)
  await other.come(await begin())
  expect((await other.ask('POST', approve, id, body)).status).toBe(404)
  // An anonymous caller, a token, and another page.
  expect((await new Visitor(people, {}).ask('POST', approve, id, body)).status).toBe(401)
  const { proof } = await people.token(['dashboard:admin'])
  expect((await people.ask(proof, 'POST', approve.replace('{request_id}', id), body)).status).toBe(403)
  const foreign = new Visitor(people, { ...people.admin, origin: 'https://evil.example' })
  expect((await foreign.ask('POST', approve, id, body)).status).toBe(403)
  // A user with fewer rights.
  const operator = new Visitor(people, (await people.invite('operator')).proof)
  const theirs = await operator.come(await begin())
  for (const preset of ['organizer', 'drafter', 'sender', 'autonomous']) {
    const { status, text } = await operator.ask('POST', approve, theirs, { ...body, preset })
    expect([status, JSON.parse(text).code]).toEqual([403, 'beyond_own_rights'])
  }
  expect((await operator.ask('POST', approve, theirs, { ...body, accounts: ['nosuch'] })).status).toBe(404)
  const long = new Date(Date.now() + 500 * 86_400_000).toISOString()
  expect((await operator.ask('POST', approve, theirs, { ...body, expires_at: long })).status).toBe(400)

  const twice = await Promise.all([1, 2, 3].map(() => visitor.ask('POST', approve, id, { ...body, proposes: true })))
  expect(twice.map(({ status }) => status).sort()).toEqual([200, 404, 404])
  const [token] = (await listed()).filter(({ oauth_client }) => oauth_client)
  const policy = await people.tell<{ policy: { mode: string } }>(
    people.admin,
    'GET',
    `${api.tokens.listTokens.path}/${token!.id}/policy`,
  )
  expect(policy.policy.mode).toBe('propose')
  const denied = await operator.deny(theirs)
  expect(Object.fromEntries(denied.searchParams)).toEqual({
    error: 'access_denied',
    error_description: 'the user did not want to connect it',
    state: 'the-state-of-the-client',
    iss: people.url,
  })
})

test('anyone can register a client, so no browser is redirected to its site before a user decided', async () => {
  const visitor = new Visitor(people, people.admin)
  for (const target of ['https://evil.example/phish', 'com.evil.app:/phish']) {
    const client = new TestClient()
    client.redirectUrl = target
    await connectOAuth(people.url, client).catch(() => undefined)
    const faults = [
      { response_type: 'token' },
      { response_mode: 'fragment', response_type: 'code token' },
      { code_challenge: '' },
      { code_challenge_method: 'plain' },
      { resource: 'https://other.example/mcp' },
      { scope: 'openid' },
      { prompt: 'none', code_challenge: 'x' },
    ]
    for (const fault of faults) {
      const url = new URL(client.asked!)
      for (const [name, value] of Object.entries(fault)) url.searchParams.set(name, value ?? '')
      const { status, location, text } = await visitor.open(url)
      // Without a fault that matters the user is asked on our own page.
      if (location !== '') expect([fault, new URL(location, people.url).origin]).toEqual([fault, people.url])
      else
        expect([fault, status, text]).toEqual([fault, 400, expect.stringMatching(/cannot be connected.\n\n\w+: \w+/)])
    }
    const back = await visitor.deny(await visitor.come(client.asked!))
    expect([back.href.startsWith(`${target}?`), back.searchParams.get('error')]).toEqual([true, 'access_denied'])
  }
})

test.each([
  ['\u202egnp.\u2066Bank', 'gnp. Bank'],
  ['\u3164\u034f\ufe0f', 'A client without a name'],
  ['<b>Bank</b>\u0007', '<b>Bank</b>'],
  [`${'x'.repeat(99)}😀😀`, `${'x'.repeat(99)}😀`],
])('a client named %j is shown as %j, without invisible or halved letters', async (client_name, shown) => {
  const client = new TestClient()
  const metadata = { ...client.clientMetadata, client_name }
  const answer = await people.ask({}, 'POST', mcpAuthPaths.register, metadata)
  expect([answer.status, JSON.parse(answer.text).client_name]).toEqual([201, shown])
})

test('hostile requests: no browser is led elsewhere, no code works without its proof or twice', async () => {
  await revokeAll()
  const client = new TestClient()
  await connectOAuth(people.url, client).catch(() => undefined)
  const { client_id } = client.information!
  const visitor = new Visitor(people, people.admin)
  const changed = (change: Record<string, string | null>) => {
    const url = new URL(client.asked!)
    for (const [name, value] of Object.entries(change)) {
      if (value === null) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    return url
  }
  const strange = [
    'https://evil.example/',
    `${redirectUri}/../x`,
    `${redirectUri}#x`,
    'http://localhost.evil.example/callback',
  ]
  for (const redirect_uri of [...strange, 'javascript:alert(1)', 'http://user@localhost:39111/callback', null]) {
    // Only one is registered, so that it may be left out.
    if (redirect_uri === null) continue
    const { status, location, text } = await visitor.open(changed({ redirect_uri }))
    expect([status, location]).toEqual([400, ''])
    expect(text).toContain('cannot be connected')
  }
  const faulty: [Record<string, string | null>, string][] = [
    [{ code_challenge: null }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ resource: 'https://other.example/mcp' }, 'invalid_target'],
  ]
  for (const [change, error] of faulty) {
    const { location } = await visitor.open(changed(change))
    const { origin, search, hash } = new URL(location)
    const answer = new URLSearchParams(search || hash.slice(1))
    expect([origin, answer.get('error'), answer.get('iss')]).toEqual(['http://localhost:39111', error, people.url])
  }
  expect((await visitor.open(changed({ client_id: 'nobody' }))).status).toBe(400)

  const back = await visitor.approve(await visitor.come(client.asked!), { accounts: [account] })
  expect(back.href.startsWith(`${redirectUri}?`)).toBe(true)
  expect(back.searchParams.get('iss')).toBe(people.url)
  const code = back.searchParams.get('code')!
  const form = { grant_type: 'authorization_code', client_id, code, redirect_uri: redirectUri }
  const proof = { code_verifier: client.codeVerifier() }
  expect((await post(mcpAuthPaths.token, form)).status).toBe(400)
  expect((await post(mcpAuthPaths.token, { ...form, code_verifier: 'x'.repeat(43) })).status).toBe(400)
  expect((await post(mcpAuthPaths.token, { ...form, ...proof, redirect_uri: 'http://localhost:1/' })).status).toBe(400)
  const other = await people.ask({}, 'POST', mcpAuthPaths.register, new TestClient().clientMetadata)
  const stolen = { ...form, ...proof, client_id: JSON.parse(other.text).client_id as string }
  expect((await post(mcpAuthPaths.token, stolen)).status).toBe(400)
  const good = await post(mcpAuthPaths.token, { ...form, ...proof })
  expect(good.status).toBe(200)
  // A reused code was stolen: what it was exchanged for is revoked.
  expect(await post(mcpAuthPaths.token, { ...form, ...proof })).toMatchObject({ body: { error: 'invalid_grant' } })
  expect((await listTools(good.body.access_token!)).status).toBe(401)
})
