/** Where a question goes for each form in which a base address is given, and which forms are refused. */
import { expect, test } from 'vitest'
import type { ProviderKind } from '../../contract/model-provider.ts'
import { type Dialect, ModelStandIn } from '../../test/support/model-stand-in.ts'
import { createChatModel } from './adapters/index.ts'
import { BaseUrlFault, endpointOf } from './base-urls.ts'
import { collect } from './chat-model.suite.ts'

test.each<[ProviderKind, string]>([
  ['openai', 'https://api.openai.com/v1'],
  ['openrouter', 'https://openrouter.ai/api/v1'],
  ['anthropic', 'https://api.anthropic.com/v1'],
  ['gemini', 'https://generativelanguage.googleapis.com/v1beta'],
  ['mistral', 'https://api.mistral.ai/v1'],
  ['ollama', 'http://127.0.0.1:11434/v1'],
])('%s has its own address', (kind, own) => {
  expect(endpointOf(kind, undefined)).toEqual({ baseUrl: own })
  expect(endpointOf(kind, ' ')).toEqual({ baseUrl: own })
  expect(endpointOf(kind, `${own}/`)).toEqual({ baseUrl: own })
})

test.each<ProviderKind>(['rig', 'azure', 'openai_compatible'])('%s has none, and says so', kind => {
  expect(() => endpointOf(kind, undefined)).toThrow('needs a base URL')
})

const completions = '/chat/completions'
test.each<[ProviderKind, Dialect, string, string[]]>([
  [
    'openai',
    'openai',
    `/v1${completions}`,
    ['', '/', '/v1', '/v1/', '/v1/chat/completions', '/v1/responses', '/v1/models'],
  ],
  [
    'openrouter',
    'openrouter',
    `/api/v1${completions}`,
    ['', '/api', '/v1', '/api/v1', '/api/v1/', '/api/v1/chat/completions'],
  ],
  ['anthropic', 'anthropic', '/v1/messages', ['', '/', '/v1', '/v1/', '/v1/messages', '/v1/chat/completions']],
  [
    'gemini',
    'gemini',
    '/v1beta/models/m:streamGenerateContent?alt=sse',
    [
      '',
      '/v1beta',
      '/v1beta/',
      '/v1',
      '/v1beta/openai',
      '/v1beta/openai/',
      '/v1beta/models',
      '/v1beta/models/x:generateContent',
    ],
  ],
  ['mistral', 'mistral', `/v1${completions}`, ['', '/v1', '/v1/', '/v1/chat/completions']],
  ['ollama', 'ollama', `/v1${completions}`, ['', '/', '/v1', '/v1/', '/api', '/api/', '/api/chat', '/api/tags']],
  ['openai_compatible', 'openai', `/v1${completions}`, ['', '/', '/v1', '/v1/', '/v1/chat/completions', '/v1/models']],
  [
    'azure',
    'azure',
    `/openai/v1${completions}`,
    ['', '/', '/openai', '/openai/v1', '/openai/v1/', '/openai/v1/chat/completions', '/models', '/openai/deployments'],
  ],
  [
    'azure',
    'azure',
    `/openai/deployments/m${completions}?api-version=2024-10-21`,
    [
      '?api-version=2024-10-21',
      '/?api-version=2024-10-21',
      '/openai?api-version=2024-10-21',
      '/openai/deployments/m?api-version=2024-10-21',
      '/openai/deployments/m/chat/completions?api-version=2024-10-21',
    ],
  ],
])('%s (%s) is asked at %s whichever documented form is given', async (kind, dialect, path, forms) => {
  for (const form of forms) {
    await using standIn = await ModelStandIn.start(dialect)
    const settings = { id: 'a', kind, name: 'a', apiKey: 'k', model: 'm', isLocal: false, contextTokens: 32_000 }
    await collect(createChatModel({ ...settings, baseUrl: `${standIn.url}${form}` }))
    expect(
      standIn.requests.map(request => request.path),
      form,
    ).toEqual([path])
  }
})

test('the path of a gateway stays', () => {
  expect(endpointOf('openai', 'http://gateway:8080/team/llm/').baseUrl).toBe('http://gateway:8080/team/llm')
  expect(endpointOf('anthropic', 'http://gateway/anthropic/v1').baseUrl).toBe('http://gateway/anthropic/v1')
  // As Anthropic's own variable is understood.
  expect(endpointOf('anthropic', 'http://gateway/anthropic').baseUrl).toBe('http://gateway/anthropic/v1')
  expect(endpointOf('azure', 'https://gateway.example/tenant/openai').baseUrl).toBe(
    'https://gateway.example/tenant/openai/v1',
  )
})

test('the deployment in an address of Azure is the model', () => {
  const copied =
    'https://mine.openai.azure.com/openai/deployments/gpt%204/chat/completions?api-version=2025-01-01-preview'
  expect(endpointOf('azure', copied)).toEqual({
    baseUrl: 'https://mine.openai.azure.com/openai/deployments/gpt%204',
    query: { 'api-version': '2025-01-01-preview' },
    model: 'gpt 4',
  })
})

test.each<[ProviderKind, string, string]>([
  ['openai', 'api.openai.com/v1', 'begins with https://'],
  ['openai', 'ftp://api.openai.com', 'begins with https://'],
  ['openai', 'https://user:secret-word@llm.example/v1', 'Leave the user and the password out'],
  ['openai', 'https://llm.example/v1?key=secret-word', 'follows the question mark'],
  ['openai', 'https://llm.example/v1#secret-word', 'follows the #'],
  ['openai', 'https://platform.openai.com/api-keys', 'a page for people'],
  ['gemini', 'https://aistudio.google.com', 'a page for people'],
  ['openai', 'https://api.anthropic.com', 'choose anthropic'],
  ['anthropic', 'https://openrouter.ai/api', 'choose openrouter'],
  ['openai', 'https://mine.openai.azure.com/openai/v1', 'choose azure'],
  ['azure', 'https://mine.openai.azure.com/openai/deployments/gpt', 'needs ?api-version='],
  ['azure', 'https://mine.services.ai.azure.com/api/projects/p', 'address of a project'],
])('%s at %s is refused in words', (kind, given, words) => {
  expect(() => endpointOf(kind, given)).toThrow(BaseUrlFault)
  expect(() => endpointOf(kind, given)).toThrow(words)
  expect(() => endpointOf(kind, given)).not.toThrow('secret-word')
})
