/** Makes the document of a message for the page's frame: each HTML of it cleaned by itself, texts and pictures where they stand between. */

import type { MessageContent, PartInfo } from '../imap/mail-gateway.ts'
import type { CleanHtml, Piece } from '../reading/clean-html.ts'
import { escapeHtml } from '../reading/decode-body.ts'
import type { HtmlCleaner } from '../reading/html-cleaner.ts'
import type { Asker, NoOutcome } from '../reading/job-cache.ts'
import type { BodyItem } from '../reading/read-text.ts'

export interface MessageDocument {
  html: CleanHtml
  /** With a name each by which the document knows them. */
  pictures: PartInfo[]
}

/** Why there is none, where the HTML cannot be shown. */
export async function documentOf(
  cleaner: Pick<HtmlCleaner, 'clean'>,
  { html, htmlBody, attachments }: Pick<MessageContent, 'html' | 'htmlBody' | 'attachments'>,
  remote: boolean,
  asker: Asker,
): Promise<MessageDocument | NoOutcome> {
  const items: readonly BodyItem[] = htmlBody ?? [{ kind: 'html', content: html ?? '' }]
  const [first] = items
  if (items.length === 1 && first?.kind === 'html') {
    const clean = await cleaner.clean(first.content, remote, asker)
    return typeof clean === 'string' ? clean : { html: clean, pictures: attachments }
  }
  const whole: CleanHtml = { style: [], bodyAttributes: [], body: [] }
  for (const item of items) {
    const pieces = item.kind === 'html' ? await cleanPieces(cleaner, item.content, remote, asker) : piecesOf(item)
    if (typeof pieces === 'string') return pieces
    whole.style.push(...pieces.style)
    whole.body.push(...pieces.body)
  }
  // A message cannot know how its own pictures are named here, and may name none but those.
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
  asker: Asker,
): Promise<Pieces | NoOutcome> {
  const clean = await cleaner.clean(source, remote, asker)
  if (typeof clean === 'string') return clean
  return { style: clean.style, body: ['<div', ...clean.bodyAttributes, '>', ...clean.body, '</div>'] }
}

function piecesOf(item: Exclude<BodyItem, { kind: 'html' }>): Pieces {
  const body: Piece[] =
    item.kind === 'picture'
      ? ['<p><img alt="" src="', { contentId: nameOf(item.id) }, '"></p>']
      : [`<pre>${escapeHtml(item.content)}</pre>`]
  return { style: [], body }
}

function nameOf(partId: string): string {
  return `part:${partId}`
}
