/** What a stream of parts makes of the dialogue. */
import { expect, test } from 'vitest'
import type { ChatbotResponse } from '../../contract/assistant.ts'
import { type Exchange, maxExchanges, type Step, takeStep } from './dialogue.ts'

const by = { provider: 'openai', model: 'm' }
const words = (text: string): Step => ({ type: 'part', part: { type: 'text_delta', seq: 3, text } })
const start: Step = { type: 'part', part: { type: 'model', seq: 2, ...by } }
const asked = (id: number): Step => ({ type: 'asked', id, question: `Question ${id}` })
const stepsTo = (...steps: Step[]) => steps.reduce<readonly Exchange[]>(takeStep, [])

test('words are shown as they come, and the last part settles the answer', () => {
  const usage = { input_tokens: 3, output_tokens: 5 }
  const result: ChatbotResponse = {
    ...{ response: 'A protocol.', conversation_id: 'c1', answer_id: 'n1', ...by },
    ...{ tool_calls: [], attempts: [], usage, cost_usd: null },
  }
  const answering = stepsTo(asked(1), start, words('A '), words('proto'))
  expect(answering).toMatchObject([{ state: 'answering', answer: 'A proto', provider: 'openai', model: 'm' }])
  const answered = takeStep(answering, { type: 'part', part: { type: 'finish', seq: 5, state: 'done', result } })
  expect(answered).toMatchObject([{ state: 'answered', answer: 'A protocol.', usage }])
})

test('what was said before a stop or a failure stays, and nothing is added after it', () => {
  const stopped = stepsTo(asked(1), start, words('A '), { type: 'stopped' }, words('late'))
  expect(stopped).toMatchObject([{ state: 'stopped', answer: 'A ' }])
  const error = new Error('The provider is worn out.')
  const failed = stepsTo(asked(1), words('A '), { type: 'failed', error }, { type: 'stopped' })
  expect(failed).toMatchObject([{ state: 'failed', answer: 'A ', error }])
})

test('a part changes the last exchange alone', () => {
  const dialogue = stepsTo(asked(1), words('one'), { type: 'stopped' }, asked(2), words('two'))
  expect(dialogue.map(({ answer }) => answer)).toEqual(['one', 'two'])
})

test('a long dialogue forgets its oldest questions', () => {
  const dialogue = stepsTo(...Array.from({ length: maxExchanges + 2 }, (_, index) => asked(index)))
  expect(dialogue).toHaveLength(maxExchanges)
  expect(dialogue[0]?.id).toBe(2)
})
