/** Renders message bodies from Markdown or HTML: sanitised HTML and its text. Runs on a thread of `TextWorker`. */
import { Marked } from 'marked'
import { type CleanHtml, cleanOutgoing } from './clean-html.ts'
import { htmlText } from './html-text.ts'
import { steadyStyle } from './outgoing-style.ts'

export interface BodyToWrite {
  format: 'markdown' | 'html'
  content: string
}

export interface WrittenBody {
  /** The author's style sheets. */
  style: string
  /** Attributes of the body, each preceded by a blank. */
  bodyAttributes: string
  html: string
  /** The plain text alternative. */
  text: string
}

/** Line breaks are kept, as people expect in a message. */
const markdown = new Marked({ async: false, gfm: true, breaks: true })
/** Matches links in our own HTML, in which attribute values contain no quotes or brackets. */
const link = /<a(?: [a-z-]+="[^"]*")*? href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g

/** Markdown that is not shown, or not as it is written. */
const unshown = new Set(['html', 'def', 'image'])

/** @throws Error for a document above limits that no message needs. */
export function writeBody({ format, content }: BodyToWrite): WrittenBody {
  const source = format === 'markdown' ? markdown.parse(content, { async: false }) : content
  const { style: given, bodyAttributes, body } = cleanOutgoing(source)
  const whole = steadyStyle(`<body${textOf(bodyAttributes)}>${textOf(body)}`, textOf(given))
  // Values contain no brackets.
  const end = whole.html.indexOf('>')
  const html = whole.html.slice(end + 1)
  return {
    style: whole.style,
    bodyAttributes: whole.html.slice('<body'.length, end),
    html,
    text: format === 'markdown' && isShown(content) ? content : htmlText(html.replaceAll(link, withTarget)).trim(),
  }
}

/** Whether Markdown shows all that it says: then it is its own text. Comments, titles and pictures are not shown. */
function isShown(content: string): boolean {
  let isAll = true
  markdown.walkTokens(markdown.lexer(content), token => {
    const hasTitle = token.type === 'link' && 'title' in token && Boolean(token.title)
    const hasInfo = token.type === 'code' && 'lang' in token && !/^[a-z\d+#-]{0,12}$/i.test(String(token.lang ?? ''))
    if (unshown.has(token.type) || hasTitle || hasInfo) isAll = false
  })
  return isAll
}

/** Appends the target to a link's words, so that readers of the plain text can follow it. */
function withTarget(all: string, href: string, words: string): string {
  const target = href.replace(/^mailto:/, '')
  return words.includes(target) || /<img/.test(words) ? all : `${words} &lt;${target}&gt;`
}

function textOf(pieces: CleanHtml['body']): string {
  return pieces.map(piece => (typeof piece === 'string' ? piece : '')).join('')
}
