/** Where a question goes for each form in which a base address is given. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { collect } from '../chat-model.suite.ts'
import { baseUrlOf, type Company } from './base-urls.ts'
import { createChatModels } from './index.ts'

test.each<[Company, string]>([
  ['openai', 'https://api.openai.com/v1'],
  ['openrouter', 'https://openrouter.ai/api/v1'],
  ['anthropic', 'https://api.anthropic.com/v1'],
  ['gemini', 'https://generativelanguage.googleapis.com/v1beta/openai'],
])('%s has its own address', (company, own) => {
  expect(baseUrlOf(company, undefined)).toBe(own)
})

test.each<[Company, string, string[]]>([
  ['openai', '/v1', ['', '/', '/v1', '/v1/', '/v1/chat/completions']],
  ['openrouter', '/api/v1', ['', '/api', '/api/v1', '/api/v1/', '/api/v1/chat/completions']],
  ['anthropic', '/v1', ['', '/', '/v1', '/v1/', '/v1/messages']],
  ['gemini', '/v1beta/openai', ['', '/v1beta', '/v1beta/', '/v1beta/openai', '/v1beta/openai/']],
  ['ollama', '/v1', ['', '/', '/v1', '/v1/', '/api', '/api/', '/api/chat']],
])('%s is asked at %s whichever documented form is given', async (company, path, forms) => {
  for (const form of forms) {
    const dialect = company === 'openrouter' ? 'openrouter' : 'openai'
    await using standIn = await ModelStandIn.start(dialect, { does: 'answer', pieces: ['here'] })
    const given = { apiKey: 'k', baseUrl: `${standIn.url}${form}`, model: 'm' }
    const [model] = createChatModels({ [company]: given, deadlineMs: 60_000 })
    await collect(model!)
    expect(standIn.requests.map(request => request.path)).toEqual([`${path}/chat/completions`])
  }
})

test('the path of a gateway stays', () => {
  expect(baseUrlOf('openai', 'http://gateway:8080/team/llm/')).toBe('http://gateway:8080/team/llm')
  expect(baseUrlOf('anthropic', 'http://gateway/anthropic/v1')).toBe('http://gateway/anthropic/v1')
})
