/** Tells in a reply what was written now from what is quoted, and what is quoted from what only looks like it. */

export interface TextBlock {
  /** `altered`: marked as a quote, and the message that is answered has no such words. */
  kind: 'new' | 'quoted' | 'altered'
  lines: string[]
}

/** Longer texts are compared up to here; the rest counts as new, so that it is read. */
const mostLines = 5_000
const quoteMark = /^(?:>[ \t]?)+/

/**
 * @param answered The text of the message that is answered; null where there is none, or it is not known: then no quote can be checked, and
 * what is marked as one is said to be one.
 */
export function blocksOf(text: string, answered: string | null): TextBlock[] {
  const original = answered === null ? null : flat(answered)
  const originalLines = new Set((answered ?? '').split('\n').map(flat))
  const lines = text.replaceAll('\r\n', '\n').replace(/\n+$/, '').split('\n')
  const blocks: TextBlock[] = []
  for (const [index, line] of lines.entries()) {
    const kind = index < mostLines ? kindOf(line, original, originalLines) : 'new'
    const last = blocks.at(-1)
    // An empty line is of what it stands in.
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

/** Lines are broken in other places when they are quoted, and a quote of a quote has marks of its own. */
function flat(text: string): string {
  return text
    .split('\n')
    .map(line => line.replace(quoteMark, ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
