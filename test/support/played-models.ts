/** The browser tests' model scripts: they parse a question in OpenAI's wire format and play an answer. */
import type { Play } from './model-stand-in.ts'

type Asked = { role: string; content: string; tool_call_id?: string }[]
export const messagesIn = (body: Record<string, unknown>) => body.messages as Asked
export const questionIn = (body: Record<string, unknown>) =>
  messagesIn(body).findLast(({ role }) => role === 'user')!.content
/** Returns the last tool result in the request. */
const resultIn = (body: Record<string, unknown>) =>
  messagesIn(body).findLast(({ role }) => role === 'tool')?.content ?? ''
/** Returns the number of the model's answers since the question. */
export const stepIn = (body: Record<string, unknown>) =>
  messagesIn(body)
    .slice(messagesIn(body).findLastIndex(({ role }) => role === 'user'))
    .filter(({ role }) => role === 'assistant').length
const refIn = (text: string) => /^(?:ref: )?((?:[\w-]+\.)?[\w-]{20})(?: |$)/m.exec(text)?.[1] ?? ''
export const calls = (name: string, input: object) => ({
  calls: [{ id: `call_${name}`, name, input: JSON.stringify(input) }],
})
export const says = (text: string) => ({ pieces: [text] })

export const findsAndMoves: Play = async function* (body) {
  const step = stepIn(body)
  if (step === 0) yield calls('mail_search', { q: 'in:inbox', limit: 3 })
  else if (step === 1) {
    yield says('I would move the newest one.')
    yield calls('mail_move', { refs: [refIn(resultIn(body))], to: 'archive' })
  } else yield says(/declined/.test(resultIn(body)) ? 'Left where it was.' : 'Moved.')
}
