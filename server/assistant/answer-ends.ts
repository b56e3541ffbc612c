/** What follows from a question, and from the calls of an answer. */
import { conversationBounds } from '../../contract/conversations.ts'
import type { KeptCall } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'

export function titleOf(question: string): string {
  const line = question.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  return line.length <= conversationBounds.title ? line : `${line.slice(0, conversationBounds.title - 1)}…`
}

export function expiryOf(answer: OpenAnswer): string | null {
  const ends = answer.calls.flatMap(({ outcome, expires_at: at }) => (outcome === 'waiting' && at !== null ? [at] : []))
  return ends.toSorted()[0] ?? null
}

export function stoppedCall(call: KeptCall) {
  const result =
    call.effect === 'read'
      ? null
      : 'The server stopped while this was done: whether it was done is not known. Look before it is tried again.'
  return { type: 'tool_result' as const, call: { ...call, outcome: 'stopped' as const, result } }
}
