/** Webhooks of programs over real sockets: made by a token or for one, signed, told what the token may read, replayed, rotated, disabled and enabled. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { History } from '../../contract/history.ts'
import { api } from '../../contract/index.ts'
import type { Webhook, WebhookDelivery } from '../../contract/webhooks.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { freePort } from '../support/free-port.ts'
import { patience } from '../support/patience.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { selfSigned } from '../support/tls.ts'
import { connectTwoAccounts } from '../support/two-accounts.ts'
import { answer, flood, hang, newSecret, startWebhookSink, type WebhookSink } from '../support/webhook-sink.ts'

let people: People
let stop: () => Promise<void>
const gateway = new MemoryGateway()
let ann = ''
let bob = ''
const base = api.webhooks.listWebhooks.path

/** Facts that tell of it, one for each account. */
let announced = 0
const deliver = (subject: string) => {
  announced += 2
  gateway.deliver({ subject, text: 'The body, which nobody is told.', from: [{ name: 'Cy', email: 'cy@example.org' }] })
}

beforeAll(async () => {
  const running = await runApp({ overrides: { gateway } })
  people = running.people
  stop = running.stop
  deliver('before anybody asked')
  ;[ann, bob] = await connectTwoAccounts(people, gateway)
  announced = 0
})
afterAll(() => stop())
// Each account tells of it in its own time: the next test hears of its own mail alone.
afterEach(async () => {
  const path = `${api.events.listFacts.path}?types=mail_received&limit=100`
  const facts = () => people.tell<{ items: object[] }>(people.admin, 'GET', path)
  await vi.waitFor(async () => expect((await facts()).items.length).toBe(announced), patience)
})

const token = (accounts = [ann]) => people.token(['mail:read'], accounts)
type Made = { webhook: Webhook; secret: string; path: string }
const make = async (sink: WebhookSink, proof: Proof, name: string, more: object = {}): Promise<Made> => {
  const { url, path } = sink.endpoint(name)
  const made = await people.tell<Made>(proof, 'POST', base, { name, url, types: ['mail_received'], ...more })
  sink.secrets.set(path, [made.secret])
  return { ...made, path }
}
const on = ({ webhook: { id } }: Made, action = '') => `${base}/${id}${action}`
const get = (proof: Proof, hook: Made) => people.tell<Webhook>(proof, 'GET', on(hook))
const told = async (sink: WebhookSink, hook: Made, times: number) => {
  await vi.waitFor(() => {
    if (sink.of(hook).length < times) throw new Error(`${sink.of(hook).length}: ${sink.faults.join('; ')}`)
  }, patience)
  return sink.of(hook)
}
const ask = async (proof: Proof, method: string, path: string, body?: object) => {
  const { status, text } = await people.ask(proof, method, path, body)
  return { status, body: text === '' ? undefined : JSON.parse(text) }
}
const deliveries = async (proof: Proof, hook: Made) =>
  (await people.tell<{ items: WebhookDelivery[] }>(proof, 'GET', on(hook, '/deliveries'))).items

test('a token makes one, is shown its secret once, and is told of mail in the shape of Standard Webhooks', async () => {
  const sink = await startWebhookSink()
  const { proof } = await token()
  const hook = await make(sink, proof, 'one')
  expect(hook.webhook).toMatchObject({ state: 'active', types: ['mail_received'], principal: { kind: 'token' } })
  deliver('greetings')
  const [first] = await told(sink, hook, 1)
  const { headers, text } = first!
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const
  const signed = Object.fromEntries(names.map(name => [name, String(headers[name])]))
  const event = new Verifier(hook.secret).verify(text, signed)
  expect(event).toMatchObject({ id: headers['webhook-id'], type: 'mail_received', data: { account_id: ann } })
  expect(headers['webhook-id']).toMatch(/^evt_[a-z0-9]+-\d+$/)
  // Ids alone: neither the sender nor the subject.
  expect(text).not.toMatch(/greetings|example\.org/)
  expect(JSON.stringify(await get(proof, hook))).not.toContain(hook.secret)
  // Written once it was answered.
  const done = { id: first!.id, outcome: 'delivered', request: { body: text }, response: { status: 204 } }
  await vi.waitFor(async () => expect(await deliveries(proof, hook)).toMatchObject([done]), patience)
  expect(JSON.stringify(await deliveries(proof, hook))).not.toContain('v1,')
  const tested = await people.tell<WebhookDelivery>(proof, 'POST', on(hook, '/test'))
  expect(tested).toMatchObject({ type: 'test', outcome: 'delivered' })
  expect(sink.of(hook).at(-1)!.body).toMatchObject({ type: 'test', data: { webhook_id: hook.webhook.id } })
})

test('filters: types, accounts and a search; and no more than the token sees', async () => {
  const sink = await startWebhookSink()
  const [both, one] = [await token([ann, bob]), await token([ann])]
  const [all, narrow, found] = [
    await make(sink, both.proof, 'all', { types: [] }),
    await make(sink, both.proof, 'narrow', { accounts: [bob] }),
    await make(sink, one.proof, 'found', { query: 'subject:invoice' }),
  ]
  deliver('a letter')
  deliver('an invoice')
  await told(sink, all, 4)
  const seen = await told(sink, narrow, 2)
  expect(seen.map(({ body }) => (body.data as { account_id: string }).account_id)).toEqual([bob, bob])
  expect((await told(sink, found, 1)).length).toBe(1)
  for (const [body, code] of [
    [{ accounts: [bob] }, 'account_not_found'],
    [{ query: 'from:' }, 'bad_request'],
    [{ url: 'http://example.org/x' }, 'bad_request'],
    [{ url: 'https://me:pw@example.org/x' }, 'bad_request'],
    [{ types: ['mail_lost'] }, 'bad_request'],
  ] as const) {
    expect((await ask(one.proof, 'PATCH', on(found), body)).body).toMatchObject({ code })
  }
  await people.tell(one.proof, 'PATCH', on(found), { query: null, name: 'all of ann' })
  deliver('any letter')
  await told(sink, found, 2)
})

test('a user makes one for their token; others do not see it, administrators do', async () => {
  const sink = await startWebhookSink()
  const [mine, other] = [await token(), await token()]
  expect((await ask(people.admin, 'POST', base, { name: 'x', url: 'https://example.org/' })).status).toBe(400)
  const hook = await make(sink, people.admin, 'session', { token_id: mine.id })
  expect(hook.webhook.principal.id).toBe(`token-${mine.id}`)
  expect(await ask(other.proof, 'GET', on(hook))).toMatchObject({ status: 404 })
  expect((await ask(other.proof, 'GET', base)).body.items).toEqual([])
  const stranger = await people.invite('viewer')
  const refused = await ask(stranger.proof, 'POST', base, { name: 'x', url: 'https://example.org/', token_id: mine.id })
  expect(refused.body).toMatchObject({ code: 'token_not_found' })
  // A token of an administrator has a list of accounts: what is told to the webhook may be more.
  const admin = await people.token(['dashboard:admin'])
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/rotate'],
    ['GET', '/deliveries'],
    ['DELETE', ''],
  ] as const) {
    const body = method === 'PATCH' || method === 'POST' ? {} : undefined
    expect((await ask(admin.proof, method, on(hook, path), body)).status).toBe(404)
  }
  expect((await ask(people.admin, 'DELETE', on(hook))).status).toBe(204)
  expect((await ask(mine.proof, 'GET', on(hook))).body).toMatchObject({ code: 'webhook_not_found' })
})

test('a new secret signs beside the old one; replay from an id and from a time repeats the same ids', async () => {
  const sink = await startWebhookSink()
  const { proof } = await token()
  const hook = await make(sink, proof, 'replayed')
  for (const subject of ['r1', 'r2', 'r3']) deliver(subject)
  const [first, second, third] = (await told(sink, hook, 3)).map(({ id }) => id)
  const rotated = await people.tell<Made>(proof, 'POST', on(hook, '/rotate'), { keep_minutes: 60 })
  expect(rotated.webhook.previous_secret_until).not.toBeNull()
  deliver('r4')
  const { headers, text } = (await told(sink, hook, 4))[3]!
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const
  const signed = Object.fromEntries(names.map(name => [name, String(headers[name])]))
  for (const secret of [hook.secret, rotated.secret]) new Verifier(secret).verify(text, signed)
  const fourth = headers['webhook-id']
  await people.tell(proof, 'POST', on(hook, '/rotate'), { keep_minutes: 0 })
  sink.secrets.set(hook.path, [])
  const last = await people.tell<Made>(proof, 'POST', on(hook, '/rotate'), { keep_minutes: 0 })
  sink.secrets.set(hook.path, [last.secret])
  await people.tell(proof, 'POST', on(hook, '/replay'), { after: first })
  expect((await told(sink, hook, 7)).slice(4).map(({ id }) => id)).toEqual([second, third, fourth])
  const from = (sink.of(hook)[2]!.body as { timestamp: string }).timestamp
  await people.tell(proof, 'POST', on(hook, '/replay'), { from })
  // With what was in the same millisecond.
  const again = () => sink.of(hook).flatMap(({ id }, at) => (at < 7 ? [] : [id]))
  await vi.waitFor(() => expect(again()).toContain(fourth), patience)
  expect(again()).toContain(third)
  expect((await ask(proof, 'POST', on(hook, '/replay'), { after: 'evt_zz-1' })).body).toMatchObject({
    code: 'bad_request',
  })
})

test('with order by account one that fails holds up no other, and is named while it waits', async () => {
  const sink = await startWebhookSink()
  const { proof } = await token([ann, bob])
  const hook = await make(sink, proof, 'by-account', { order: 'account' })
  expect(hook.webhook).toMatchObject({ order: 'account', waiting: [] })
  const accountOf = ({ data }: Record<string, unknown>) => (data as { account_id: string }).account_id
  sink.judges.set(hook.path, body => (accountOf(body) === ann ? answer(500) : undefined))
  for (const subject of ['b1', 'b2', 'b3']) deliver(subject)
  expect((await told(sink, hook, 3)).map(({ body }) => accountOf(body))).toEqual([bob, bob, bob])
  await vi.waitFor(async () => {
    const { state, failures, waiting } = await get(proof, hook)
    expect({ state, failures, waiting }).toMatchObject({
      state: 'failing',
      failures: 0,
      waiting: [{ account_id: ann }],
    })
  }, patience)
  expect((await people.tell<{ items: Webhook[] }>(proof, 'GET', base)).items[0]!.waiting.length).toBe(1)
  sink.judges.delete(hook.path)
  await people.tell(proof, 'POST', on(hook, '/enable'))
  // One that is being tried as it is enabled is told twice, under the same id.
  await vi.waitFor(() => expect(sink.uniqueIds(hook)).toBe(6), patience)
  const bodies = new Map(sink.of(hook).map(({ id, body }) => [id, body])).values()
  expect([...bodies].slice(3).map(accountOf)).toEqual([ann, ann, ann])
  await vi.waitFor(async () => expect(await get(proof, hook)).toMatchObject({ state: 'active', waiting: [] }), patience)
})

test('410 disables it with an event; what came meanwhile is told when it is enabled', async () => {
  const sink = await startWebhookSink()
  const { proof } = await people.token(['mail:read', 'dashboard:read'], [ann])
  const watcher = await make(sink, proof, 'watcher', { types: ['webhook_disabled'] })
  const hook = await make(sink, proof, 'gone')
  sink.answers.set(hook.path, [answer(410)])
  deliver('refused')
  await vi.waitFor(async () => {
    expect(await get(proof, hook)).toMatchObject({ state: 'disabled', disabled: { why: 'gone' } })
  }, patience)
  const [notice] = await told(sink, watcher, 1)
  expect(notice!.body).toMatchObject({ data: { webhook_id: hook.webhook.id, why: 'gone' } })
  const facts = `${api.events.listFacts.path}?types=webhook_disabled`
  expect(JSON.stringify(await people.tell(people.admin, 'GET', facts))).toContain(hook.webhook.id)
  const outsider = await people.token(['dashboard:read'])
  expect(await people.tell(outsider.proof, 'GET', facts)).toEqual({ items: [] })
  // Analytics shows when it was.
  const from = new Date(Date.now() - 600_000).toISOString()
  const asked = `${api.history.getHistory.path}?series=requests&step=5s&from=${from}`
  await vi.waitFor(async () => {
    const { marks } = await people.tell<History>(people.admin, 'GET', asked)
    const words = marks.filter(({ kind }) => kind === 'webhook').map(mark => mark.words)
    expect(words).toContain('The webhook gone was disabled: It answered 410.')
  }, patience)
  deliver('meanwhile')
  expect(await people.tell<Webhook>(proof, 'POST', on(hook, '/enable'))).toMatchObject({
    state: 'active',
    disabled: null,
  })
  await told(sink, hook, 2)
  expect(await people.tell<Webhook>(proof, 'POST', on(hook, '/disable'))).toMatchObject({ disabled: { why: 'asked' } })
  deliver('while disabled')
  await told(sink, watcher, 1)
  expect(sink.of(hook).length).toBe(2)
  await people.tell(proof, 'POST', on(hook, '/enable'))
  await told(sink, hook, 3)
})

test('endpoints that redirect, flood, hang, are private or present strange certificates are told by one word and hold up no other', async () => {
  const sink = await startWebhookSink()
  const { proof } = await token()
  const { certFile, keyFile } = selfSigned()
  const strange = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) })
  strange.listen(0, '127.0.0.1')
  await once(strange, 'listening')
  onTestFinished(() => void strange.close())
  const port = (strange.address() as { port: number }).port
  const make2 = (name: string, more: object = {}) => make(sink, proof, name, more)
  const redirects = await make2('redirects')
  sink.always.set(redirects.path, answer(302, { location: 'https://localhost/elsewhere' }))
  const floods = await make2('floods')
  sink.always.set(floods.path, flood)
  const hangs = await make2('hangs')
  sink.always.set(hangs.path, hang)
  const inner = await make2('inner', { url: 'https://10.0.0.1/hook' })
  const certificate = await make2('certificate', { url: `https://localhost:${port}/hook` })
  const fine = await make2('fine')
  deliver('to all of them')
  await told(sink, fine, 1)
  const faults = async (hook: Made) => (await deliveries(proof, hook)).at(-1)?.fault
  for (const [hook, fault] of [
    [redirects, 'http_4xx'],
    [inner, 'connection_refused'],
    [certificate, 'tls_error'],
  ] as const) {
    await vi.waitFor(async () => expect(await faults(hook)).toBe(fault), patience)
  }
  await vi.waitFor(
    async () => expect((await deliveries(proof, floods)).at(-1)).toMatchObject({ outcome: 'delivered' }),
    patience,
  )
  // What a server on an inner network answers is not for tokens.
  expect((await deliveries(proof, redirects)).at(-1)!.response).toEqual({ status: 302, body: null })
  expect((await deliveries(people.admin, redirects)).at(-1)!.response).toEqual({ status: 302, body: 'no' })
})

test('a narrowed token is told less; a webhook goes with its token, and is disabled by a freeze of reading', async () => {
  const sink = await startWebhookSink()
  const [one, other] = [await token([ann, bob]), await token()]
  const hook = await make(sink, one.proof, 'narrowed')
  const frozen = await make(sink, other.proof, 'frozen')
  await people.tell(people.admin, 'PATCH', `${api.tokens.createToken.path}/${one.id}`, { accounts: [bob] })
  deliver('for bob')
  const [only] = await told(sink, hook, 1)
  expect(only!.body).toMatchObject({ data: { account_id: bob } })
  await people.tell(people.admin, 'DELETE', `${api.tokens.createToken.path}/${one.id}`)
  await vi.waitFor(async () => expect((await ask(people.admin, 'GET', on(hook))).status).toBe(404), patience)
  const wanted = { principal: other.id, reads: 'stop' }
  const freeze = await people.tell<{ id: string }>(people.admin, 'POST', api.freezes.freeze.path, wanted)
  await vi.waitFor(async () => {
    expect(await get(people.admin, frozen)).toMatchObject({ state: 'disabled', disabled: { why: 'forbidden' } })
  }, patience)
  expect((await ask(people.admin, 'POST', on(frozen, '/enable'))).status).toBe(403)
  await people.tell(people.admin, 'DELETE', `${api.freezes.freeze.path}/${freeze.id}`)
  expect(await people.tell<Webhook>(people.admin, 'POST', on(frozen, '/enable'))).toMatchObject({ state: 'active' })
})

test('the command prints events as webhooks send them, and passes them on, signed', async () => {
  const { secret: given } = await token()
  const secret = newSecret()
  const passed: unknown[] = []
  const program = createPlainServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const signed = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      passed.push(new Verifier(secret).verify(Buffer.concat(chunks).toString(), signed))
      response.writeHead(204).end()
    })
  })
  program.listen(0, '127.0.0.1')
  await once(program, 'listening')
  onTestFinished(() => void program.close())
  const to = `http://127.0.0.1:${(program.address() as { port: number }).port}/hook`
  const words = ['webhook', 'listen', '--url', people.url, '--types', 'mail_received', '--forward', to]
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, RUSTYMAIL_TOKEN: given, RUSTYMAIL_WEBHOOK_SECRET: secret }
  const child = spawn(process.execPath, ['bin/rustymail.js', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  const lines: string[] = []
  const told: string[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  createInterface({ input: child.stderr }).on('line', line => told.push(line))
  await vi.waitFor(() => expect(told.join('\n')).toContain(`Listening to ${people.url} for mail_received;`), patience)
  expect(told.join('\n')).toContain('send a message to one of its accounts')
  // Said when it hears: one message is enough.
  deliver('while it listens')
  await vi.waitFor(() => expect(passed.length, told.join('\n')).toBeGreaterThan(0), patience)
  const first = JSON.parse(lines[0]!)
  expect(first).toMatchObject({ id: expect.stringMatching(/^evt_/), type: 'mail_received', data: { account_id: ann } })
  expect(passed[0]).toEqual(first)
  expect(told.join('\n')).toContain(to)
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  expect(await ended).toEqual([0, null])
})

test('the command says why it hears nothing: a wrong token, a state, another server; and one that is away is waited for', async () => {
  const { secret: given } = await token()
  const { PATH, HOME } = process.env
  const listen = (words: string[], secret = given) => {
    const env = { PATH, HOME, RUSTYMAIL_TOKEN: secret }
    const command = ['bin/rustymail.js', 'webhook', 'listen', ...words]
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    onTestFinished(() => void child.kill())
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    return { child, said: () => said, ended: once(child, 'close').then(([code]) => `${code}: ${said}`) }
  }
  const pages = createPlainServer((request, response) => {
    if (request.url?.startsWith('/moved')) response.writeHead(302, { location: 'https://localhost/' }).end()
    else response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello')
  })
  pages.listen(0, '127.0.0.1')
  await once(pages, 'listening')
  const { port } = pages.address() as { port: number }
  onTestFinished(() => void pages.close())
  const other = `http://127.0.0.1:${port}`
  const [wrong, state, strange, moved] = await Promise.all([
    listen(['--url', people.url], 'rm_wrong').ended,
    listen(['--url', people.url, '--types', 'stats_update']).ended,
    listen(['--url', other]).ended,
    listen(['--url', `${other}/moved`]).ended,
  ])
  expect(wrong).toMatch(/^1: [\s\S]*does not accept the token/)
  expect(state).toMatch(/^2: [\s\S]*stats_update is not an event of webhooks/)
  expect(strange).toMatch(/^1: [\s\S]*There is no RustyMail at this address/)
  expect(moved).toMatch(/^1: [\s\S]*This address redirects/)
  const free = await freePort()
  const away = listen(['--url', `http://127.0.0.1:${free}`])
  await vi.waitFor(() => expect(away.said()).toContain('(ECONNREFUSED). Is it running?'), patience)
  away.child.kill('SIGINT')
  expect(await away.ended).toMatch(/^0: /)
})
