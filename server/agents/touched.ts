/** What the result of a tool says of messages: how many, and of the first one sender and subject. Words of strangers, truncated. */
import { touchedBounds } from '../../contract/agents.ts'
import { ownCopy } from '../platform/text.ts'
import { cutText } from '../reading/stranger-text.ts'

export interface Touched {
  messages: number | null
  sender: string | null
  subject: string | null
}

/** Names of lists of messages in the results of tools. */
const lists = ['messages', 'hits'] as const

export function touchedBy(output: object): Touched {
  const fields = output as Record<string, unknown>
  const found = lists.map(name => fields[name]).find(Array.isArray)
  if (!found) return { messages: typeof fields.ok === 'number' ? fields.ok : null, sender: null, subject: null }
  const { from, subject } = (found[0] ?? {}) as { from?: unknown; subject?: unknown }
  const [author] = (Array.isArray(from) ? from : []) as { email?: string; invalid?: string; name?: string }[]
  return {
    messages: found.length,
    sender: short(author?.email ?? author?.invalid ?? author?.name, touchedBounds.sender),
    subject: short(subject, touchedBounds.subject),
  }
}

function short(words: unknown, most: number): string | null {
  return typeof words === 'string' && words !== '' ? ownCopy(cutText(words, most)) : null
}
