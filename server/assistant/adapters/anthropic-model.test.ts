/** AnthropicModel keeps the promises of ChatModel, and speaks its Messages API. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key, settingsOf } from '../chat-model.suite.ts'
import { AnthropicModel } from './anthropic-model.ts'

const settings = settingsOf('anthropic')
const create = (url: string, apiKey: string) =>
  new AnthropicModel({ settings: { ...settings, baseUrl: `${url}`, apiKey } })

chatModelSuite({ dialect: 'anthropic', isStreamed: true, create })

test('it is asked for messages with its own header, the system apart, and results of tools as one turn of the user', async () => {
  await using standIn = await ModelStandIn.start('anthropic')
  await collect(create(standIn.url, key), undefined, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'a:b', name: 'stats', input: {} },
          { id: 'c', name: 'stats', input: {} },
        ],
      },
      { role: 'tool', callId: 'a:b', name: 'stats', content: '1', isError: false },
      { role: 'tool', callId: 'c', name: 'stats', content: '2', isError: true },
    ],
  })
  const [received] = standIn.requests
  expect(received?.path).toBe('/v1/messages')
  expect(received?.headers['x-api-key']).toBe(key)
  expect(received?.headers['anthropic-version']).toBe('2023-06-01')
  expect(received?.body).toMatchObject({
    model: 'stand-in-1',
    stream: true,
    system: [{ type: 'text', text: 'Be brief.' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a_b' },
          { type: 'tool_use', id: 'c' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a_b', content: '1' },
          { type: 'tool_result', tool_use_id: 'c', content: '2', is_error: true },
        ],
      },
    ],
  })
})
