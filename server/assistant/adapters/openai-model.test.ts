/** OpenAiModel keeps the promises of ChatModel, and speaks chat completions. */
import { describe, expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key, settingsOf } from '../chat-model.suite.ts'
import { OpenAiModel } from './openai-model.ts'

const settings = settingsOf('openai')
const create = (url: string, apiKey: string) =>
  new OpenAiModel({ settings: { ...settings, baseUrl: `${url}/v1`, apiKey } })

chatModelSuite({ dialect: 'openai', isStreamed: true, create })

test('the whole dialogue is sent as chat completions, streamed and with usage', async () => {
  await using standIn = await ModelStandIn.start('openai')
  await collect(create(standIn.url, key))
  const [received] = standIn.requests
  expect(received?.path).toBe('/v1/chat/completions')
  expect(received?.headers.authorization).toBe(`Bearer ${key}`)
  expect(received?.body).toMatchObject({
    model: 'stand-in-1',
    stream: true,
    stream_options: { include_usage: true },
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Earlier' },
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: 'Grüß mich 👋' },
    ],
  })
})

test('a model that thinks aloud shows that it lives, and not what it thinks', async () => {
  const chunks = [
    { delta: { reasoning_content: 'hmm' }, finish_reason: null },
    { delta: { content: 'Hi' }, finish_reason: null },
    { delta: {}, finish_reason: 'stop' },
  ]
  const body = chunks.map(choice => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`).join('')
  await using standIn = await ModelStandIn.start('openai', {
    does: 'send',
    status: 200,
    type: 'text/event-stream',
    body,
  })
  const parts = await collect(create(standIn.url, key))
  expect(parts).toEqual([
    { type: 'reasoning_delta' },
    { type: 'text_delta', text: 'Hi' },
    { type: 'finish', usage: null, reason: 'stop' },
  ])
})

test('a key that was pasted with a line break is not told by the complaint about it', async () => {
  const problem = await collect(create('http://127.0.0.1:9', `${key}\nmore-of-it-${key}`)).catch(error => error)
  expect(problem).toMatchObject({ code: 'provider_failed' })
  expect(problem.message).not.toContain(key)
})

test('Ollama is asked without a key', async () => {
  await using standIn = await ModelStandIn.start('openai')
  await collect(new OpenAiModel({ settings: { ...settings, kind: 'ollama', baseUrl: standIn.url } }))
  expect(standIn.requests[0]?.headers.authorization).toBeUndefined()
})

const azure = (url: string, apiKey: string) =>
  new OpenAiModel({
    settings: {
      ...settings,
      kind: 'azure',
      baseUrl: `${url}/openai/deployments/stand-in-1/chat/completions?api-version=2025-01-01`,
      apiKey,
    },
  })

describe('Azure', () => {
  chatModelSuite({ dialect: 'azure', isStreamed: true, create: azure })

  test('a deployment is asked at its dated path, with the key in its own header, and the new name of the bound', async () => {
    await using standIn = await ModelStandIn.start('azure')
    await collect(azure(standIn.url, key), undefined, { maxOutputTokens: 200 })
    const [received] = standIn.requests
    expect(received?.path).toBe('/openai/deployments/stand-in-1/chat/completions?api-version=2025-01-01')
    expect(received?.headers).toMatchObject({ 'api-key': key })
    expect(received?.headers.authorization).toBeUndefined()
    expect(received?.body).toMatchObject({ max_completion_tokens: 200 })
    expect(received?.body).not.toHaveProperty('max_tokens')
  })
})

describe('OpenRouter', () => {
  const openRouter = (url: string, apiKey: string) =>
    new OpenAiModel({ settings: { ...settings, kind: 'openrouter', baseUrl: url, apiKey } })
  chatModelSuite({ dialect: 'openrouter', isStreamed: true, create: openRouter })

  test('it is asked at its own path, streamed and with usage', async () => {
    await using standIn = await ModelStandIn.start('openrouter')
    await collect(openRouter(standIn.url, key))
    const [received] = standIn.requests
    expect(received?.path).toBe('/api/v1/chat/completions')
    expect(received?.headers.authorization).toBe(`Bearer ${key}`)
    expect(received?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
  })
})

describe('Ollama', () => {
  chatModelSuite({
    dialect: 'ollama',
    isStreamed: true,
    create: (url, apiKey) => new OpenAiModel({ settings: { ...settings, kind: 'ollama', baseUrl: url, apiKey } }),
  })
})

test('others are sent the name of the bound that all know', async () => {
  await using standIn = await ModelStandIn.start('openai')
  await collect(create(standIn.url, key), undefined, { maxOutputTokens: 200 })
  expect(standIn.requests[0]?.body).toMatchObject({ max_tokens: 200 })
})
