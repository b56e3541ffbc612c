/** Passes on the parts of one step of an answer, each only if it is within its bounds. */
import { Problem } from '../platform/problem.ts'
import type { ChatModel, Part } from './chat-model.ts'
import { placed } from './provider-faults.ts'

export const answerBounds = {
  /** Characters of text in one step. */
  text: 200_000,
  /** Characters of the input of one call, as JSON. */
  input: 100_000,
  name: 200,
  /** Calls in one step. */
  calls: 32,
} as const

/**
 * Delays leading white space until there is text. Throws if the parts are not an answer: nothing visible, no end, or
 * too long. The reader's timeout keeps running, so an invisible part is passed on as a sign of life.
 */
export async function* visibleParts(model: ChatModel, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  let [characters, calls] = [0, 0]
  let blank = ''
  let hasWord = false
  let end: Extract<Part, { type: 'finish' }> | undefined
  for await (const part of parts) {
    if (part.type === 'finish') end = part
    if (part.type === 'reasoning_delta') yield part
    if (part.type === 'tool_call') {
      calls += 1
      checkCall(model, part, calls)
      yield part
    }
    if (part.type !== 'text_delta') continue
    characters += part.text.length
    if (characters > answerBounds.text) throw badAnswer(model, `was ended after ${answerBounds.text} characters.`)
    const text = blank + part.text
    blank = hasWord || text.trim() !== '' ? '' : text
    if (blank !== '' || text === '') {
      yield { type: 'reasoning_delta' }
      continue
    }
    hasWord = true
    yield { type: 'text_delta', text }
  }
  if (end === undefined) throw badAnswer(model, 'broke off its answer.')
  if (!hasWord && calls === 0) {
    throw badAnswer(model, end.reason === 'filtered' ? 'withheld its answer.' : 'sent an empty answer.')
  }
  yield end
}

export function isVisible({ type }: Part): boolean {
  return type === 'text_delta' || type === 'tool_call'
}

function checkCall(model: ChatModel, { call }: Extract<Part, { type: 'tool_call' }>, calls: number): void {
  if (calls > answerBounds.calls) throw badAnswer(model, `asked for more than ${answerBounds.calls} tools at once.`)
  const size = call.input === undefined ? 0 : JSON.stringify(call.input).length
  if (size > answerBounds.input || call.name.length > answerBounds.name) {
    throw badAnswer(model, `asked for a tool with more than ${answerBounds.input} characters.`)
  }
}

function badAnswer({ provider }: ChatModel, what: string): Problem {
  return placed(new Problem('provider_failed', `${provider} ${what}`), 'answer')
}
