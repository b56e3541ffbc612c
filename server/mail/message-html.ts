/** Renders the documents that the page's frame shows for a message. Content of strangers must be sanitised before. */

import type { MessageContent, PartInfo } from '../imap/mail-gateway.ts'
import type { CleanHtml, Piece } from '../reading/clean-html.ts'
import { escapeHtml } from '../reading/decode-body.ts'
import type { HtmlCleaner } from '../reading/html-cleaner.ts'
import type { NoOutcome, Requester } from '../reading/job-cache.ts'
import type { BodyItem } from '../reading/read-text.ts'
import type { ReadyHtml } from './embed-pictures.ts'

/** Defaults that the sender's styles override. A missing picture takes the size of its alternative text. */
const plainStyle =
  'html{color-scheme:light;background:#fff;color:#1b1f24;font:14px/1.5 system-ui,sans-serif}' +
  'body{margin:min(16px,4vw);overflow-wrap:break-word}*{box-sizing:border-box}pre{white-space:pre-wrap;unicode-bidi:plaintext;font:inherit;margin:0}' +
  'hr{max-width:100%}img{max-width:100%;height:auto}tr[data-narrow]{overflow-wrap:anywhere}' +
  '.note{margin:0 0 16px;padding:12px;border:1px solid #d0d5db;border-radius:6px;background:#f5f6f8}'

/** Overrides the sender's styles: important declarations in a layer win. See `fit-css.ts`. */
const fittingStyle =
  '@layer fit{*{min-width:0!important;flex-shrink:1!important}html,body{width:auto!important;height:auto!important}' +
  'img:not([src]),img[src="data:,"]{width:auto!important;height:auto!important;background:#eef0f3!important}' +
  'blockquote blockquote blockquote{margin-left:0!important;margin-right:0!important;padding-left:6px!important;padding-right:0!important}}'

export function renderMessageHtml({ style, bodyAttributes, body }: ReadyHtml): string {
  return frameOf(
    `<style>${fittingStyle}</style><style>${style}</style>`,
    `<body${directed(bodyAttributes)}>${body}</body>`,
  )
}

/** Adds the direction of the text, since Hebrew and Arabic start on the right, unless the sender states one. */
function directed(attributes: string): string {
  return attributes.includes(' dir=') ? attributes : `${attributes} dir="auto"`
}

/** @param why Why its HTML cannot be shown; undefined when the message has none. */
export function renderMessageText(text: string | null, why?: NoOutcome): string {
  const note = why === undefined ? '' : `<p class="note">${notes[why]}${text ? ' This is its text.' : ''}</p>`
  return frameOf('', `<body>${note}<pre dir="auto">${escapeHtml(text ?? '')}</pre></body>`)
}

const notes: Readonly<Record<NoOutcome, string>> = {
  gave_up: 'The HTML of this message is too large or too deeply nested to be shown safely.',
  busy: 'RustyMail is busy with other messages. Open this one again in a moment to see its HTML.',
}

function frameOf(head: string, body: string): string {
  return (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">' +
    `<meta name="viewport" content="width=device-width"><style>${plainStyle}</style>${head}</head>${body}</html>`
  )
}

interface MessageDocument {
  html: CleanHtml
  /** Pictures with the names that the document uses for them. */
  pictures: PartInfo[]
}

/**
 * Builds the document of a message: sanitises each HTML part separately, with texts and pictures in between.
 * @returns Why there is none, when the HTML cannot be shown.
 */
export async function documentOf(
  cleaner: Pick<HtmlCleaner, 'clean'>,
  { html, htmlBody, attachments }: Pick<MessageContent, 'html' | 'htmlBody' | 'attachments'>,
  remote: boolean,
  requester: Requester,
): Promise<MessageDocument | NoOutcome> {
  const items: readonly BodyItem[] = htmlBody ?? [{ kind: 'html', content: html ?? '' }]
  const [first] = items
  if (items.length === 1 && first?.kind === 'html') {
    const clean = await cleaner.clean(first.content, remote, requester)
    return typeof clean === 'string' ? clean : { html: clean, pictures: attachments }
  }
  const whole: CleanHtml = { style: [], bodyAttributes: [], body: [] }
  for (const item of items) {
    const pieces = item.kind === 'html' ? await cleanPieces(cleaner, item.content, remote, requester) : piecesOf(item)
    if (typeof pieces === 'string') return pieces
    whole.style.push(...pieces.style)
    whole.body.push(...pieces.body)
  }
  // A message cannot know these names of its own pictures, and can reference no others.
  return {
    html: whole,
    pictures: [...attachments, ...attachments.map(part => ({ ...part, content_id: nameOf(part.id) }))],
  }
}

type Pieces = Pick<CleanHtml, 'style' | 'body'>

async function cleanPieces(
  cleaner: Pick<HtmlCleaner, 'clean'>,
  source: string,
  remote: boolean,
  requester: Requester,
): Promise<Pieces | NoOutcome> {
  const clean = await cleaner.clean(source, remote, requester)
  if (typeof clean === 'string') return clean
  return {
    style: clean.style,
    body: ['<div dir="auto"><div', ...clean.bodyAttributes, '>', ...clean.body, '</div></div>'],
  }
}

function piecesOf(item: Exclude<BodyItem, { kind: 'html' }>): Pieces {
  const body: Piece[] =
    item.kind === 'picture'
      ? ['<p><img alt="" src="', { contentId: nameOf(item.id) }, '"></p>']
      : [`<pre dir="auto">${escapeHtml(item.content)}</pre>`]
  return { style: [], body }
}

function nameOf(partId: string): string {
  return `part:${partId}`
}
