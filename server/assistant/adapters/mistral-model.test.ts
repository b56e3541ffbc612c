/** MistralModel keeps the promises of ChatModel, and sends it only ids of the form that it takes. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key, settingsOf } from '../chat-model.suite.ts'
import { MistralModel } from './mistral-model.ts'

const settings = settingsOf('mistral')
const create = (url: string, apiKey: string) =>
  new MistralModel({ settings: { ...settings, baseUrl: `${url}`, apiKey } })

chatModelSuite({ dialect: 'mistral', isStreamed: true, create })

test('ids of calls that another provider made become ones that Mistral takes, the same for the call and its result', async () => {
  await using standIn = await ModelStandIn.start('mistral')
  await collect(create(standIn.url, key), undefined, {
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_of-another', name: 'stats', input: {} }] },
      { role: 'tool', callId: 'call_of-another', name: 'stats', content: '1', isError: false },
    ],
  })
  const [received] = standIn.requests
  expect(received?.path).toBe('/v1/chat/completions')
  expect(received?.headers.authorization).toBe(`Bearer ${key}`)
  const messages = received?.body.messages as { tool_calls?: { id: string }[]; tool_call_id?: string }[]
  expect(messages[1]?.tool_calls?.[0]?.id).toMatch(/^[A-Za-z0-9]{9}$/)
  expect(messages[2]?.tool_call_id).toBe(messages[1]?.tool_calls?.[0]?.id)
})
