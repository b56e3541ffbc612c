/** Puts the lines of a paragraph together again that its writer's program broke (RFC 3676, `format=flowed`). */

interface Line {
  /** Marks of quotation. */
  depth: number
  words: string
}

/** @param deletesSpace `delsp=yes`: the blank at the end of a line is not part of the text. */
export function unflow(text: string, deletesSpace: boolean): string {
  const out: string[] = []
  let open: { depth: number; lines: string[] } | undefined
  const close = () => {
    if (open) out.push(written(open.depth, open.lines.join('')))
    open = undefined
  }
  for (const source of text.split(/\r?\n/)) {
    const { depth, words } = readLine(source)
    const isSignature = words === '-- '
    // A paragraph goes on in the depth in which it stands; a signature never does.
    if (open && (open.depth !== depth || isSignature)) close()
    const goesOn = !isSignature && words.endsWith(' ')
    open ??= { depth, lines: [] }
    open.lines.push(goesOn && deletesSpace ? words.slice(0, -1) : words)
    if (!goesOn) close()
  }
  close()
  return out.join('\n')
}

function readLine(source: string): Line {
  let depth = 0
  while (source[depth] === '>') depth++
  const words = source.slice(depth)
  // One blank was put before what might be taken for something else.
  return { depth, words: words.startsWith(' ') ? words.slice(1) : words }
}

function written(depth: number, words: string): string {
  if (depth === 0) return words
  return `${'>'.repeat(depth)} ${words}`.trimEnd()
}
