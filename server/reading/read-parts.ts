/**
 * Chooses the part that a model reads: the text, unless the HTML shows people something else. Runs on a thread of
 * `TextWorker`.
 */
import { htmlText } from './html-text.ts'
import { newText } from './new-text.ts'
import { differenceOf } from './part-difference.ts'
import { type BodyItem, joinTexts, type MessageParts, type ReadParts, readText, toWords } from './read-text.ts'
import { cleanText } from './stranger-text.ts'

/** The HTML must have this many letters more, and this many times as many, for the text to count as a stub. */
const leastMore = 40
const leastTimes = 1.5

export function readParts({ text, html, textBody, htmlBody }: MessageParts): ReadParts {
  const hasHtml = textBody?.some(({ kind }) => kind === 'html') ?? false
  const written = hasHtml ? wordsOf(textBody ?? []) : (text ?? '')
  if (html === null) return readText(written)
  const plain = cleanText(written).trim()
  const shown = cleanText(htmlBody ? wordsOf(htmlBody) : htmlText(html)).trim()
  const difference = plain === '' ? 'html_says_more' : differenceOf(plain, shown)
  const differ = difference === 'text_says_other'
  const told = hasHtml ? { text: plain, from: fromOf(textBody ?? []) } : isStub(plain, shown) ? htmlOnly(shown) : null
  if (shown === '' || difference === 'none') {
    return { ...readText(written), ...(hasHtml && { readFrom: fromOf(textBody ?? []) }), differ, told }
  }
  const words = toWords(shown)
  return {
    plain: toWords(plain),
    shown: words,
    readFrom: differ ? 'html_instead' : 'html',
    fresh: newText(words),
    differ,
    told,
  }
}

/** Converts each HTML part separately, so that an unclosed element does not affect the next one. */
function wordsOf(items: readonly BodyItem[]): string {
  const texts = items.map(item =>
    item.kind === 'picture' ? '' : item.kind === 'html' ? htmlText(item.content) : item.content,
  )
  return joinTexts(texts)
}

function fromOf(items: readonly BodyItem[]): 'html' | 'both' {
  const isTold = (item: BodyItem) => item.kind === 'plain' && item.content.trim() !== ''
  return items.some(isTold) ? 'both' : 'html'
}

function htmlOnly(text: string): { text: string; from: 'html' } {
  return { text, from: 'html' }
}

/** True for a placeholder ("please use a program that shows HTML") or a short summary of the HTML. */
function isStub(plain: string, shown: string): boolean {
  const [said, more] = [lettersOf(plain), lettersOf(shown)]
  return said === 0 ? more > 0 : more >= said * leastTimes && more >= said + leastMore
}

/** Counts letters without URLs, of which texts have many. */
function lettersOf(text: string): number {
  return text.replaceAll(/(?:https?:\/\/|www\.)[^\s<>]*/gi, '').replaceAll(/[^\p{L}\p{N}]/gu, '').length
}
