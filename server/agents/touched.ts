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
  return {
    messages: found.length,
    sender: short(senderOf(from), touchedBounds.sender),
    subject: short(subject, touchedBounds.subject),
  }
}

/** Of messages that were read, people; of hits, words: an address, and the name behind it. */
function senderOf(from: unknown): string | undefined {
  if (typeof from === 'string') return /^[^\s,]+@[^\s,]+/.exec(from)?.[0] ?? from
  const [author] = (Array.isArray(from) ? from : []) as { email?: string; invalid?: string; name?: string }[]
  return author?.email ?? author?.invalid ?? author?.name
}

function short(words: unknown, most: number): string | null {
  return typeof words === 'string' && words !== '' ? ownCopy(cutText(words, most)) : null
}
