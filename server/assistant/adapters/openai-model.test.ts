/** OpenAiModel keeps the promises of ChatModel, and speaks chat completions. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key } from '../chat-model.suite.ts'
import { OpenAiModel } from './openai-model.ts'

const create = (url: string, apiKey: string) =>
  new OpenAiModel({ provider: 'openai', baseUrl: `${url}/v1`, apiKey, model: 'stand-in-1' })

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
    { type: 'finish', usage: null },
  ])
})

test('a key that was pasted with a line break is not told by the complaint about it', async () => {
  const problem = await collect(create('http://127.0.0.1:9', `${key}\nmore-of-it-${key}`)).catch(error => error)
  expect(problem).toMatchObject({ code: 'provider_failed' })
  expect(problem.message).not.toContain(key)
})

test('Ollama is asked without a key', async () => {
  await using standIn = await ModelStandIn.start('openai')
  await collect(new OpenAiModel({ provider: 'ollama', baseUrl: `${standIn.url}/v1`, model: 'stand-in-1' }))
  expect(standIn.requests[0]?.headers.authorization).toBeUndefined()
})
