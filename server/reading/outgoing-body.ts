/** Writes the bodies of a message from Markdown or HTML: HTML that is cleaned, and the text of it. Work for the thread of a `TextWorker`. */
import { Marked } from 'marked'
import { type CleanHtml, cleanOutgoing } from './clean-html.ts'
import { htmlText } from './html-text.ts'

export interface BodyToWrite {
  format: 'markdown' | 'html'
  content: string
}

export interface WrittenBody {
  /** Style sheets of the writer. */
  style: string
  /** With a blank before each. */
  bodyAttributes: string
  html: string
  /** For programs that show text alone. */
  text: string
}

/** Line ends count, as people take them for granted in a message. */
const markdown = new Marked({ async: false, gfm: true, breaks: true })
/** In HTML that we wrote ourselves: of an attribute no quote and no bracket is left. */
const link = /<a(?: [a-z-]+="[^"]*")*? href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g

/** @throws Error for what no message needs. */
export function writeBody({ format, content }: BodyToWrite): WrittenBody {
  const source = format === 'markdown' ? markdown.parse(content, { async: false }) : content
  const { style, bodyAttributes, body } = cleanOutgoing(source)
  const html = textOf(body)
  return {
    style: textOf(style),
    bodyAttributes: textOf(bodyAttributes),
    html,
    text: format === 'markdown' ? content : htmlText(html.replaceAll(link, withTarget)).trim(),
  }
}

/** Who reads the text alone can follow it too. */
function withTarget(all: string, href: string, words: string): string {
  const target = href.replace(/^mailto:/, '')
  return words.includes(target) || /<img/.test(words) ? all : `${words} &lt;${target}&gt;`
}

function textOf(pieces: CleanHtml['body']): string {
  return pieces.map(piece => (typeof piece === 'string' ? piece : '')).join('')
}
