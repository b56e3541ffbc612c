/** OpenRouterModel keeps the promises of ChatModel, also between OpenRouter's comments. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key } from '../chat-model.suite.ts'
import { OpenRouterModel } from './openrouter-model.ts'

const create = (url: string, apiKey: string) =>
  new OpenRouterModel({ apiKey, baseUrl: `${url}/api/v1`, model: 'some/stand-in-1' })

chatModelSuite({ dialect: 'openrouter', isStreamed: true, create })

test('OpenRouter is asked for the named model, streamed and with usage', async () => {
  await using standIn = await ModelStandIn.start('openrouter')
  await collect(create(standIn.url, key))
  const [received] = standIn.requests
  expect(received?.path).toBe('/api/v1/chat/completions')
  expect(received?.headers.authorization).toBe(`Bearer ${key}`)
  expect(received?.body).toMatchObject({
    model: 'some/stand-in-1',
    stream: true,
    stream_options: { include_usage: true },
  })
})
