/** Finds web and mail addresses in plain text. */

export interface TextPiece {
  text: string
  /** Link target; undefined for plain text. */
  href?: string
}

/**
 * No other scheme is linked. Each alternative starts with something that cannot occur inside a word, so matching is
 * linear.
 */
const address = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]{1,2000}|\bmailto:[^\s<>"'`\p{Cc}\p{Cf}]{1,300}/giu
/** Maximum links per text; more would only slow down the page. */
const mostLinks = 1_000

export function splitLinks(text: string): TextPiece[] {
  const pieces: TextPiece[] = []
  let end = 0
  for (const found of text.matchAll(address)) {
    if (pieces.length >= mostLinks * 2) break
    const shown = withoutEnd(found[0])
    const href = URL.canParse(shown) ? new URL(shown).href : undefined
    if (href === undefined) continue
    if (found.index > end) pieces.push({ text: text.slice(end, found.index) })
    pieces.push({ text: shown, href })
    end = found.index + shown.length
  }
  if (end < text.length) pieces.push({ text: text.slice(end) })
  return pieces
}

/** Strips the punctuation of the surrounding sentence, and a closing bracket that was opened before the address. */
function withoutEnd(found: string): string {
  let shown = found
  for (;;) {
    const last = shown.at(-1)
    if (last === undefined || !/[.,;:!?)\]}*_|]/.test(last)) return shown
    if (last === ')' && count(shown, '(') >= count(shown, ')')) return shown
    shown = shown.slice(0, -1)
  }
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1
}
