/** The marks by which mail programs say in HTML that from here on it is the earlier message. */
import { attributeOf, type HtmlElement } from './parse-html.ts'
import type { Style } from './style-rules.ts'

/**
 * How far the earlier message goes: it is the element itself, or from there on all that its parent or the parent of that has.
 * `blockquote` is not among them; Gmail and Thunderbird put what they quote into one.
 */
export function startsOriginal(element: HtmlElement, style: Style): 'no' | 'itself' | 'parent' | 'grandparent' {
  if (element.tagName !== 'div') return 'no'
  const id = attributeOf(element, 'id')?.slice(0, 100) ?? ''
  const classes = attributeOf(element, 'class')?.slice(0, 200) ?? ''
  // Outlook on the web and on phones, with a line before what it quotes.
  if (/^(?:x_)*divRplyFwdMsg$/.test(id)) return 'parent'
  if (/^(?:x_)*mail-editor-reference-message-container$/.test(id)) return 'itself'
  if (/\byahoo_quoted\b/.test(classes) || /^yahoo_quoted/.test(id)) return 'itself'
  // Outlook for Windows: a line above, or at the left of, what it quotes.
  if (/^solid #(?:e1e1e1|b5c4df)/.test(style.get('border-top') ?? '')) return 'grandparent'
  if (/^solid blue 1\.5pt/.test(style.get('border-left') ?? '')) return 'itself'
  return 'no'
}
