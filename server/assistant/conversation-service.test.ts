/** What is exported is what was said, and nothing in it can pass for anything else. */
import { expect, test } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { ConversationService } from './conversation-service.ts'
import { ConversationStore } from './conversation-store.ts'
import { newFacts } from './kept-parts.ts'

const person: Principal = {
  ...{ id: 'session-1', name: 'Ann', kind: 'session', userId: 'ann', scopes: everyScope, accounts: 'all' },
}

test('a conversation is exported with its calls, fenced so that no result gets out', async () => {
  const store = new ConversationStore(await memoryDatabase())
  const service = new ConversationService({ store, end: async () => undefined, underWay: async () => undefined })
  const at = '2026-01-01T00:00:00.000Z'
  const call = {
    ...{ id: 't1', name: '<img src=x>', title: 'Read', effect: 'read', input: {}, input_hash: 'x', summary: null },
    ...{ outcome: 'ok', result: 'a ``` b\n```` c', citations: [], duration_ms: 1, expires_at: null },
  }
  const parts = [
    { type: 'tool_result', seq: 1, call },
    { type: 'text_delta', seq: 2, text: 'It says so.' },
  ]
  await store.add(
    {
      ...{ id: 'c1', owner: 'user-ann', user_id: null, title: '# [x](y)', created_at: at, updated_at: at },
      ...{ tokens: 0, cost_usd: null, summary: null },
    },
    {
      ...{ id: 'n1', conversation_id: 'c1', question: 'a\n# b\r# c', context: null, asked_at: at, state: 'done' },
      ...{ said: 'It says so.', facts: JSON.stringify({ ...newFacts(), provider: 'one' }), expires_at: null },
    },
  )
  const row = (await store.findAnswer('c1', 'n1'))!
  await store.keep(row, { answer_id: 'n1', first: 1, parts: JSON.stringify(parts) }, { answer: {}, at })
  const { file_name: name, markdown } = await service.export(person, 'c1')
  expect(name).toBe('x-y.md')
  expect(markdown).toContain('# \\# \\[x\\](y)\n')
  expect(markdown).toContain('> a\n> # b\n> # c')
  // The name that a model gave a tool is untrusted.
  expect(markdown).toContain('(\\<img src=x\\>, ok)')
  expect(markdown).toContain('`````\na ``` b\n```` c\n`````')
  expect(markdown).toContain('It says so.')
  await expect(service.list(person, { limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'bad_request' })
})
