/** The document that the page's frame shows for a message. What keeps it harmless is the answer's Content-Security-Policy. */

/** Taken before the stranger's own: of two attributes of one name the first counts (HTML, section 13.2.5.33). */
const linkAttributes = 'target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"'

const style =
  'html{color-scheme:light;background:#fff;color:#1b1f24;font:14px/1.5 system-ui,sans-serif}' +
  'body{margin:16px;overflow-wrap:anywhere}img{max-width:100%;height:auto}pre{white-space:pre-wrap;font:inherit;margin:0}'

/** @param message The stranger's parts; without HTML the text is shown. */
export function renderMessageHtml({ html, text }: { html: string | null; text: string | null }): string {
  const body = html === null ? `<pre>${escapeHtml(text ?? '')}</pre>` : withSafeLinks(html)
  return (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">' +
    '<meta name="viewport" content="width=device-width"><base target="_blank">' +
    `<style>${style}</style></head><body>${body}</body></html>`
  )
}

function withSafeLinks(html: string): string {
  return html.replaceAll(/<(a|area|form)(?=[\s/>])/gi, `<$1 ${linkAttributes}`)
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
