/** The title of a conversation until it is renamed: its first question, in one line. */
import { conversationBounds } from '../../contract/answers.ts'

export function titleOf(question: string): string {
  const line = question.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  return line.length <= conversationBounds.title ? line : `${line.slice(0, conversationBounds.title - 1)}…`
}
