/**
 * Services with secrets of their own (notifiers, webhooks, model providers, a collector), each at a server that echoes
 * all that it was sent.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'

type Proof = Record<string, string>

export interface CanaryWorld {
  ask(
    method: string,
    path: string,
    more?: { proof?: Proof; body?: unknown; shows?: (json: Record<string, unknown>) => Record<string, string> },
  ): Promise<{ status: number; json: Record<string, unknown> }>
  plant(name: string, value?: string): string
  /** The session of an administrator. */
  session: Proof
  accountIds: readonly string[]
}

export async function serviceParrot() {
  const traces: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const { url = '', method, headers } = request
    const body = (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('latin1')
    // What the collector receives is recorded; what it answers goes back to the exporter.
    if (/^\/v1\/(traces|metrics)$/.test(url)) traces.push(body)
    const said = `not ${method} ${url} ${JSON.stringify(headers)} ${body}`
    const error = url === '/' ? said : { message: said, type: 'invalid_request_error' }
    response
      .writeHead(400, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ok: false, error, description: said, message: said }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, traces }
}

const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

/** Sets all services up, tries them, changes them, and reads everything that reports on them. */
export async function plantInServices(world: CanaryWorld, url: string): Promise<void> {
  await notifiers(world, url)
  await webhooks(world)
  await providers(world, url)
  const { ask, session, accountIds } = world
  for (const id of accountIds) {
    const path = fill(api.diagnose.diagnoseAccount.path, id)
    expect((await ask('GET', `${path}?retry_login=true`, { proof: session })).status).toBe(200)
    await ask('GET', `${path}/report`, { proof: session })
  }
}

async function notifiers({ ask, plant, session: proof }: CanaryWorld, url: string): Promise<void> {
  const long = (name: string) => `${plant(name)}/${plant(`${name}, its second part`)}`
  const smtp = { host: '127.0.0.1', port: Number(new URL(url).port), tls: 'none', user: 'ops' }
  const targets: Record<string, () => object> = {
    webhook: () => ({
      url: `${url}/${long('path of a webhook')}?key=${plant('query of a webhook')}`,
      secret: `whsec_${Buffer.from(plant('given secret of a notifier')).toString('base64')}`,
    }),
    ntfy: () => ({ server: url, topic: plant('topic'), token: plant('token of ntfy') }),
    slack: () => ({ url: `${url}/services/${long('path of Slack')}` }),
    discord: () => ({ url: `${url}/api/webhooks/${long('path of Discord')}` }),
    teams: () => ({ url: `${url}/workflows/${long('path of Teams')}?sig=${plant('signature of Teams')}` }),
    telegram: () => ({ server: url, bot_token: `123456:${plant('token of a bot')}`, chat_id: '-100123' }),
    email: () => ({
      ...{ to: ['ops@example.com'], from: 'me@example.com' },
      smtp: { ...smtp, password: plant('SMTP password of a notifier') },
    }),
  }
  for (const [kind, targetOf] of Object.entries(targets)) {
    const body = { name: `By ${kind}`, target: { kind, ...targetOf() } }
    const made = await ask('POST', api.notifiers.createNotifier.path, { proof, body })
    expect([kind, made.status]).toEqual([kind, 201])
    const one = fill(api.notifiers.changeNotifier.path, (made.json.notifier as { id: string }).id)
    expect((await ask('POST', `${one}/test`, { proof })).json).toMatchObject({ status: kind === 'email' ? null : 400 })
    await ask('PUT', one, { proof, body: { ...body, target: { kind, ...targetOf() } } })
    await ask('PUT', one, { proof, body: { ...body, target: { kind, ...targetOf(), surprise: 1 } } })
    await ask('POST', `${one}/test`, { proof })
    await ask('GET', `${one}/deliveries`, { proof })
  }
  const shows = ({ secret }: Record<string, unknown>) => ({ 'made secret of a notifier': String(secret) })
  const body = { name: 'Made', target: { kind: 'webhook', url: `${url}/made` } }
  await ask('POST', api.notifiers.createNotifier.path, { proof, body, shows })
}

async function webhooks({ ask, plant, session }: CanaryWorld): Promise<void> {
  const token = { name: 'hooks', scopes: ['dashboard:read', 'mail:meta'], accounts: [] }
  const given = { ...token, scopes: ['dashboard:read'] }
  const shownOnce = ({ token: secret }: Record<string, unknown>) => ({ 'token of webhooks': String(secret) })
  let own = ''
  await ask('POST', api.tokens.createToken.path, {
    proof: session,
    body: given,
    shows: json => {
      own = String(json.token)
      return shownOnce(json)
    },
  })
  const proof = { authorization: `Bearer ${own}` }
  const secretOf =
    (name: string) =>
    ({ secret }: Record<string, unknown>) => ({ [name]: String(secret) })
  // Nothing listens on this port.
  const body = { name: 'Hook', url: 'https://127.0.0.1:1/hook', types: [] }
  const made = await ask('POST', api.webhooks.createWebhook.path, { proof, body, shows: secretOf('webhook secret') })
  expect(made.status).toBe(201)
  const one = fill(api.webhooks.getWebhook.path, (made.json.webhook as { id: string }).id)
  const rotation = { keep_minutes: 60 }
  await ask('POST', `${one}/rotate`, { proof, body: rotation, shows: secretOf('next webhook secret') })
  await ask('POST', `${one}/test`, { proof })
  for (const path of ['', '/deliveries']) await ask('GET', `${one}${path}`, { proof: session })
  const delivery = { mode: 'webhook', url: 'https://127.0.0.1:1/mcp', secret: plant('secret of a subscription') }
  const params = { name: 'message.received', arguments: {}, delivery }
  await ask('POST', mcpPath, {
    proof: { ...proof, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    body: { jsonrpc: '2.0', id: 1, method: 'events/subscribe', params },
  })
}

async function providers({ ask, plant, session: proof }: CanaryWorld, url: string): Promise<void> {
  const settings = api.assistantSettings
  for (const kind of ['openai_compatible', 'anthropic', 'gemini', 'mistral', 'openrouter']) {
    const base_url = `${url}/${kind}/v1`
    const provider = { kind, name: kind, base_url, model: 'one', api_key: plant(`key of ${kind}`), is_local: true }
    await ask('POST', settings.testProvider.path, { proof, body: { provider } })
    await ask('POST', settings.listModels.path, { proof, body: { provider } })
    const made = await ask('POST', settings.createProvider.path, { proof, body: provider })
    expect([kind, made.status]).toEqual([kind, 201])
    const one = fill(settings.updateProvider.path, String(made.json.id))
    await ask('PUT', one, { proof, body: { ...provider, api_key: plant(`next key of ${kind}`) } })
    await ask('PUT', one, { proof, body: { ...provider, api_key: plant(`torn key of ${kind}`), surprise: 1 } })
    const asked = { query: 'hello', provider: String(made.json.id) }
    await ask('POST', api.assistant.queryChatbot.path, { proof, body: asked })
  }
  const { json } = await ask('GET', api.conversations.listConversations.path, { proof })
  const items = json.items as { id: string }[]
  expect(items.length).toBeGreaterThan(4)
  for (const { id } of items) {
    const one = fill(api.conversations.getConversation.path, id)
    for (const path of ['', '/export']) await ask('GET', `${one}${path}`, { proof })
  }
}
