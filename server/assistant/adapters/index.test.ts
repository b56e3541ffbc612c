/** Which models a configuration makes, and in which order. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { collect, textOf } from '../chat-model.suite.ts'
import { createChatModels } from './index.ts'

const provider = { apiKey: 'sk-canary', model: 'm' }

test('models are tried in the order of the plan, RIG first, whatever the order of the settings', () => {
  const models = createChatModels({
    ollama: { baseUrl: 'http://127.0.0.1:11434', model: 'llama' },
    gemini: provider,
    anthropic: { apiKey: 'sk-canary', model: 'claude' },
    openrouter: provider,
    openai: provider,
    rigEndpoint: 'http://127.0.0.1:1/ask',
  })
  expect(models.map(({ provider, model }) => [provider, model])).toEqual([
    ['rig', null],
    ['openai', 'm'],
    ['openrouter', 'm'],
    ['anthropic', 'claude'],
    ['gemini', 'm'],
    ['ollama', 'llama'],
  ])
})

test('nothing set makes no model', () => {
  expect(createChatModels({})).toEqual([])
})

test('Ollama is found under the address that it prints itself', async () => {
  await using standIn = await ModelStandIn.start('openai', { does: 'answer', pieces: ['here'] })
  const [model] = createChatModels({ ollama: { baseUrl: standIn.url, model: 'llama' } })
  expect(textOf(await collect(model!))).toBe('here')
  expect(standIn.requests[0]?.path).toBe('/v1/chat/completions')
})
