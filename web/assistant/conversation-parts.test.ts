/** Applying stream parts to a conversation. */
import { expect, test } from 'vitest'
import type { AssistantAnswer, AssistantToolCall, ChatbotPart } from '../../contract/answers.ts'
import type { Conversation } from '../../contract/conversations.ts'
import {
  mergeConversation,
  newConversation,
  putAnswer,
  takeParts,
  waitingCalls,
  withAnswer,
} from './conversation-parts.ts'

const at = '2026-11-29T12:00:00.000Z'
const start = { type: 'start', seq: 1, conversation_id: 'c', answer_id: 'a' } as const
const asked = { question: 'What?', at, replaces: undefined }
const begun = withAnswer(newConversation('c', 'What?\nAnd why?', at), start, asked)
const words = (seq: number, text: string): ChatbotPart => ({ type: 'text_delta', seq, text })
const call: AssistantToolCall = {
  id: 't',
  name: 'mail_move',
  title: 'Move',
  effect: 'write',
  input: { to: 'Archive' },
  input_hash: 'h',
  summary: null,
  outcome: 'waiting',
  result: null,
  citations: [],
  duration_ms: null,
  expires_at: at,
}
const last = ({ items }: Conversation): AssistantAnswer => items.at(-1)!

test('text, a call and more text stand in the order in which they came', () => {
  const parts: ChatbotPart[] = [
    { type: 'model', seq: 2, provider: 'openai', model: 'm' },
    words(3, 'Let me '),
    words(4, 'look.'),
    { type: 'tool_call', seq: 5, call },
  ]
  const waiting = takeParts(begun, 'a', parts)
  expect(waiting.state).toBe('waiting')
  expect(waitingCalls(last(waiting))).toEqual([call])
  const done = takeParts(waiting, 'a', [
    { type: 'tool_result', seq: 6, call: { ...call, outcome: 'ok' } },
    words(7, 'Moved.'),
  ])
  expect(done.state).toBe('running')
  expect(last(done).blocks).toMatchObject([
    { type: 'text', text: 'Let me look.' },
    { type: 'tool_call', call: { outcome: 'ok' } },
    { type: 'text', text: 'Moved.' },
  ])
})

test('parts that come twice are taken once', () => {
  const twice = takeParts(begun, 'a', [words(2, 'One'), words(2, 'One'), words(3, '.'), words(2, 'One')])
  expect(last(twice)).toMatchObject({ last_seq: 3, blocks: [{ text: 'One.' }] })
  expect(takeParts(twice, 'a', [words(3, '.')])).toBe(twice)
})

test('an answer that came whole has its text; one that streamed has it once', () => {
  const result = {
    response: 'Whole.',
    conversation_id: 'c',
    answer_id: 'a',
    provider: 'rig',
    model: null,
    tool_calls: [],
    attempts: [],
    usage: null,
    cost_usd: null,
  }
  const finish = (seq: number): ChatbotPart => ({ type: 'finish', seq, state: 'done', result })
  expect(last(takeParts(begun, 'a', [finish(2)]))).toMatchObject({ state: 'done', blocks: [{ text: 'Whole.' }] })
  const streamed = takeParts(begun, 'a', [words(2, 'Whole.'), finish(3)])
  expect(streamed.state).toBe('idle')
  expect(last(streamed).blocks).toEqual([{ type: 'text', text: 'Whole.' }])
})

test('what failed in the middle keeps what it said', () => {
  const problem = { type: '/problems/x', title: 'x', status: 502, detail: 'x', instance: '', code: 'provider_failed' }
  const failed = takeParts(begun, 'a', [words(2, 'Half'), { type: 'error', seq: 3, problem }])
  expect(last(failed)).toMatchObject({ state: 'failed', problem, blocks: [{ text: 'Half' }] })
})

test('an answer of the server that is older than what was heard takes nothing away', () => {
  const heard = takeParts(begun, 'a', [words(2, 'One '), words(3, 'two')])
  const older = takeParts(begun, 'a', [words(2, 'One ')])
  expect(last(mergeConversation(heard, { ...older, title: 'Renamed' }))).toMatchObject({ last_seq: 3 })
  expect(mergeConversation(heard, { ...older, title: 'Renamed' }).title).toBe('Renamed')
  expect(last(mergeConversation(older, heard))).toMatchObject({ last_seq: 3 })
  expect(mergeConversation(begun, { ...begun, items: [] }).items).toHaveLength(1)
  expect(last(putAnswer(heard, last(older)))).toMatchObject({ last_seq: 3 })
})

test('an answer that is given again replaces the one before', () => {
  const again = withAnswer(begun, { ...start, answer_id: 'b' }, { ...asked, replaces: 'a' })
  expect(again.items.map(({ id }) => id)).toEqual(['b'])
})
