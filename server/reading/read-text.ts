/** Reads the text part of a message for a model, and defines the results for both parts. Loads no HTML parser. */
import { withoutTargets } from './link-words.ts'
import { newText } from './new-text.ts'
import { cleanText, withoutModelMarks } from './stranger-text.ts'

/**
 * The part that was read: `html` when there is no text or the HTML says more; `html_instead` when the text says what
 * the HTML does not show; `both` concatenated.
 */
export type ReadFrom = 'text' | 'html' | 'html_instead' | 'both'

/** An item of a body, in reading order. */
export type BodyItem =
  | { kind: 'plain'; content: string }
  | { kind: 'html'; content: string }
  /** A picture among the attachments. */
  | { kind: 'picture'; id: string }

export interface MessageParts {
  text: string | null
  html: string | null
  /** Items of both bodies; absent for at most one text and one HTML. */
  textBody?: readonly BodyItem[]
  htmlBody?: readonly BodyItem[]
}

/** Both parts as read once for all callers. */
export interface ReadParts {
  /** The text part. */
  plain: string
  /** The HTML part as text; null when the text part is to be read. */
  shown: string | null
  readFrom: ReadFrom
  /** The chosen part without quotations and signature. */
  fresh: string
  /** True when the text part says what the HTML part does not show. */
  differ: boolean
  /** The message as text for people, where the text part alone is incomplete. */
  told: { text: string; from: 'html' | 'both' } | null
}

export function readText(text: string | null): ReadParts {
  const plain = toWords(cleanText(text ?? '').trim())
  return { plain, shown: null, readFrom: 'text', fresh: newText(plain), differ: false, told: null }
}

/** @param text The result of `cleanText`. */
export function toWords(text: string): string {
  return withoutModelMarks(withoutTargets(text))
}

/** Concatenates texts with a blank line in between. */
export function joinTexts(texts: readonly string[]): string {
  const told = texts.filter(text => text.trim() !== '')
  if (told.length <= 1) return told[0] ?? texts[0] ?? ''
  return told.map((text, index) => (index < told.length - 1 ? text.trimEnd() : text)).join('\n\n')
}
