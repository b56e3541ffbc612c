/** GeminiModel keeps the promises of ChatModel, and asks for a streamed content. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key, settingsOf } from '../chat-model.suite.ts'
import { GeminiModel } from './gemini-model.ts'

const settings = settingsOf('gemini')
const create = (url: string, apiKey: string) =>
  new GeminiModel({ settings: { ...settings, baseUrl: `${url}`, apiKey } })

chatModelSuite({ dialect: 'gemini', isStreamed: true, create })

test('it is asked at the path of its model, with the key in a header and not in the address', async () => {
  await using standIn = await ModelStandIn.start('gemini')
  await collect(create(standIn.url, key))
  const [received] = standIn.requests
  expect(received?.path).toBe('/v1beta/models/stand-in-1:streamGenerateContent?alt=sse')
  expect(received?.headers['x-goog-api-key']).toBe(key)
  expect(received?.body).toMatchObject({
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [{ role: 'user' }, { role: 'model' }, { role: 'user', parts: [{ text: 'Grüß mich 👋' }] }],
  })
})
