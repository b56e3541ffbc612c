/** The assistant's settings: sealed keys, effective immediately, refused with a reason, and tested step by step. */
import { expect, onTestFinished, test } from 'vitest'
import { ProviderBody, type ProviderKind } from '../../contract/model-provider.ts'
import { memoryDatabase as memory, onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { type Behaviour, type Dialect, ModelStandIn } from '../../test/support/model-stand-in.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { GuardedFetch } from '../platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { createChatModel } from './adapters/index.ts'
import { usualLimits } from './assistant-limits.ts'
import { AssistantSettingsService } from './assistant-settings-service.ts'
import { AssistantSettingsStore } from './assistant-settings-store.ts'
import { ModelChain } from './model-chain.ts'
import type { ModelSettings } from './model-settings.ts'

const key = 'sk-canary-0123456789abcdef'
const ann: Principal = { id: 'u', name: 'Ann', kind: 'session', userId: '1', scopes: everyScope, accounts: 'all' }
const noAbort = new AbortController().signal
const ofEnvironment: ModelSettings = {
  id: 'openai',
  kind: 'openai',
  name: 'openai',
  apiKey: key,
  model: 'gpt',
  isLocal: false,
  contextTokens: 32_000,
}

const bodyOf = (change: Partial<ProviderBody> = {}) =>
  ProviderBody.parse({ kind: 'anthropic', name: 'Claude', api_key: key, model: 'stand-in-1', ...change })

async function world(db: Database, { environment = [ofEnvironment], privateNetworks = ['127.0.0.0/8'] } = {}) {
  const { hub, facts } = await startHub(db)
  const guard = new OutboundGuard({ privateNetworks, trusted: [] })
  const guarded = new GuardedFetch({ guard })
  onTestFinished(() => guarded.stop())
  const reach = { fetch: guarded.fetch, guard }
  const again = async () => {
    const chain = new ModelChain({ logger: createLogger('silent') })
    const service = new AssistantSettingsService({
      store: new AssistantSettingsStore(db),
      hub,
      secrets: new SecretBox(Buffer.alloc(32, 7)),
      chain,
      environment,
      reach: { environment: reach, page: reach },
      createModel: createChatModel,
    })
    await service.start()
    return { chain, service }
  }
  return { ...(await again()), again, facts }
}

async function standIn(dialect: Dialect, behaviour?: Behaviour): Promise<ModelStandIn> {
  const made = await ModelStandIn.start(dialect, behaviour)
  onTestFinished(() => made.close())
  return made
}

onEachDatabase(open => {
  test('a provider that is added is asked from the next question on, is still there after a restart, and its key is nowhere', async () => {
    const db = await open()
    const { service, chain, again, facts } = await world(db)
    const made = await service.create(ann, bodyOf())
    expect(made).toMatchObject({ kind: 'anthropic', has_key: true, source: 'page', state: 'ready', mail: 'none' })
    expect(chain.models().map(({ provider, model }) => [provider, model])).toEqual([
      ['openai', 'gpt'],
      ['Claude', 'stand-in-1'],
    ])
    const rows = JSON.stringify([
      await db.selectFrom('assistant_providers').selectAll().execute(),
      await db.selectFrom('assistant_settings').selectAll().execute(),
      service.get(ann),
      facts(),
    ])
    expect(rows).toContain('Claude')
    expect(rows).not.toContain(key)
    expect(JSON.stringify(facts())).toContain('configuration_updated')
    const { service: later, chain: laterChain } = await again()
    expect(later.get(ann)).toEqual(service.get(ann))
    expect(laterChain.models()).toHaveLength(2)
  })

  test('order, limits and shares are kept, and take effect immediately', async () => {
    const { service, chain, again } = await world(await open())
    const { id } = await service.create(ann, bodyOf({ mail: 'headers' }))
    const limits = { ...usualLimits, max_steps: 3 }
    const shares = [{ account_id: 'acc-1', provider_id: id, share: 'text' as const }]
    await service.update(ann, { order: [id], limits, shares })
    expect(chain.models().map(model => model.id)).toEqual([id, 'openai'])
    expect(chain.limits().max_steps).toBe(3)
    const [claude, openai] = chain.models()
    expect([chain.shareOf(claude!, 'acc-1'), chain.shareOf(claude!, 'acc-2'), chain.shareOf(openai!, 'acc-1')]).toEqual(
      ['text', 'headers', 'none'],
    )
    expect((await again()).service.get(ann)).toMatchObject({ limits, shares, providers: [{ id }, { id: 'openai' }] })
    await service.remove(ann, id)
    expect(service.get(ann)).toMatchObject({ shares: [], providers: [{ id: 'openai' }] })
  })

  test('two changes at once are both kept', async () => {
    const { service, again } = await world(await open())
    await Promise.all([
      service.update(ann, { limits: { ...usualLimits, max_steps: 3 } }),
      service.update(ann, { order: ['openai'] }),
      service.create(ann, bodyOf({ name: 'A' })),
      service.create(ann, bodyOf({ name: 'B' })),
    ])
    const kept = (await again()).service.get(ann)
    expect(kept.limits.max_steps).toBe(3)
    expect(kept.providers.map(({ name }) => name).toSorted()).toEqual(['A', 'B', 'openai'])
  })

  test('a key that is left out stays, and is sent to no other address', async () => {
    const { service } = await world(await open())
    const { id } = await service.create(ann, bodyOf())
    const { api_key: _key, ...without } = bodyOf({ name: 'Renamed' })
    // The usual address, written out.
    const usual = { ...without, base_url: 'https://api.anthropic.com/v1/messages' }
    expect(await service.change(ann, id, usual)).toMatchObject({ name: 'Renamed', has_key: true })
    expect(await service.change(ann, id, without)).toMatchObject({ base_url: null, has_key: true })
    const elsewhere = { ...without, base_url: 'https://elsewhere.example' }
    await expect(service.change(ann, id, elsewhere)).rejects.toMatchObject({
      extension: { errors: [{ path: 'body.api_key' }] },
    })
    await expect(service.test(ann, { provider_id: id, provider: elsewhere }, noAbort)).rejects.toMatchObject({
      extension: { errors: [{ path: 'body.provider.api_key' }] },
    })
    expect(service.get(ann).providers.find(each => each.id === id)).toMatchObject({ base_url: null })
  })

  test('a stored key stays where only the path of the address changes, and is asked for again at another scheme, host, port or kind', async () => {
    const db = await open()
    const { service, again } = await world(db)
    const first = await standIn('openai')
    const other = await standIn('openai')
    const at = (base_url: string, more: Partial<ProviderBody> = {}) => {
      const { api_key: _key, ...body } = bodyOf({ kind: 'openai_compatible', base_url, ...more })
      return body
    }
    const { id } = await service.create(ann, { ...at(first.url), api_key: key })
    const moved = at(`${first.url}/gateway/v1`)
    expect(await service.change(ann, id, moved)).toMatchObject({ base_url: moved.base_url, has_key: true })
    await service.listModels(ann, { provider_id: id, provider: at(`${first.url}/v1`) }, noAbort)
    expect(first.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`)
    const port = Number(new URL(first.url).port)
    for (const elsewhere of [
      at(other.url),
      at(first.url.replace('127.0.0.1', 'localhost')),
      at(first.url.replace('http:', 'https:')),
      at(first.url, { kind: 'mistral' }),
      at(`http://127.0.0.1:${port === 65_535 ? port - 1 : port + 1}`),
    ]) {
      const fault = { code: 'bad_request', message: expect.stringMatching(/key/) }
      await expect(service.change(ann, id, elsewhere)).rejects.toMatchObject(fault)
    }
    // Where no key is needed the test runs without one.
    await service.listModels(ann, { provider_id: id, provider: at(other.url) }, noAbort)
    expect(other.requests.map(({ headers }) => headers.authorization ?? '')).toEqual([''])
    expect((await again()).service.get(ann).providers.at(-1)).toMatchObject({ base_url: moved.base_url, has_key: true })
    await service.change(ann, id, { ...at(other.url), api_key: 'another' })
    await service.listModels(ann, { provider_id: id }, noAbort)
    expect(other.requests.at(-1)?.headers.authorization).toBe('Bearer another')
    expect(JSON.stringify(other.requests)).not.toContain(key)
  })
})

test('what the environment sets is changed there, but for what it does not say', async () => {
  const db = await memory()
  const { service, chain } = await world(db)
  const same = bodyOf({ kind: 'openai', name: 'openai', model: 'gpt', api_key: undefined })
  expect(await service.change(ann, 'openai', { ...same, mail: 'text', price_input: 2 })).toMatchObject({
    mail: 'text',
    price_input: 2,
    source: 'environment',
  })
  expect(chain.shareOf(chain.models()[0]!, 'any')).toBe('text')
  await expect(service.change(ann, 'openai', { ...same, model: 'other' })).rejects.toThrow('change this there')
  await expect(service.change(ann, 'openai', { ...same, api_key: 'x' })).rejects.toThrow('change it there')
  await expect(service.remove(ann, 'openai')).rejects.toThrow('remove it there')
  expect(await service.change(ann, 'openai', { ...same, enabled: false })).toMatchObject({ state: 'off' })
  expect([chain.models(), [...chain.off]]).toEqual([[], [['openai', 'openai']]])
})

test('the address of RIG in the environment is shown without its secrets', async () => {
  const rig = {
    ...ofEnvironment,
    id: 'rig',
    kind: 'rig' as const,
    baseUrl: `http://u:${key}@127.0.0.1:1/ask?token=${key}`,
  }
  const { service } = await world(await memory(), { environment: [rig] })
  expect(service.get(ann).providers[0]).toMatchObject({ base_url: 'http://127.0.0.1:1/ask' })
})

test.each<[string, Partial<ProviderBody>, string, string]>([
  ['without a key', { api_key: undefined }, 'body.api_key', 'needs a key'],
  ['without a model', { model: null }, 'body.model', 'Choose a model'],
  ['over http on the Internet', { base_url: 'http://llm.example.com' }, 'body.base_url', 'Use https'],
  ['at a page for people', { base_url: 'https://claude.ai' }, 'body.base_url', 'a page for people'],
  ['that is said to be local and is not', { is_local: true }, 'body.is_local', 'neither on this machine'],
  ['without an address', { kind: 'openai_compatible' }, 'body.base_url', 'needs a base URL'],
  [
    'with a password in its address',
    { kind: 'rig', base_url: 'https://u:p@rig.example/ask', model: null },
    'body.base_url',
    'bearer token',
  ],
])('a provider %s is refused in words for its field', async (_what, change, path, words) => {
  const { service } = await world(await memory())
  await expect(service.create(ann, bodyOf(change))).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining(words),
    extension: { errors: [{ path }] },
  })
})

test.each([
  'http://127.0.0.1:11434',
  'http://ollama:11434',
  'http://192.168.1.5',
  'https://llm.example.com',
  'http://nas.local:1234/v1',
])('a provider at %s may be kept', async base_url => {
  const { service } = await world(await memory())
  expect(await service.create(ann, bodyOf({ kind: 'openai_compatible', base_url }))).toMatchObject({ base_url })
})

test('a token changes nothing and is told nothing', async () => {
  const { service } = await world(await memory())
  const token: Principal = { ...ann, kind: 'token' }
  expect(() => service.get(token)).toThrow('Sign in')
  for (const refused of [
    service.create(token, bodyOf()),
    service.update(token, {}),
    service.remove(token, 'openai'),
    service.change(token, 'openai', bodyOf()),
    service.test(token, { provider_id: 'openai' }, noAbort),
    service.listModels(token, { provider_id: 'openai' }, noAbort),
  ]) {
    await expect(refused).rejects.toMatchObject({ code: 'session_needed' })
  }
})

test('there is a bound, and what is not there is said', async () => {
  const { service } = await world(await memory())
  for (let made = 1; made < 20; made++) await service.create(ann, bodyOf({ name: `n${made}` }))
  await expect(service.create(ann, bodyOf())).rejects.toMatchObject({ code: 'too_many_providers' })
  await expect(service.remove(ann, 'gone')).rejects.toMatchObject({ code: 'provider_not_found' })
  await expect(service.update(ann, { order: ['gone'] })).rejects.toThrow('body.order.0: there is no provider gone')
})

test.each<[Dialect, ProviderBody['kind']]>([
  ['openai', 'openai_compatible'],
  ['anthropic', 'anthropic'],
  ['gemini', 'gemini'],
  ['mistral', 'mistral'],
  ['ollama', 'ollama'],
  ['openrouter', 'openrouter'],
])('the models of %s are listed, and its trial passes all steps', async (dialect, kind) => {
  const { service } = await world(await memory())
  const there = await standIn(dialect, {
    does: 'answer',
    pieces: ['ready'],
    calls: [{ id: 'c', name: 'server_time', input: '{}' }],
  })
  const provider = bodyOf({ kind, base_url: there.url })
  const { items } = await service.listModels(ann, { provider: { ...provider, model: null } }, noAbort)
  expect(items.map(({ id }) => id)).toEqual(['stand-in-1', 'stand-in-2'])
  const { ok, steps } = await service.test(ann, { provider }, noAbort)
  expect(steps.map(({ name, ok: isFine }) => [name, isFine])).toEqual(
    ['address', 'connect', 'key', 'model', 'answer', 'tools'].map(name => [name, true]),
  )
  expect(ok).toBe(true)
})

test.each<[string, Behaviour, string, RegExp]>([
  [
    'a wrong key',
    { does: 'refuse', status: 401, words: `no ${key}` },
    'key',
    /refused: .* answered 401: no \[redacted\]/,
  ],
  ['a web page', { does: 'send', status: 200, type: 'text/html', body: '<p>Hi' }, 'connect', /invalid response/],
  ['a broken server', { does: 'refuse', status: 500, words: 'worn out' }, 'answer', /answered 500: worn out/],
  ['too many questions', { does: 'refuse', status: 429, words: 'slow down' }, 'answer', /answered 429: slow down/],
])('a trial says what failed: %s', async (_what, behaviour, failed, words) => {
  const { service } = await world(await memory())
  const there = await standIn('anthropic', behaviour)
  const { ok, steps } = await service.test(ann, { provider: bodyOf({ base_url: there.url }) }, noAbort)
  expect(ok).toBe(false)
  expect(steps.at(-1)).toMatchObject({ name: failed, ok: false, detail: expect.stringMatching(words) })
  expect(JSON.stringify(steps)).not.toContain(key)
})

test('a trial says that nothing listens, that an inner address is closed, that a model is not listed, and that no tool was called', async () => {
  const { service } = await world(await memory())
  const there = await standIn('anthropic', { does: 'answer', pieces: ['ready'] })
  const unlisted = await service.test(ann, { provider: bodyOf({ base_url: there.url, model: 'other' }) }, noAbort)
  expect(unlisted.ok).toBe(true)
  expect(unlisted.steps.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['model', 'tools'])
  const { url } = there
  await there.close()
  const nobody = await service.test(ann, { provider: bodyOf({ base_url: url }) }, noAbort)
  expect(nobody.steps.at(-1)).toMatchObject({ name: 'connect', detail: expect.stringContaining('cannot be reached') })
  const { service: closed } = await world(await memory(), { privateNetworks: [] })
  const refused = await closed.test(ann, { provider: bodyOf({ base_url: url }) }, noAbort)
  expect(refused.steps).toMatchObject([
    { name: 'address', ok: false, detail: expect.stringContaining('RUSTYMAIL_PRIVATE_NETWORKS') },
  ])
})

test.each<ProviderKind>(['openai', 'anthropic', 'gemini', 'mistral', 'rig'])(
  '%s at a name that leads to a closed network is refused in words, also when it is asked',
  async kind => {
    const { service, chain } = await world(await memory(), { environment: [], privateNetworks: [] })
    const provider = bodyOf({ kind, base_url: 'http://localhost:8123/v1', is_local: true })
    await service.create(ann, provider)
    const [model] = chain.models()
    const asking = model!.stream({ messages: [{ role: 'user', content: 'Hi' }], signal: noAbort } as never)
    const closed = {
      code: 'address_refused',
      message: expect.stringContaining('localhost (127.0.0.1) is this machine'),
    }
    await expect(asking[Symbol.asyncIterator]().next()).rejects.toMatchObject(closed)
    if (kind === 'rig') return
    await expect(service.listModels(ann, { provider }, noAbort)).rejects.toMatchObject(closed)
  },
)

test('where there is no list of models it is said why', async () => {
  const { service } = await world(await memory())
  const azure = bodyOf({ kind: 'azure', base_url: 'https://mine.openai.azure.com', model: null })
  await expect(service.listModels(ann, { provider: azure }, noAbort)).rejects.toThrow(
    'Azure does not list its deployments',
  )
})
