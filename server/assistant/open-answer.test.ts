/** OpenAnswer while its end is being stored. */
import { expect, test } from 'vitest'
import { person } from '../../test/support/assistant-service.ts'
import { newFacts } from './kept-parts.ts'
import { OpenAnswer } from './open-answer.ts'

test('a reader that comes while the end is being stored gets a number before the end, and receives it from there', async () => {
  const storing = Promise.withResolvers<boolean>()
  const answer = new OpenAnswer({
    store: { keep: () => storing.promise, listParts: async () => [] },
    owner: 'ada',
    row: {
      ...{ id: 'a1', conversation_id: 'c1', question: 'Why?', context: null, asked_at: '2026-01-01T00:00:00Z' },
      ...{ state: 'running', said: '', facts: JSON.stringify(newFacts()), expires_at: null },
    },
    parts: [],
    facts: newFacts(),
    changed: () => undefined,
    now: () => 0,
  })
  answer.append({ type: 'start', conversation_id: 'c1', answer_id: 'a1' })
  const settled = answer.settle('done', { type: 'finish', state: 'done', result: answer.response() })
  const seen = answer.view(person)
  expect(seen).toMatchObject({ state: 'running', last_seq: 1 })
  storing.resolve(true)
  await settled
  const heard = []
  for await (const part of answer.follow(seen.last_seq, new AbortController().signal)) heard.push(part)
  expect(heard).toMatchObject([{ type: 'finish', seq: 2 }])
  expect(answer.view(person)).toMatchObject({ state: 'done', last_seq: 2 })
})
