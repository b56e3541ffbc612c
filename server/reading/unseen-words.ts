/**
 * Finds words of a message that are invisible to viewers of its HTML but would be sent, so that a human who approves it
 * can be told.
 */
import { htmlText } from './html-text.ts'
import { htmlWords } from './html-words.ts'

/** Bounds: characters compared, characters of joined words, and characters of words returned. */
const [maxCompared, maxJoined, maxTold] = [2 * 1024 * 1024, 4_000, 2_000]
const word = /[\p{L}\p{N}\p{M}]+/gu
/** Attributes only shown by a pointer or a screen reader, in our own HTML, whose values contain no quotes. */
const spoken = /\s(?:title|aria-label|abbr|summary)="([^"]*)"/g
/** A picture whose alternative text is not shown. */
const picture = /<img(?=[^>]* src=")[^>]*>/g
const alternative = /\salt="([^"]*)"/
const styles = /<style>[\s\S]*?<\/style>/g
const tag = /<[^>]*>/g

/** Markup of Markdown that is no word of the message: entities and tag names. */
const marks =
  /&(?:nbsp|amp|lt|gt|quot|shy|zwnj|copy|hellip|[mn]dash);|<\/?(?:br|hr|[biusp]|em|strong|su[bp]|div|span|h\d)\b/gi
const targets = /\shref="([^"]*)"/g

/**
 * @param html Our own HTML, whose texts and values contain no brackets. @param text The text that is sent along with it:
 * programs without HTML show that, and of Markdown it has comments and whatever else is not shown. @returns Empty when
 * there are none.
 */
export function unseenWords({ html, text = '' }: { html: string; text?: string }): { words: string } {
  const body = html.replaceAll(styles, ' ')
  const shown = wordsOf(htmlText(html.replaceAll(picture, tag => tag.replace(alternative, ''))))
  const seen = new Set(shown)
  const ofPictures = [...body.matchAll(picture)].map(([tag]) => alternative.exec(tag)?.[1] ?? '')
  const inTags = [...[...body.matchAll(spoken)].map(([, words = '']) => words), ...ofPictures]
  // A tag may end a word or be inside it, so that a word seen as one may be split here.
  const pieces = wordsOf([htmlWords(body.replaceAll(tag, '<hr>'), maxCompared).text, ...inTags].join('\n'))
  const apart = new Set(pieces)
  const joined = wordsOf(htmlWords(body, maxCompared).text).filter(each => seen.has(each) && !apart.has(each))
  const whole = [...new Set(joined)].join('\n').slice(0, maxJoined)
  // A word is as often seen as it is shown: hidden words may all be elsewhere, too.
  const left = new Map<string, number>()
  for (const each of shown) left.set(each, (left.get(each) ?? 0) + 1)
  const isUnseen = (piece: string) => {
    const count = left.get(piece) ?? 0
    left.set(piece, count - 1)
    return count <= 0 && !whole.includes(piece)
  }
  // Listed already, or written out in the text after the words of a link.
  const known = new Set(wordsOf([...body.matchAll(targets)].map(([, target = '']) => target).join('\n')))
  for (const piece of pieces) known.add(piece)
  const inText = wordsOf(text.slice(0, maxCompared).replaceAll(marks, ' ')).filter(piece => !known.has(piece))
  const isElsewhere = (piece: string) => seen.has(piece) || whole.includes(piece)
  const told = [bounded(pieces.filter(isUnseen)), bounded(inText.filter(piece => !isElsewhere(piece)))]
  return { words: told.filter(words => words !== '').join('\n') }
}

function bounded(unseen: readonly string[]): string {
  const words = unseen.join(' ')
  return words.length > maxTold ? `${words.slice(0, maxTold).toWellFormed()}…` : words
}

function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(word) ?? []
}
