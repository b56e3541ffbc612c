/** Which part of a message a model reads: the text, unless that is missing or only stands in for the HTML. */
import type { Message } from '../../contract/mail.ts'
import { htmlText } from './html-text.ts'
import { cleanText } from './stranger-text.ts'

/** A text that only says that there is HTML is not longer. */
const maxStandInLength = 300

export function readableText({ text, html }: Pick<Message, 'text' | 'html'>): { words: string; isFromHtml: boolean } {
  const plain = cleanText(text ?? '').trim()
  if (html === null || !mayStandIn(plain)) return { words: plain, isFromHtml: false }
  const words = cleanText(htmlText(html)).trim()
  const isFromHtml = words.length > 2 * plain.length
  return { words: isFromHtml ? words : plain, isFromHtml }
}

/** Whether there is nothing in it, or it is short and speaks of HTML or a browser, links aside. */
function mayStandIn(plain: string): boolean {
  if (plain === '') return true
  if (plain.length > 10 * maxStandInLength) return false
  const words = plain.replaceAll(/https?:\S+/g, '').trim()
  return words.length <= maxStandInLength && /\b(?:html|browser|web version|webversion)\b/i.test(words)
}
