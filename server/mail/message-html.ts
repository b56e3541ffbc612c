/** The documents that the page's frame shows for a message. What a stranger wrote is clean before it comes here. */

import { escapeHtml } from '../reading/decode-body.ts'
import type { NoOutcome } from '../reading/job-cache.ts'
import type { ReadyHtml } from './embed-pictures.ts'

/** Weaker than what the sender says. A picture that is not shown takes the room of its words, not its own. */
const plainStyle =
  'html{color-scheme:light;background:#fff;color:#1b1f24;font:14px/1.5 system-ui,sans-serif}' +
  'body{margin:min(16px,4vw);overflow-wrap:break-word}*{box-sizing:border-box}pre{white-space:pre-wrap;font:inherit;margin:0}' +
  'hr{max-width:100%}img{max-width:100%;height:auto}tr[data-narrow]{overflow-wrap:anywhere}' +
  '.note{margin:0 0 16px;padding:12px;border:1px solid #d0d5db;border-radius:6px;background:#f5f6f8}'

/** Stronger than what the sender says: important declarations in a layer beat those outside of it. See `fit-css.ts`. */
const fittingStyle =
  '@layer fit{*{min-width:0!important;flex-shrink:1!important}html,body{width:auto!important;height:auto!important}' +
  'img:not([src]),img[src="data:,"]{width:auto!important;height:auto!important;background:#eef0f3!important}' +
  'blockquote blockquote blockquote{margin-left:0!important;margin-right:0!important;padding-left:6px!important;padding-right:0!important}}'

export function renderMessageHtml({ style, bodyAttributes, body }: ReadyHtml): string {
  return documentOf(`<style>${fittingStyle}</style><style>${style}</style>`, `<body${bodyAttributes}>${body}</body>`)
}

/** @param why There is no HTML of it that can be shown; undefined when the message has none. */
export function renderMessageText(text: string | null, why?: NoOutcome): string {
  const note = why === undefined ? '' : `<p class="note">${notes[why]}${text ? ' This is its text.' : ''}</p>`
  return documentOf('', `<body>${note}<pre>${escapeHtml(text ?? '')}</pre></body>`)
}

const notes: Readonly<Record<NoOutcome, string>> = {
  gave_up: 'The HTML of this message is too large or too deeply nested to be shown safely.',
  busy: 'RustyMail is busy with other messages. Open this one again in a moment to see its HTML.',
}

function documentOf(head: string, body: string): string {
  return (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">' +
    `<meta name="viewport" content="width=device-width"><style>${plainStyle}</style>${head}</head>${body}</html>`
  )
}
