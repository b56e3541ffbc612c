/**
 * Finds words in HTML that are invisible to its viewers but would be sent, so that a human who approves it can be told.
 */
import { htmlText } from './html-text.ts'
import { htmlWords } from './html-words.ts'

/** Bounds: characters compared, characters of joined words, and characters of words returned. */
const [maxCompared, maxJoined, maxTold] = [2 * 1024 * 1024, 4_000, 2_000]
const word = /[\p{L}\p{N}\p{M}]+/gu
/** Attributes only shown by a pointer or a screen reader, in our own HTML, whose values contain no quotes. */
const spoken = /\s(?:title|aria-label|abbr|summary)="([^"]*)"/g
const styles = /<style>[\s\S]*?<\/style>/g
const tag = /<[^>]*>/g

/** @param html Our own HTML, whose texts and values contain no brackets. @returns Empty when there are none. */
export function unseenWords({ html }: { html: string }): { words: string } {
  const body = html.replaceAll(styles, ' ')
  const seen = new Set(wordsOf(htmlText(html)))
  const inTags = [...body.matchAll(spoken)].map(([, words = '']) => words)
  // A tag may end a word or be inside it, so that a word seen as one may be split here.
  const pieces = wordsOf([htmlWords(body.replaceAll(tag, '<hr>'), maxCompared).text, ...inTags].join('\n'))
  const apart = new Set(pieces)
  const joined = wordsOf(htmlWords(body, maxCompared).text).filter(each => seen.has(each) && !apart.has(each))
  const whole = [...new Set(joined)].join('\n').slice(0, maxJoined)
  const unseen: string[] = []
  let length = 0
  for (const piece of pieces) {
    if (seen.has(piece) || whole.includes(piece)) continue
    unseen.push(piece)
    length += piece.length + 1
    if (length > maxTold) return { words: `${unseen.join(' ').slice(0, maxTold).toWellFormed()}…` }
  }
  return { words: unseen.join(' ') }
}

function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(word) ?? []
}
