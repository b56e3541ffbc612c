/** Which part of a message a model reads: the text, unless people are shown something else in its HTML. Work for the thread of a `TextWorker`. */
import { htmlText } from './html-text.ts'
import { newText } from './new-text.ts'
import { differenceOf } from './part-difference.ts'
import { type MessageParts, type ReadParts, readText, toWords } from './read-text.ts'
import { cleanText } from './stranger-text.ts'

export function readParts({ text, html }: MessageParts): ReadParts {
  if (html === null) return readText(text)
  const plain = cleanText(text ?? '').trim()
  const shown = cleanText(htmlText(html)).trim()
  const difference = plain === '' ? 'html_says_more' : differenceOf(plain, shown)
  const differ = difference === 'text_says_other'
  if (shown === '' || difference === 'none') return { ...readText(text), differ }
  const words = toWords(shown)
  return {
    plain: toWords(plain),
    shown: words,
    readFrom: differ ? 'html_instead' : 'html',
    fresh: newText(words),
    differ,
  }
}
