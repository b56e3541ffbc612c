/**
 * Extracts the words of an HTML mail for a search index: only strips tags, so hidden words are included. Takes linear
 * time, whatever the HTML contains; html-text.ts reads what a person would see.
 */
import { plainText } from './parse-html.ts'

export interface HtmlWords {
  text: string
  /** True when it links to the web. */
  hasLink: boolean
  isCut: boolean
}

const set = (list: string) => new Set(list.split(' '))
const breaking = set(
  'address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 ' +
    'h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre section select summary table tbody td ' +
    'textarea tfoot th thead tr ul',
)
/** Elements whose content is neither words nor tags. */
const silent = set('script style title iframe noembed noframes xmp')
const web = /\bhref\s*=\s*["']?\s*https?:/i
const alternative = /\salt\s*=\s*(?:"([^"]{1,200})|'([^']{1,200}))/i
const [doubleQuote, singleQuote, equals, greater, slash, exclamation, question] = [
  0x22, 0x27, 0x3d, 0x3e, 0x2f, 0x21, 0x3f,
]

/** @param most Maximum number of characters returned. */
export function htmlWords(html: string, most: number): HtmlWords {
  const pieces: string[] = []
  let [length, hasLink] = [0, false]
  const add = (piece: string) => {
    pieces.push(piece)
    length += piece.length
  }
  let at = 0
  while (at < html.length && length < most) {
    const open = html.indexOf('<', at)
    const end = open === -1 ? html.length : open
    // An entity split by the cut is read as text.
    if (end > at) add(plainText(html.slice(at, Math.min(end, at + most + 1))))
    at = end
    if (open === -1) break
    const tag = readTag(html, open)
    if (tag.name === undefined) {
      if (tag.isText) add('<')
    } else {
      if (breaking.has(tag.name)) add('\n')
      if (tag.name === 'a' || tag.name === 'area')
        hasLink ||= web.test(html.slice(open, Math.min(tag.end, open + 2000)))
      else if (tag.name === 'img') add(alternativeOf(html.slice(open, Math.min(tag.end, open + 2000))))
    }
    at = tag.name !== undefined && !tag.isEnd && silent.has(tag.name) ? endOfSilent(html, tag.end, tag.name) : tag.end
  }
  const text = pieces.join('')
  return { text: text.slice(0, most), hasLink, isCut: at < html.length || text.length > most }
}

interface Tag {
  /** Lower-case tag name; undefined when it is no element. */
  name: string | undefined
  isEnd: boolean
  /** True for a literal `<`. */
  isText: boolean
  end: number
}

function readTag(html: string, open: number): Tag {
  const code = html.charCodeAt(open + 1)
  const isEnd = code === slash
  const begin = isEnd ? open + 2 : open + 1
  if (isLetter(html.charCodeAt(begin))) {
    const nameEnd = endOfName(html, begin)
    return {
      name: html.slice(begin, Math.min(nameEnd, begin + 20)).toLowerCase(),
      isEnd,
      isText: false,
      end: endOfTag(html, nameEnd),
    }
  }
  const none = { name: undefined, isEnd, isText: false }
  if (html.startsWith('<!--', open)) return { ...none, end: endOfComment(html, open + 4) }
  // Browsers treat these as comments.
  if (code === exclamation || code === question || isEnd) return { ...none, end: after(html, '>', open + 2) }
  return { ...none, isText: true, end: open + 1 }
}

const isLetter = (code: number) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
const isBlank = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d)

function endOfName(html: string, begin: number): number {
  let at = begin
  while (at < html.length) {
    const code = html.charCodeAt(at)
    if (isBlank(code) || code === slash || code === greater) break
    at++
  }
  return at
}

/** Returns the offset after the closing `>`, which may also occur in a quoted value. */
function endOfTag(html: string, from: number): number {
  let isValue = false
  for (let at = from; at < html.length; at++) {
    const code = html.charCodeAt(at)
    if (code === greater) return at + 1
    if (code === equals) isValue = true
    else if (isValue && (code === doubleQuote || code === singleQuote)) {
      const close = html.indexOf(code === doubleQuote ? '"' : "'", at + 1)
      if (close === -1) return html.length
      at = close
      isValue = false
    } else if (!isBlank(code)) isValue = false
  }
  return html.length
}

function endOfComment(html: string, from: number): number {
  if (html[from] === '>') return from + 1
  if (html.startsWith('->', from)) return from + 2
  return after(html, '-->', from)
}

function endOfSilent(html: string, from: number, name: string): number {
  const close = new RegExp(`</${name}`, 'gi')
  close.lastIndex = from
  return close.exec(html)?.index ?? html.length
}

function after(html: string, what: string, from: number): number {
  const at = html.indexOf(what, from)
  return at === -1 ? html.length : at + what.length
}

function alternativeOf(tag: string): string {
  const [, double, single] = alternative.exec(tag) ?? []
  const words = double ?? single
  return words === undefined ? '' : ` ${plainText(words)} `
}
