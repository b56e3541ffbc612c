/** Words of HTML that nobody who looks at it is shown. They leave with it all the same: who is asked about it has to know of them. */
import { htmlText } from './html-text.ts'
import { htmlWords } from './html-words.ts'

/** Characters of words that are compared, of those that tags stand in, and of words that are told. */
const [maxCompared, maxJoined, maxTold] = [2 * 1024 * 1024, 4_000, 2_000]
const word = /[\p{L}\p{N}\p{M}]+/gu
/** Told by a pointer that rests on it, by a screen reader, or by nothing. In HTML that we wrote ourselves: no quote is left in a value. */
const spoken = /\s(?:title|aria-label|abbr|summary)="([^"]*)"/g
const styles = /<style>[\s\S]*?<\/style>/g
const tag = /<[^>]*>/g

/** @param html As we write it: no bracket is left in a text or value. @returns Empty where there are none. */
export function unseenWords({ html }: { html: string }): { words: string } {
  const body = html.replaceAll(styles, ' ')
  const seen = new Set(wordsOf(htmlText(html)))
  const inTags = [...body.matchAll(spoken)].map(([, words = '']) => words)
  // A tag may end a word, or stand in it: what was seen as one word is seen in pieces too.
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
