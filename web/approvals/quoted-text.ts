/** Separates new text in a reply from quoted text, and genuine quotes from altered ones. */

export interface TextBlock {
  /** `altered`: marked as a quote, but the answered message does not contain these words. */
  kind: 'new' | 'quoted' | 'altered'
  lines: string[]
}

/** Maximum lines compared; the rest counts as new, so that it gets read. */
const mostLines = 5_000
const quoteMark = /^(?:>[ \t]?)+/

/**
 * Splits a text into blocks.
 * @param answered The text of the answered message; null if there is none or it is unknown, in which case quotes cannot
 * be verified and are taken as marked.
 */
export function blocksOf(text: string, answered: string | null): TextBlock[] {
  const original = answered === null ? null : flat(answered)
  const originalLines = new Set((answered ?? '').split('\n').map(flat))
  const lines = text.replaceAll('\r\n', '\n').replace(/\n+$/, '').split('\n')
  const blocks: TextBlock[] = []
  for (const [index, line] of lines.entries()) {
    const kind = index < mostLines ? kindOf(line, original, originalLines) : 'new'
    const last = blocks.at(-1)
    // An empty line belongs to the block around it.
    if (last && (last.kind === kind || line.trim() === '')) last.lines.push(line)
    else blocks.push({ kind, lines: [line] })
  }
  return blocks
}

function kindOf(line: string, original: string | null, originalLines: ReadonlySet<string>): TextBlock['kind'] {
  if (!quoteMark.test(line)) return 'new'
  const words = flat(line.replace(quoteMark, ''))
  if (words === '' || original === null || originalLines.has(words) || original.includes(words)) return 'quoted'
  return 'altered'
}

/** Normalises text, because quoting rewraps lines and nested quotes have several markers. */
function flat(text: string): string {
  return text
    .split('\n')
    .map(line => line.replace(quoteMark, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
