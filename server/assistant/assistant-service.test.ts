/** The chain of models, its bounds, and what it keeps to itself. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ModelStandIn } from '../../test/support/model-stand-in.ts'
import { ScriptedModel, type ScriptLine } from '../../test/support/scripted-model.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { createChatModels } from './adapters/index.ts'
import { usualLimits } from './assistant-limits.ts'
import { type AnswerPart, AssistantService } from './assistant-service.ts'
import { everythingIn } from './chat-model.suite.ts'
import type { ChatModel, ChatRequest, Part } from './chat-model.ts'
import { ModelChain, type ModelChainOptions, type ProviderCall } from './model-chain.ts'

const principal: Principal = {
  id: 'p1',
  name: 'Ann',
  kind: 'api_key',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
}
const input = { query: 'What is IMAP?' }
const finish: Part = { type: 'finish', usage: { input_tokens: 3, output_tokens: 5 }, reason: 'stop' }
const forever = new Promise(() => undefined)
const words = (text: string): Part => ({ type: 'text_delta', text })
const failure = (text: string) => new Problem('provider_failed', text)
const noAbort = () => new AbortController().signal

function scripted(provider: string, ...script: ScriptLine[]): ScriptedModel {
  return new ScriptedModel({ provider, model: `${provider}-1`, script })
}

interface Options extends Omit<ModelChainOptions, 'logger'> {
  models: readonly ChatModel[]
  deadlineMs?: number
}

function serviceOf({ models, deadlineMs = 60_000, ...options }: Options) {
  const lines: string[] = []
  const logger = createLogger('trace', { write: line => void lines.push(line) })
  const choice = new ModelChain({ logger, ...options })
  const common = { shareOf: () => 'none' as const, priceInput: null, priceOutput: null }
  choice.use(
    models.map(model => ({ ...common, model, kind: model.provider, identity: model.id })),
    usualLimits,
  )
  return { service: new AssistantService({ logger, choice, deadlineMs }), lines }
}

async function partsOf(service: AssistantService, signal = noAbort()) {
  const parts: AnswerPart[] = []
  try {
    for await (const part of service.stream(principal, input, signal)) parts.push(part)
    return { parts, error: undefined }
  } catch (error) {
    return { parts, error }
  }
}

test('an answer streams as start, words and finish, and comes whole from a query', async () => {
  const { service } = serviceOf({ models: [scripted('one', words('A '), words('protocol.'), finish)] })
  const by = { provider: 'one', model: 'one-1' }
  const result = { response: 'A protocol.', ...by, tool_calls: [], usage: finish.usage }
  expect((await partsOf(service)).parts).toEqual([
    { type: 'start', ...by },
    words('A '),
    words('protocol.'),
    { type: 'finish', result },
  ])
  expect(await service.query(principal, input, noAbort())).toEqual(result)
})

test('the first model answers and the others are not asked', async () => {
  const second = scripted('two', words('b'), finish)
  const { service } = serviceOf({ models: [scripted('one', words('a'), finish), second] })
  expect(await service.query(principal, input, noAbort())).toMatchObject({ response: 'a', provider: 'one' })
  expect(second.requests).toEqual([])
  expect(service.listProviders()).toEqual({
    items: [
      { id: 'one', provider: 'one', model: 'one-1', is_local: false },
      { id: 'two', provider: 'two', model: 'two-1', is_local: false },
    ],
  })
})

test.each<[string, ScriptLine[]]>([
  ['fails', [failure('one is worn out.')]],
  ['thinks and then fails', [{ type: 'reasoning_delta' }, failure('one is worn out.')]],
  ['says nothing at all', [finish]],
  ['just stops', []],
  ['hangs', [forever]],
  ['begins with an empty text', [words(''), finish]],
  ['has nothing but blanks to say', [words(' '), words('\n'), finish]],
  ['has a first text that is too long', [words('x'.repeat(200_001)), finish]],
])('the next model answers when one %s before its first word; the log says so once', async (_what, script) => {
  const { service, lines } = serviceOf({
    models: [scripted('one', ...script), scripted('two', words('b'), finish)],
    firstMs: 40,
  })
  const { parts, error } = await partsOf(service)
  expect(error).toBeUndefined()
  expect(parts.map(({ type }) => type)).toEqual(['start', 'text_delta', 'finish'])
  expect(parts[0]).toMatchObject({ provider: 'two' })
  expect(lines.filter(line => line.includes('a model provider failed') && line.includes('"one"'))).toHaveLength(1)
})

test.each<[string, ScriptLine[], string]>([
  ['fails', [words('a'), failure('one is worn out.')], 'provider_failed'],
  ['just stops', [words('a')], 'provider_failed'],
  ['hangs', [words('a'), forever], 'provider_timeout'],
])('a model that %s after its first word ends the answer; nobody else goes on with it', async (_what, script, code) => {
  const second = scripted('two', words('b'), finish)
  const { service } = serviceOf({ models: [scripted('one', ...script), second], idleMs: 40 })
  const { parts, error } = await partsOf(service)
  expect(parts.map(({ type }) => type)).toEqual(['start', 'text_delta'])
  expect(error).toMatchObject({ code })
  expect(second.requests).toEqual([])
})

test('when every model fails, each is named with its reason', async () => {
  const models = [scripted('one', failure('one is worn out.')), scripted('two', failure('two is asleep.'))]
  const { error } = await partsOf(serviceOf({ models }).service)
  expect(error).toMatchObject({ code: 'provider_failed', message: 'one is worn out. two is asleep.' })
})

test('without a model it says what to set', async () => {
  const { error } = await partsOf(serviceOf({ models: [] }).service)
  expect(error).toMatchObject({ code: 'no_model_configured', status: 503 })
  expect(String(error)).toContain('Settings, Assistant')
  expect(String(error)).toContain('OPENAI_API_KEY')
})

test('however many models hang, each gets its turn within the whole deadline', async () => {
  const hanging = ['one', 'two', 'three', 'four'].map(name => scripted(name, forever))
  const { service } = serviceOf({ models: [...hanging, scripted('five', words('e'), finish)], deadlineMs: 2_000 })
  expect((await service.query(principal, input, noAbort())).provider).toBe('five')
  for (const model of hanging) expect(model.requests).toHaveLength(1)
})

test('a model that thinks without an end leaves the others their turn', async () => {
  async function* thinks({ signal }: ChatRequest): AsyncGenerator<Part> {
    while (!signal.aborted) {
      yield { type: 'reasoning_delta' }
      await new Promise(resolve => setImmediate(resolve))
    }
    throw new Problem('provider_timeout', 'one thought for too long.')
  }
  const models = [
    {
      provider: 'one',
      id: 'busy',
      isLocal: false,
      takesTools: true,
      contextTokens: 32_000,
      model: null,
      stream: thinks,
    },
    scripted('two', words('b'), finish),
  ]
  const { service } = serviceOf({ models, deadlineMs: 1_000, firstMs: 500 })
  expect((await service.query(principal, input, noAbort())).provider).toBe('two')
})

test('the whole answer has a deadline', async () => {
  const { error } = await partsOf(serviceOf({ models: [scripted('one', words('a'), forever)], deadlineMs: 60 }).service)
  expect(error).toMatchObject({ code: 'provider_timeout' })
})

test('the last model may take its time to begin', async () => {
  const gate = Promise.withResolvers<void>()
  const slow = scripted('one', gate.promise, words('a'), finish)
  const { service } = serviceOf({ models: [slow], firstMs: 1, idleMs: 20_000 })
  const answer = service.query(principal, input, noAbort())
  setTimeout(gate.resolve, 50)
  expect((await answer).response).toBe('a')
})

test('a model that answers whole is not taken for one that hangs', async () => {
  const gate = Promise.withResolvers<void>()
  const whole = Object.assign(scripted('one', gate.promise, words('a'), finish), { answersWhole: true })
  const { service } = serviceOf({ models: [whole, scripted('two', words('b'), finish)], firstMs: 1, idleMs: 20_000 })
  const answer = service.query(principal, input, noAbort())
  setTimeout(gate.resolve, 50)
  expect((await answer).provider).toBe('one')
})

describe('a provider in trouble', () => {
  afterEach(() => vi.restoreAllMocks())

  test('that hung is left out for a while, then one question tries it again, and it is back when it answers', async () => {
    const hung = new ScriptedModel({ provider: 'one', script: [forever] })
    const { service } = serviceOf({ models: [hung, scripted('two', words('b'), finish)], firstMs: 20 })
    const ask = async () => (await service.query(principal, input, noAbort())).provider
    expect([await ask(), await ask(), await ask()]).toEqual(['two', 'two', 'two'])
    expect(hung.requests).toHaveLength(1)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000)
    expect(await ask()).toBe('two')
    expect(await ask()).toBe('two')
    expect(hung.requests).toHaveLength(2)
    const back = scripted('one', words('a'), finish)
    vi.spyOn(hung, 'stream').mockImplementation(request => back.stream(request))
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 130_000)
    expect([await ask(), await ask()]).toEqual(['one', 'one'])
  })

  test('that hung is asked all the same when no other answers', async () => {
    const hung = new ScriptedModel({ provider: 'one', script: [forever] })
    const { service } = serviceOf({
      models: [hung, scripted('two', failure('two is asleep.'))],
      firstMs: 20,
      idleMs: 20,
    })
    for (let turn = 1; turn <= 2; turn++) {
      expect((await partsOf(service)).error).toMatchObject({ message: expect.stringContaining('two is asleep.') })
      expect(hung.requests).toHaveLength(turn)
    }
  })

  test('that takes no more questions is left out until it said; when none does, that is a 429 with Retry-After', async () => {
    const limited = (status: number, retryAfter?: string) =>
      ({ does: 'refuse', status, words: 'slow down', retryAfter }) as const
    await using rig = await ModelStandIn.start('rig', limited(429, '90'))
    await using openai = await ModelStandIn.start('openai', limited(429, new Date(Date.now() + 40_000).toUTCString()))
    await using openrouter = await ModelStandIn.start('openrouter', limited(429))
    const company = (baseUrl: string) => ({ apiKey: 'k', baseUrl, model: 'm' })
    const all = {
      rigEndpoint: rig.url,
      openai: company(openai.url),
      openrouter: company(openrouter.url),
      deadlineMs: 20_000,
    }
    const { service } = serviceOf({ models: createChatModels(all) })
    const { error } = await partsOf(service)
    expect(error).toMatchObject({ code: 'provider_limited', status: 429, extension: { retryAfterSeconds: 30 } })
    expect(String(error)).toMatch(/rig answered 429: slow down.*openai answered 429.*openrouter answered 429/)
    const again = await partsOf(service)
    expect(again.error).toMatchObject({
      code: 'provider_limited',
      extension: { retryAfterSeconds: expect.any(Number) },
    })
    for (const standIn of [rig, openai, openrouter]) expect(standIn.requests).toHaveLength(1)
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 45_000)
    openrouter.behave({ does: 'answer', pieces: ['here'] })
    expect((await service.query(principal, input, noAbort())).provider).toBe('openrouter')
    expect(rig.requests).toHaveLength(1)
    expect(openai.requests).toHaveLength(2)
  })
})

test('how each call of a provider ended is told', async () => {
  const calls: ProviderCall[] = []
  const models = [scripted('one', failure('worn out')), scripted('two', forever), scripted('three', words('c'), finish)]
  const { service } = serviceOf({ models, firstMs: 20, observe: call => calls.push(call) })
  await service.query(principal, input, noAbort())
  expect(calls).toEqual([
    { provider: 'one', outcome: 'failed', durationMs: expect.any(Number) },
    { provider: 'two', outcome: 'timeout', durationMs: expect.any(Number) },
    { provider: 'three', outcome: 'answered', durationMs: expect.any(Number) },
  ])
})

test('a reader who takes his time does not make the model late', async () => {
  const gate = Promise.withResolvers<void>()
  const { service } = serviceOf({ models: [scripted('one', words('a'), words('b'), finish)], idleMs: 20 })
  const parts = service.stream(principal, input, noAbort())
  await parts.next()
  setTimeout(gate.resolve, 60)
  await gate.promise
  const rest: string[] = []
  for await (const part of parts) rest.push(part.type)
  expect(rest).toEqual(['text_delta', 'text_delta', 'finish'])
})

test('a seventeenth question at once is told to come back, and a place that is left is free again', async () => {
  const gate = Promise.withResolvers<void>()
  const { service } = serviceOf({ models: [scripted('one', gate.promise, words('a'), finish)] })
  const gone = new AbortController()
  const abandoned = partsOf(service, gone.signal)
  const answers = Array.from({ length: 15 }, () => partsOf(service))
  expect((await partsOf(service)).error).toMatchObject({ code: 'overloaded', extension: { retryAfterSeconds: 5 } })
  gone.abort(new Error('the reader left'))
  expect((await abandoned).error).toMatchObject({ message: 'the reader left' })
  const late = partsOf(service)
  gate.resolve()
  for (const { error } of await Promise.all([...answers, late])) expect(error).toBeUndefined()
})

test('an answer that grows without end is ended', async () => {
  const page = words('x'.repeat(50_000))
  const { service } = serviceOf({ models: [scripted('one', page, page, page, page, words('y'), words('z'), finish)] })
  const { parts, error } = await partsOf(service)
  expect(error).toMatchObject({ code: 'provider_failed', message: 'one was ended after 200000 characters.' })
  // `start` and four pages: what goes past the bound does not leave.
  expect(parts).toHaveLength(5)
})

test('stopping ends the answers under way and gives no more', async () => {
  const model = scripted('one', words('a'), forever)
  const { service } = serviceOf({ models: [model] })
  const answer = partsOf(service)
  await vi.waitFor(() => expect(model.requests).toHaveLength(1))
  service.stop()
  expect((await answer).error).toMatchObject({ code: 'draining' })
  expect((await partsOf(service)).error).toMatchObject({ code: 'draining' })
})

test('a key is in no answer, no error and no log line, whatever its provider says', async () => {
  const key = 'sk-canary-0123456789abcdef'
  const basic = Buffer.from(`u:${key}`).toString('base64')
  const leak = `the key ${key} and again ${key}`
  await using rig = await ModelStandIn.start('rig', { does: 'refuse', status: 500, words: `${leak} ${basic}` })
  await using openai = await ModelStandIn.start('openai', { does: 'refuse', status: 401, words: leak })
  await using openrouter = await ModelStandIn.start('openrouter', { does: 'fail inside', pieces: [], words: leak })
  const { service, lines } = serviceOf({
    models: createChatModels({
      rigEndpoint: `${rig.url.replace('//', `//u:${key}@`)}/ask?key=${key}`,
      openai: { apiKey: key, baseUrl: openai.url, model: 'm' },
      openrouter: { apiKey: key, baseUrl: openrouter.url, model: 'm' },
      deadlineMs: 20_000,
    }),
  })
  const { parts, error } = await partsOf(service)
  expect(error).toMatchObject({ code: 'provider_failed' })
  expect(String(error)).toMatch(/rig answered 500.*openai answered 401.*openrouter failed/)
  expect(lines).toHaveLength(3)
  const everything = [JSON.stringify(parts), everythingIn(error), ...lines].join('\n')
  expect(everything).toContain('[redacted]')
  expect(everything).not.toContain(key)
  expect(everything).not.toContain(basic)
  for (const standIn of [rig, openai, openrouter]) expect(standIn.requests).toHaveLength(1)
})
