/** The text part of a message as a model reads it, and how what was read of both parts is told. Loads nothing that reads HTML. */
import { withoutTargets } from './link-words.ts'
import { withoutModelMarks } from './model-marks.ts'
import { newText } from './new-text.ts'
import { cleanText } from './stranger-text.ts'

/** `html` was read because there is no text, or because it says more; `html_instead` because the text says what nobody is shown. */
export type ReadFrom = 'text' | 'html' | 'html_instead'

export interface MessageParts {
  text: string | null
  html: string | null
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
}

export function readText(text: string | null): ReadParts {
  const plain = toWords(cleanText(text ?? '').trim())
  return { plain, shown: null, readFrom: 'text', fresh: newText(plain), differ: false }
}

/** @param text Has gone through `cleanText`. */
export function toWords(text: string): string {
  return withoutModelMarks(withoutTargets(text))
}
