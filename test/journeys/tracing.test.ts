/** Traces over real sockets: what a collector gets of requests, tools, IMAP, SMTP and webhooks, and never gets. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { fill } from '../support/mail-world.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { openStream } from '../support/open-stream.ts'
import { OtlpCollector, type TakenSpan } from '../support/otlp-collector.ts'
import { patience } from '../support/patience.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { startWebhookSink } from '../support/webhook-sink.ts'

const collector = new OtlpCollector()
let people: People
let stop: () => Promise<void>
let account: string
let address: string
let proof: Proof
/** Text that is written, searched for and used as a credential. */
const canary = 'Zebrafinch'

beforeAll(async () => {
  await collector.listen()
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: `x-tenant=mail%20room,x-key=${canary}`,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=of-attributes',
    // Makes searches query the mail server.
    RUSTYMAIL_INDEX: 'off',
  }
  const running = await runApp({ args: ['serve', '--demo'], environment })
  people = running.people
  stop = running.stop
  const path = api.accounts.listAccounts.path
  const list = () => people.tell<{ items: Account[] }>(people.admin, 'GET', path).then(({ items }) => items)
  await vi.waitFor(async () => expect((await list())[0]?.state).toBe('ready'), patience)
  const [sandbox] = await list()
  account = sandbox!.id
  address = sandbox!.email
  proof = (await people.token(['mail:read', 'mail:send', 'mail:draft', 'dashboard:read'], [account])).proof
})
afterAll(async () => {
  await stop()
  await collector.close()
})

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const parent = (flags = '01', id = traceId) => ({ traceparent: `00-${id}-${spanId}-${flags}` })
const listPath = () => `${fill(api.mail.listMessages.path, { account_id: account })}?folder=INBOX`

test('a request is the root of what it asks the mail server, command by command', async () => {
  await people.tell(proof, 'GET', listPath())
  const root = await collector.until(`GET ${api.mail.listMessages.path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  expect(root).toMatchObject({ kind: 2, parentId: '', status: 0 })
  expect(root.attributes).toMatchObject({
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'rustymail.operation': 'mail.listMessages',
    'rustymail.account.id': account,
    'rustymail.outcome': 'ok',
  })
  expect(root.endNanos).toBeGreaterThan(root.startNanos)
  expect(collector.tree(root)).toEqual(expect.arrayContaining([root.name, '  imap listMessages', '    FETCH']))
  const fetch = await collector.until('FETCH', span => span.traceId === root.traceId)
  expect(fetch).toMatchObject({ kind: 3, status: 0 })
  expect(fetch.attributes).toMatchObject({ 'network.protocol.name': 'imap', 'server.address': '127.0.0.1' })
  expect(collector.resource).toMatchObject({ 'service.name': 'of-attributes', 'deployment.environment.name': 'test' })
  expect(collector.requests[0]?.headers).toMatchObject({
    'x-tenant': 'mail room',
    'content-type': 'application/x-protobuf',
  })
})

test('a traceparent is taken from authenticated callers only', async () => {
  await people.tell({ ...proof, ...parent() }, 'GET', listPath())
  const taken = await collector.until(
    `GET ${api.mail.listMessages.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    span => span.traceId === traceId,
  )
  expect(taken.parentId).toBe(spanId)

  const other = 'a'.repeat(32)
  const refused = await people.ask({ authorization: 'Bearer wrong', ...parent('01', other) }, 'GET', listPath())
  expect(refused.status).toBe(401)
  const span = await collector.until(taken.name, ({ attributes }) => attributes['http.response.status_code'] === 401)
  expect(span).toMatchObject({ parentId: '', status: 0 })
  expect(span.attributes).toMatchObject({ 'rustymail.outcome': 'unauthorized' })
  expect(span.traceId).not.toBe(other)

  // A trace that its caller does not sample is not recorded here either.
  const quiet = 'b'.repeat(32)
  await people.tell({ ...proof, ...parent('00', quiet) }, 'GET', listPath())
  const broken = { ...proof, traceparent: `00-${quiet}-zz-01` }
  await people.tell(broken, 'GET', `${listPath()}&limit=7`)
  expect(collector.spans.filter(each => each.traceId === quiet)).toEqual([])
})

test.each(['2026', '2025'] as const)(
  'a call of a tool goes on with the trace that the client names in _meta (%s)',
  async era => {
    const client = await connectMcp(people.url, proof, era)
    const id = (era === '2026' ? 'c' : 'd').repeat(32)
    const _meta = { traceparent: `00-${id}-${spanId}-01`, tracestate: 'maker=7' }
    const found = await client.callTool({ name: 'mail_search', arguments: { account, q: canary }, _meta })
    expect(found.isError).toBeFalsy()
    const call = await collector.until('tools/call mail_search', span => span.traceId === id)
    expect(call).toMatchObject({ kind: 2, parentId: spanId, status: 0 })
    expect(call.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'mail_search',
      'network.transport': 'tcp',
    })
    // The request that carried the call is linked.
    const request = await collector.until('POST /mcp', span => span.spanId === call.links[0]?.spanId)
    expect(request.traceId).toBe(call.links[0]!.traceId)
    const tree = collector.tree(call).map(line => line.trim())
    expect(tree).toEqual(expect.arrayContaining(['execute_tool mail_search', 'imap search', 'UID SEARCH']))

    const wrong = await callTool(client, 'mail_search', { account: canary })
    expect(wrong.isError).toBe(true)
    const failed = await collector.until('tools/call mail_search', span => span.status === 2 && span.traceId !== id)
    expect(failed).toMatchObject({ statusMessage: '', attributes: { 'error.type': 'tool_error' } })
    // Without a trace of its own the call is part of the request.
    expect(collector.find('POST /mcp', span => span.spanId === failed.parentId)).toBeDefined()
  },
)

test('a message that is sent is one trace from the request to the mail server and to a webhook, which gets the traceparent', async () => {
  // A token that has read nothing yet, so that no approval is needed.
  const sender = await people.token(['mail:read', 'mail:send', 'mail:draft'], [account])
  const policyPath = api.policy.setTokenPolicy.path.replace('{token_id}', sender.id)
  const { policy } = await people.tell<{ policy: { sending: object } }>(people.admin, 'GET', policyPath)
  const approval = { always: false, strangers: false, tainted_minutes: null }
  await people.tell(people.admin, 'PUT', policyPath, { ...policy, sending: { ...policy.sending, approval } })

  const sink = await startWebhookSink()
  const { url, path } = sink.endpoint(canary)
  const hook = { name: 'sent', url, types: ['delivery_changed'] }
  const made = await people.tell<{ secret: string }>(sender.proof, 'POST', api.webhooks.createWebhook.path, hook)
  sink.secrets.set(path, [made.secret])
  const id = randomBytes(16).toString('hex')
  const body = { format: 'text', content: `${canary} sings` }
  const written = { to: [`${canary}@example.com`], subject: canary, body }
  const drafts = fill(api.drafts.createDraft.path, { account_id: account })
  const draft = await people.tell<{ id: string; rev: number }>(sender.proof, 'POST', drafts, written)
  const sending = fill(api.outbox.sendDraft.path, { account_id: account, draft_id: draft.id })
  await people.tell({ ...sender.proof, ...parent('01', id) }, 'POST', sending, { rev: draft.rev })
  const delivery = await collector.until('outbox deliver', span => span.traceId === id)
  expect(delivery).toMatchObject({ kind: 5, status: 0 })
  const smtp = await collector.until('smtp send', span => span.parentId === delivery.spanId)
  expect(smtp).toMatchObject({ kind: 3, status: 0 })
  expect(smtp.attributes).toMatchObject({ 'rustymail.smtp.recipients': 1, 'rustymail.smtp.status': '250' })
  // An earlier attempt's webhook is delivered to, too, but its sink is gone.
  const isTaken = (span: TakenSpan) => span.attributes['http.response.status_code'] === 204
  const told = await collector.until('POST webhook', span => span.traceId === id && isTaken(span))
  expect(told.attributes).toMatchObject({ 'server.address': 'localhost' })
  await vi.waitFor(() => expect(sink.of({ path }).length).toBeGreaterThan(0), patience)
  const carried = sink.of({ path }).map(({ headers }) => headers.traceparent)
  expect(carried).toContain(`00-${id}-${told.spanId}-01`)
})

test('a collector is never told secrets, addresses, what mail says or what is looked for', async () => {
  await people.ask(proof, 'GET', `${listPath()}&unread=${canary}`)
  await people.ask(proof, 'GET', fill(api.mail.getMessage.path, { account_id: account, message_ref: canary }))
  const sent = collector.spans.length
  await people.tell(proof, 'GET', listPath())
  await vi.waitFor(() => expect(collector.spans.length).toBeGreaterThan(sent + 2), patience)
  const { text } = collector
  expect(text).toContain('mail.listMessages')
  for (const word of [
    canary,
    canary.toLowerCase(),
    `@${address.split('@')[1]}`,
    'Bearer',
    'INBOX',
    ...Object.values(proof),
  ]) {
    expect(text.includes(word), word).toBe(false)
  }
})

test('what became of spans is counted, for callers that see all accounts', async () => {
  const { text } = await people.ask(people.admin, 'GET', '/metrics')
  expect(text).toMatch(/^rustymail_trace_spans_exported_total [1-9]/m)
  expect(text).toMatch(/^rustymail_trace_spans_lost_total\{reason="queue_full"\} 0$/m)
  expect(text).toMatch(/^rustymail_trace_spans_waiting \d/m)
})

test('the statements of a request are part of it, and so is the opening of a stream of the trace that its caller names', async () => {
  await people.tell(people.admin, 'GET', api.tokens.listTokens.path)
  const root = await collector.until(`GET ${api.tokens.listTokens.path}`)
  expect(collector.tree(root)).toContain('  SELECT api_tokens')
  const id = 'e'.repeat(32)
  const { path } = api.events.streamEvents
  const stream = await openStream(`${people.url}${path}`, { ...proof, ...parent('01', id) })
  await stream.next('welcome')
  const opened = await collector.until(`GET ${path}`, span => span.traceId === id)
  expect(opened).toMatchObject({ kind: 2, parentId: spanId, status: 0, attributes: { 'rustymail.outcome': 'ok' } })
  stream.close()
})

test('the figures of /metrics are sent too, under the same names', async () => {
  await vi.waitFor(() => expect(collector.metrics.size).toBeGreaterThan(30), patience)
  const { text } = await people.ask(people.admin, 'GET', '/metrics')
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(match => ({ name: match[1]!, type: match[2]! }))
  const kinds: Record<string, string> = { counter: 'sum', gauge: 'gauge', histogram: 'histogram' }
  // A metric that has just got its first value comes with the next export.
  const missing = () => families.filter(({ name, type }) => collector.metrics.get(name)?.kind !== kinds[type])
  await expect.poll(missing, { timeout: patience }).toEqual([])
  const requests = collector.metrics.get('rustymail_http_request_duration_seconds')
  const listing = requests?.points.find(({ attributes }) => attributes.operation === 'mail.listMessages')
  expect(listing?.buckets?.reduce((sum, count) => sum + count, 0)).toBe(listing?.value)
})

test('what the dashboard for Grafana and the rules for Prometheus ask for is in /metrics of a server', async () => {
  const { text } = await people.ask(people.admin, 'GET', '/metrics')
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
  )
  const files = ['grafana/rustymail.json', 'prometheus/rustymail.rules.yml']
  const read = files.map(file => readFileSync(join(import.meta.dirname, '../../deploy', file), 'utf8'))
  const asked = new Set(read.flatMap(file => file.match(/\b(?:rustymail|mcp)_\w+/g)))
  expect(asked.size).toBeGreaterThan(30)
  // Or a label of a sample.
  expect([...asked].filter(name => !families.includes(name!) && !text.includes(`${name}="`))).toEqual([])
})
