/**
 * Builds the bodies of a message: the text, the signature below it, and the quotation below that; as text, and as HTML
 * unless the draft is plain text.
 */
import type { DraftBody } from '../../contract/draft.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { withoutNames } from '../reading/html-names.ts'
import type { Requester } from '../reading/job-cache.ts'
import type { OutgoingBodies } from '../reading/outgoing-bodies.ts'
import type { DraftContent, Quote } from './draft-tables.ts'

/** The signature separator (RFC 3676, section 4.3). */
const signatureMark = '-- '
/** Attempts while all text workers are busy. */
const mostTries = 3

interface Written {
  text: string
  /** Null for plain text. */
  html: string | null
  style: string
  bodyAttributes: string
}

export interface MessageBodies {
  text: string
  html: string | null
}

/** @throws Problem when the HTML could not be processed in time. */
export async function writeBodies(
  bodies: Pick<OutgoingBodies, 'write'>,
  { body, includeSignature, signature, includeQuote }: DraftContent,
  quote: Quote | null,
  requester: Requester,
): Promise<MessageBodies> {
  const own = await writeOne(bodies, body, requester)
  const sign = includeSignature && signature && signature.content.trim() !== '' ? signature : null
  const signed = sign && (await writeOne(bodies, sign, requester))
  const quoted = includeQuote ? quote : null
  return { text: textOf(own, signed, quoted), html: own.html === null ? null : htmlOf(own, signed, quoted) }
}

async function writeOne(
  bodies: Pick<OutgoingBodies, 'write'>,
  { format, content }: DraftBody,
  requester: Requester,
): Promise<Written> {
  if (format === 'text') return { text: content, html: null, style: '', bodyAttributes: '' }
  let written = await bodies.write({ format, content }, requester)
  for (let tries = 1; written === 'busy' && tries < mostTries; tries++) {
    written = await bodies.write({ format, content }, requester)
  }
  if (written === 'busy') {
    throw new Problem('overloaded', 'Too many messages are being written; try again in a moment.', {
      retryAfterSeconds: 5,
    })
  }
  if (written === 'gave_up') {
    throw badInput('body.body.content', 'takes too long to process; simplify it, or send it as text')
  }
  return written
}

function textOf(own: Written, signed: Written | null, quote: Quote | null): string {
  const parts = [own.text.trimEnd()]
  if (signed) parts.push(`${signatureMark}\n${signed.text.trim()}`)
  if (quote) parts.push(quotedText(quote))
  return `${parts.join('\n\n').replace(/^\n+/, '')}\n`
}

function quotedText({ kind, lines, text }: Quote): string {
  const head = lines.join('\n')
  if (kind === 'forward') return `${head}\n\n${text.trim()}`
  const marked = text
    .trim()
    .split(/\r\n?|\n/)
    // RFC 3676, section 4.5: a space only before lines that are not quoted yet.
    .map(line => (line === '' || line.startsWith('>') ? `>${line}` : `> ${line}`))
  return `${head}\n${marked.join('\n')}`
}

function htmlOf(own: Written, signed: Written | null, quote: Quote | null): string {
  const style = own.style === '' ? '' : `<style>\n${own.style}\n</style>\n`
  const parts = [directed(own)]
  if (signed) {
    const content = signed.html === null ? asHtml(signed.text) : withoutNames(signed.html)
    parts.push(`<div dir="auto">${signatureMark}<br>\n${content}</div>`)
  }
  if (quote) parts.push(quotedHtml(quote))
  const body = parts.join('\n')
  return `<!doctype html>\n<html><head><meta charset="utf-8">\n${style}</head><body${own.bodyAttributes}>\n${body}\n</body></html>\n`
}

/** Text in Hebrew or Arabic starts on the right, unless the author states a direction. */
function directed({ html, bodyAttributes }: Written): string {
  return bodyAttributes.includes(' dir=') ? (html ?? '') : `<div dir="auto">${html ?? ''}</div>`
}

function quotedHtml({ kind, lines, text, html }: Quote): string {
  // Its style sheet is not sent.
  const content = html === null ? asHtml(text) : withoutNames(html)
  const head = `<div>${lines.map(escapeHtml).join('<br>\n')}</div>`
  if (kind === 'forward') return `<br>\n${head}<br>\n<div>${content}</div>`
  return `<br>\n${head}\n<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">\n${content}\n</blockquote>`
}

function asHtml(text: string): string {
  return `<div dir="auto" style="white-space:pre-wrap">${escapeHtml(text.trim())}</div>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\0', '')
}
