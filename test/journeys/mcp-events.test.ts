/** Mail that wakes an agent: MCP Events by poll, stream and webhook, over real sockets; who gets what, what ends it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpAuthApi, mcpAuthPaths } from '../../contract/mcp-auth.ts'
import type { Scope } from '../../contract/scope.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { ask, EventsStream, refusal } from '../support/events-client.ts'
import { connectWithConsent, TestClient } from '../support/oauth-client.ts'
import { patience } from '../support/patience.ts'
import { type NewToken, type People, runApp } from '../support/people.ts'
import { selfSigned } from '../support/tls.ts'
import { connectTwoAccounts } from '../support/two-accounts.ts'
import { answer, newSecret, startWebhookSink, type WebhookSink } from '../support/webhook-sink.ts'

let people: People
let stop: () => Promise<void>
const gateway = new MemoryGateway()
let ann = ''
let bob = ''

const range = (count: number) => Array.from({ length: count }, (_, at) => at)
const deliver = (subject: string, email = 'cy@example.org') => {
  gateway.deliver({ subject, text: 'The body, which nobody is told.', from: [{ name: 'Cy', email }] })
}

beforeAll(async () => {
  const running = await runApp({ overrides: { gateway } })
  people = running.people
  stop = running.stop
  deliver('before anybody asked')
  ;[ann, bob] = await connectTwoAccounts(people, gateway)
})
afterAll(() => stop())

const token = (accounts = [ann], scopes: Scope[] = ['mail:draft']) => people.token(scopes, accounts)
const call = ({ proof }: Pick<NewToken, 'proof'>, method: string, params: object = {}) =>
  ask(people.url, proof, `events/${method}`, params)
const open = ({ proof }: NewToken, params: object) => new EventsStream().open(people.url, proof, params)
const subjects = (events: { data: { untrusted_subject: string } }[]) =>
  events.map(({ data }) => data.untrusted_subject.split('\n')[1])
const subscription = (to: { url: string; secret: string }, more: object = {}) => ({
  ...{ name: 'message.received', arguments: {}, delivery: { mode: 'webhook', url: to.url, secret: to.secret } },
  ...more,
})
const of = async (sink: WebhookSink, endpoint: { path: string }, times: number) => {
  await vi.waitFor(() => {
    if (sink.of(endpoint).length < times) throw new Error(`${sink.of(endpoint).length}: ${sink.faults.join('; ')}`)
  }, patience)
  return sink.of(endpoint).map(({ body }) => body as never as { data: { untrusted_subject: string } })
}

/** A server with an untrusted certificate. @returns Its URL. */
async function strangeCertificate(): Promise<string> {
  const { certFile, keyFile } = selfSigned()
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `https://localhost:${(server.address() as { port: number }).port}/hook`
}

test('what is offered is what the token may hear of, with schemas; others are refused, and so is what makes no sense', async () => {
  const [reader, watcher] = [await token(), await token([ann], ['mail:meta', 'dashboard:read'])]
  const names = async (one: NewToken) => (await call(one, 'list')).events.map(({ name }: { name: string }) => name)
  expect(await names(reader)).toEqual(['message.received', 'message.replied', 'approval.decided', 'delivery.failed'])
  expect(await names(watcher)).toEqual(['message.received', 'message.replied', 'delivery.failed', 'account.trouble'])
  const [first] = (await call(reader, 'list')).events
  expect(first).toMatchObject({ delivery: ['webhook', 'push', 'poll'], inputSchema: { type: 'object' } })
  expect(Object.keys(first.payloadSchema.properties)).not.toContain('text')
  const refused = (method: string, params: object) => refusal(call(reader, method, params))
  expect(await refused('poll', { name: 'mail.lost' })).toMatchObject({ code: -32_023, data: { kind: 'event' } })
  expect(await refused('poll', { name: 'account.trouble' })).toMatchObject({ code: -32_024 })
  expect(await refused('stream', { name: 'message.received', arguments: { account: bob } })).toMatchObject({
    code: -32_024,
  })
  for (const wrong of [{ arguments: { sender: 'x' } }, { cursor: 'nonsense' }, { arguments: { query: 'from:' } }]) {
    expect(await refused('poll', { name: 'message.received', ...wrong })).toMatchObject({ code: -32_602 })
  }
  // Restricted to what `mail_search` of the same token searches.
  const looking = { name: 'message.received', arguments: { query: 'body:nob*' } }
  expect(await refusal(call(watcher, 'poll', looking))).toMatchObject({ message: expect.stringContaining('mail:read') })
  expect(await call(reader, 'poll', looking)).toMatchObject({ events: [] })
})

test('poll: from now on, then what came since, once; a folder, a sender and a search narrow it', async () => {
  const one = await token()
  const name = 'message.received'
  const begun = await call(one, 'poll', { name })
  expect(begun).toMatchObject({ events: [], truncated: false, hasMore: false, resultType: 'complete' })
  deliver('first invoice', 'Dee@Shop.test')
  deliver('second letter', 'eve@post.test')
  const since = async (more: object = {}) => call(one, 'poll', { name, cursor: begun.cursor, ...more })
  await expect.poll(async () => (await since()).events.length, { timeout: patience }).toBe(2)
  const all = await since()
  expect(subjects(all.events)).toEqual(['first invoice', 'second letter'])
  expect(all.events[0]).toMatchObject({
    ...{ eventId: expect.stringMatching(/^evt_[\w-]+$/), name },
    data: { account: ann, folder: 'INBOX', from: 'Dee@Shop.test', auth: 'unknown', message: expect.any(String) },
  })
  expect(all.events[0].data.untrusted_subject).toMatch(/^<untrusted-[0-9a-f]{12}>\nfirst invoice\n<\/untrusted-/)
  expect(JSON.stringify(all)).not.toContain('nobody is told')
  expect(await call(one, 'poll', { name, cursor: all.cursor })).toMatchObject({ events: [], hasMore: false })
  const page = await since({ maxEvents: 1 })
  expect([subjects(page.events), page.hasMore]).toEqual([['first invoice'], true])
  expect(subjects((await call(one, 'poll', { name, cursor: page.cursor })).events)).toEqual(['second letter'])
  const narrowed = async (args: object) => subjects((await since({ arguments: args })).events)
  expect(await narrowed({ from: '@shop.test' })).toEqual(['first invoice'])
  expect(await narrowed({ from: 'eve@post.test', folder: 'INBOX' })).toEqual(['second letter'])
  expect(await narrowed({ folder: 'Archive' })).toEqual([])
  await vi.waitFor(
    async () => expect(await narrowed({ query: 'subject:invoice OR subject:nothing' })).toEqual(['first invoice']),
    patience,
  )
  expect(await since({ maxAgeMs: 0 })).toMatchObject({ events: [], truncated: true })
  const other = await call(one, 'poll', { name, cursor: 'aaaa-1' })
  expect(other).toMatchObject({ events: [], truncated: true })
})

test('a stream tells what comes, goes on from a cursor, is narrowed with its token, and ended with it', async () => {
  const one = await token([ann, bob])
  const stream = await open(one, { name: 'message.received', arguments: { account: ann } })
  expect(stream.of('active')).toMatchObject([
    { truncated: false, _meta: { 'io.modelcontextprotocol/subscriptionId': stream.id } },
  ])
  deliver('streamed')
  await stream.until(() => stream.events.length === 1)
  expect(subjects(stream.events as never)).toEqual(['streamed'])
  const { cursor } = stream.events[0]!
  stream.leave()
  deliver('missed')
  const again = await open(one, { name: 'message.received', cursor, arguments: { account: ann } })
  await again.until(() => again.events.length === 1)
  expect(subjects(again.events as never)).toEqual(['missed'])
  const path = `${api.tokens.createToken.path}/${one.id}`
  await people.tell(people.admin, 'PATCH', path, { scopes: ['dashboard:read'] })
  await again.until(() => again.isOver)
  expect(again.of('terminated')).toMatchObject([{ error: { code: -32_024 } }])
  const other = await token()
  const revoked = await open(other, { name: 'message.received' })
  await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${other.id}`)
  await revoked.until(() => revoked.isOver)
  expect(revoked.of('terminated')).toMatchObject([{ error: { code: -32_024, message: 'Forbidden' } }])
})

test('a program may have many streams of events at once, beside its other streams; each is told, and one more is refused', async () => {
  const one = await token()
  const many = await Promise.all(range(200).map(() => open(one, { name: 'message.received' })))
  expect(many.filter(stream => stream.of('active').length === 1).length).toBe(200)
  expect(await refusal(call(one, 'stream', { name: 'message.received' }))).toMatchObject({
    message: expect.stringContaining('already have 200 MCP event streams open'),
  })
  deliver('for all of them')
  for (const stream of many) await stream.until(() => stream.events.length === 1)
  await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${one.id}`)
  for (const stream of many) await stream.until(() => stream.isOver)
  // The streams of the same user have been released.
  await open(await token(), { name: 'message.received' })
})

test('a webhook: proven by a handshake, signed, known again by what it is, and told what came', async () => {
  const sink = await startWebhookSink()
  const one = await token()
  const hook = sink.endpoint('one')
  const made = await call(one, 'subscribe', subscription(hook, { ttlMs: 3_600_000 }))
  expect(made).toMatchObject({ id: expect.stringMatching(/^sub_[0-9a-f]{32}$/), truncated: false })
  const left = Date.parse(made.refreshBefore) - Date.now()
  expect([left > 3_500_000, left <= 3_600_000]).toEqual([true, true])
  expect(sink.taken.map(({ body }) => body.type)).toEqual(['verification'])
  expect(sink.taken[0]!.headers['x-mcp-subscription-id']).toBe(made.id)
  deliver('to the hook')
  const [told] = await of(sink, hook, 1)
  expect(told).toMatchObject({ name: 'message.received', cursor: expect.any(String), data: { account: ann } })
  const { headers, body } = sink.of(hook)[0]!
  expect(headers).toMatchObject({ 'webhook-id': body.eventId, 'x-mcp-subscription-id': made.id })
  // Refreshed: the same subscription without another handshake; the new secret signs beside the old one.
  const next = newSecret()
  const refreshed = await call(one, 'subscribe', subscription({ ...hook, secret: next }, { cursor: body.cursor }))
  expect(refreshed).toMatchObject({ id: made.id, truncated: false, deliveryStatus: { active: true, lastError: null } })
  expect(sink.taken.filter(({ body: { type } }) => type === 'verification').length).toBe(1)
  sink.secrets.set(hook.path, [next])
  deliver('after the change')
  await of(sink, hook, 2)
  const unsubscribed = { name: 'message.received', arguments: {}, delivery: { url: hook.url } }
  expect(await call(one, 'unsubscribe', unsubscribed)).toMatchObject({ resultType: 'complete' })
  expect(await refusal(call(one, 'unsubscribe', unsubscribed))).toMatchObject({
    ...{ code: -32_023, data: { kind: 'subscription' } },
  })
  expect(sink.faults).toEqual([])
})

test('what proves nothing is refused in the words of the extension, and nothing is delivered there', async () => {
  const sink = await startWebhookSink()
  const one = await token()
  const [echo, away] = [sink.endpoint('echo'), sink.endpoint('away')]
  sink.refusesHandshakes.add(echo.path)
  sink.always.set(away.path, answer(500))
  const refused = (to: { url: string; secret: string }, more: object = {}) =>
    refusal(call(one, 'subscribe', subscription(to, more)))
  expect(await refused(echo)).toMatchObject({ code: -32_027, data: { reason: 'challenge_failed' } })
  expect(await refused(away)).toMatchObject({ code: -32_027, data: { reason: 'http_5xx' } })
  // A closed port and a disallowed network are indistinguishable.
  for (const url of ['https://localhost:1/hook', 'https://10.0.0.1/hook', 'https://169.254.169.254/latest']) {
    expect(await refused({ ...echo, url })).toMatchObject({ code: -32_027, data: { reason: 'connection_refused' } })
  }
  expect(await refused({ ...echo, url: await strangeCertificate() })).toMatchObject({
    ...{ code: -32_027, data: { reason: 'tls_error' } },
  })
  for (const [to, word] of [
    [{ ...echo, url: echo.url.replace('https', 'http') }, 'https'],
    [{ ...echo, url: echo.url.replace('//', '//me:pw@') }, 'credentials'],
    [{ ...echo, secret: 'whsec_c2hvcnQ=' }, '24 to 64'],
  ] as const) {
    expect(await refused(to)).toMatchObject({ code: -32_602, message: expect.stringContaining(word) })
  }
  expect(await refused(echo, { delivery: { mode: 'push', url: echo.url, secret: echo.secret } })).toMatchObject({
    ...{ code: -32_026, data: { feature: 'deliveryMode', value: 'push' } },
  })
  expect(
    await refusal(ask(people.url, people.admin, 'events/subscribe', subscription(sink.endpoint('s')))),
  ).toMatchObject({ code: -32_024 })
})

test('a subscription ends with its token, and with a freeze of reading, and says so; both are in the trail', async () => {
  const sink = await startWebhookSink()
  const [one, other] = [await token(), await token()]
  const [first, second] = [sink.endpoint('first'), sink.endpoint('second')]
  const { id } = await call(one, 'subscribe', subscription(first))
  await call(other, 'subscribe', subscription(second))
  await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${one.id}`)
  expect(await of(sink, first, 1)).toMatchObject([{ type: 'terminated', error: { code: -32_024 } }])
  const freeze = await people.tell<{ id: string }>(people.admin, 'POST', api.freezes.freeze.path, {
    principal: other.id,
    reads: 'stop',
  })
  onTestFinished(async () => {
    await people.tell(people.admin, 'DELETE', `${api.freezes.freeze.path}/${freeze.id}`)
  })
  expect(await of(sink, second, 1)).toMatchObject([{ type: 'terminated', error: { message: 'Forbidden' } }])
  expect(await refusal(call(other, 'poll', { name: 'message.received' }))).toMatchObject({
    message: expect.stringContaining('frozen'),
  })
  const trail = await people.tell<{ items: { operation: string; refs: Record<string, string> }[] }>(
    people.admin,
    'GET',
    `${api.audit.listAudit.path}?limit=50`,
  )
  const subscribed = trail.items.filter(({ operation }) => operation === 'event.subscribe')
  expect(JSON.stringify(subscribed)).toContain(id)
  for (const { refs } of subscribed) expect(refs.client).toBe('test 1.0.0')
  expect(JSON.stringify(trail)).not.toContain(first.secret)
})

test('a client that connected by OAuth keeps its subscription over all its access tokens, and loses it with its connection', async () => {
  await people.tell(people.admin, 'PUT', mcpAuthApi.setMcpAuth.path, { enabled: true })
  const sink = await startWebhookSink()
  const endpoint = sink.endpoint('hosted')
  const client = new TestClient()
  await connectWithConsent(people, client, { accounts: [ann] })
  const by = (access: string) => ({ proof: { authorization: `Bearer ${access}` } })
  const first = client.kept!
  const { id } = await call(by(first.access_token), 'subscribe', subscription(endpoint))
  const { client_id } = client.information!
  const form = { grant_type: 'refresh_token', client_id, refresh_token: first.refresh_token! }
  const renewed = await fetch(people.url + mcpAuthPaths.token, { method: 'POST', body: new URLSearchParams(form) })
  const { access_token: second } = (await renewed.json()) as { access_token: string }
  // The same subscription, whichever access token requests it.
  const again = await call(by(second), 'subscribe', subscription(endpoint))
  expect(again).toMatchObject({ id, deliveryStatus: { active: true } })
  const { items } = await people.tell<{ items: ApiToken[] }>(people.admin, 'GET', api.tokens.listTokens.path)
  const path = `${api.tokens.listTokens.path}/${items.find(({ oauth_client }) => oauth_client)!.id}`
  // The change event names each access token.
  await people.tell(people.admin, 'PATCH', path, { scopes: ['mail:meta'] })
  deliver('for the hosted')
  await of(sink, endpoint, 1)
  await people.tell(people.admin, 'DELETE', path)
  expect((await of(sink, endpoint, 2))[1]).toMatchObject({ type: 'terminated', error: { code: -32_024 } })
})

test('figures count what was told', async () => {
  const one = await token()
  const begun = await call(one, 'poll', { name: 'message.received' })
  deliver('counted')
  await expect
    .poll(async () => (await call(one, 'poll', { name: 'message.received', cursor: begun.cursor })).events.length)
    .toBe(1)
  const metrics = (await people.ask(people.admin, 'GET', '/metrics')).text
  expect(metrics).toMatch(/rustymail_mcp_events_total\{mode="poll"\} [1-9]/)
  expect(metrics).toMatch(/rustymail_webhook_endpoints \d/)
})
