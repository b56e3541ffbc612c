/** The questions and answers of one visit to the page, and what each part of a stream does to them. */
import type { ChatbotPart, ChatbotResponse } from '../../contract/assistant.ts'

export interface Exchange {
  id: number
  question: string
  answer: string
  /** `waiting` until the first word. */
  state: 'waiting' | 'answering' | 'answered' | 'stopped' | 'failed'
  provider: string | undefined
  model: string | undefined
  usage: ChatbotResponse['usage']
  error: Error | undefined
}

export type Step =
  | { type: 'asked'; id: number; question: string }
  | { type: 'part'; part: Exclude<ChatbotPart, { type: 'error' }> }
  | { type: 'stopped' }
  | { type: 'failed'; error: Error }

/** Past them the oldest are forgotten. */
export const maxExchanges = 100

/** All but `asked` speak of the last exchange. */
export function takeStep(dialogue: readonly Exchange[], step: Step): readonly Exchange[] {
  if (step.type === 'asked') return [...dialogue, askedOf(step.id, step.question)].slice(-maxExchanges)
  const last = dialogue.at(-1)
  if (!last || !isRunning(last)) return dialogue
  return dialogue.with(-1, { ...last, ...changeBy(step, last) })
}

export function isRunning({ state }: Exchange): boolean {
  return state === 'waiting' || state === 'answering'
}

function askedOf(id: number, question: string): Exchange {
  const nothing = { answer: '', provider: undefined, model: undefined, usage: null, error: undefined }
  return { id, question, state: 'waiting', ...nothing }
}

function changeBy(step: Exclude<Step, { type: 'asked' }>, before: Exchange): Partial<Exchange> {
  if (step.type === 'stopped') return { state: 'stopped' }
  if (step.type === 'failed') return { state: 'failed', error: step.error }
  const { part } = step
  if (part.type === 'text_delta') return { state: 'answering', answer: before.answer + part.text }
  if (part.type === 'model') return { provider: part.provider, model: part.model ?? undefined }
  if (part.type !== 'finish') return {}
  const { response, provider, model, usage } = part.result
  return { state: 'answered', answer: response, provider, model: model ?? undefined, usage }
}
