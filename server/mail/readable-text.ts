/** Which part of a message a model reads: the text, unless people are shown something else in its HTML. */
import type { Message } from '../../contract/mail.ts'
import { htmlText } from './html-text.ts'
import { withoutTargets } from './link-words.ts'
import { withoutModelMarks } from './model-marks.ts'
import { differenceOf } from './part-difference.ts'
import { cleanText } from './stranger-text.ts'

/** `html` was read because there is no text, or because it says more; `html_instead` because the text says what nobody is shown. */
export type ReadFrom = 'text' | 'html' | 'html_instead'

type Parts = Pick<Message, 'text' | 'html'>

/** @param isPlainWanted The text part whatever it says, where there is one. */
export function readableText({ text, html }: Parts, isPlainWanted = false): { words: string; readFrom: ReadFrom } {
  const plain = cleanText(text ?? '').trim()
  if (html === null || (isPlainWanted && plain !== '')) return { words: toWords(plain), readFrom: 'text' }
  const shown = cleanText(htmlText(html)).trim()
  if (shown === '') return { words: toWords(plain), readFrom: 'text' }
  if (plain === '') return { words: toWords(shown), readFrom: 'html' }
  const difference = differenceOf(plain, shown)
  if (difference === 'none') return { words: toWords(plain), readFrom: 'text' }
  return { words: toWords(shown), readFrom: difference === 'text_says_other' ? 'html_instead' : 'html' }
}

/** Whether the text part says what the HTML part, which people are shown, does not. */
export function partsDiffer({ text, html }: Parts): boolean {
  const plain = cleanText(text ?? '').trim()
  if (plain === '' || html === null) return false
  return differenceOf(plain, cleanText(htmlText(html)).trim()) === 'text_says_other'
}

function toWords(text: string): string {
  return withoutModelMarks(withoutTargets(text))
}
