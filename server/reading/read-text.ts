/** The text part of a message as a model reads it, and how what was read of both parts is told. Loads nothing that reads HTML. */
import { withoutTargets } from './link-words.ts'
import { newText } from './new-text.ts'
import { cleanText, withoutModelMarks } from './stranger-text.ts'

/**
 * `html` was read because there is no text, or because it says more; `html_instead` because the text says what the HTML does not show; `both`
 * stand one under the other.
 */
export type ReadFrom = 'text' | 'html' | 'html_instead' | 'both'

/** What stands in a body, in the order in which it is read. */
export type BodyItem =
  | { kind: 'plain'; content: string }
  | { kind: 'html'; content: string }
  /** One of the attachments. */
  | { kind: 'picture'; id: string }

export interface MessageParts {
  text: string | null
  html: string | null
  /** Both bodies, where they are more than one text and one HTML beside it. */
  textBody?: readonly BodyItem[]
  htmlBody?: readonly BodyItem[]
}

/** Both parts, read once for all who ask. */
export interface ReadParts {
  /** The words of the text part. */
  plain: string
  /** The words of the HTML part; null where those of the text part are to be read. */
  shown: string | null
  readFrom: ReadFrom
  /** What is to be read, without quotations and signature. */
  fresh: string
  /** The text part says what the HTML part does not show. */
  differ: boolean
  /** The message as text for people, where the text part alone is not that. */
  told: { text: string; from: 'html' | 'both' } | null
}

export function readText(text: string | null): ReadParts {
  const plain = toWords(cleanText(text ?? '').trim())
  return { plain, shown: null, readFrom: 'text', fresh: newText(plain), differ: false, told: null }
}

/** @param text Has gone through `cleanText`. */
export function toWords(text: string): string {
  return withoutModelMarks(withoutTargets(text))
}

/** Texts one under the other, a blank line between them. */
export function joinTexts(texts: readonly string[]): string {
  const told = texts.filter(text => text.trim() !== '')
  if (told.length <= 1) return told[0] ?? texts[0] ?? ''
  return told.map((text, index) => (index < told.length - 1 ? text.trimEnd() : text)).join('\n\n')
}
