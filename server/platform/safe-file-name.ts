/** The name of a file as a stranger chose it, made into one that every system takes: no path, no device, nothing that hides or turns round letters. */

const maxLength = 150
const maxEnding = 20
/** Names of devices on Windows, whatever their ending. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i

/** @param fallback For a name of which nothing is left. */
export function safeFileName(name: string, fallback = 'file'): string {
  const plain = name.slice(0, 1_000).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\:*?"<>|]+/gu, '_')
  // Blanks and dots at the ends are dropped by some systems; at the beginning a dot hides the file, and `..` is another folder.
  const bare = withoutEnds(plain).replace(device, '_$&')
  return bare === '' ? fallback : cutName(bare)
}

/** The same, but other than those before it: many systems take `A.txt` and `a.txt` for one file. */
export class DistinctFileNames {
  readonly #taken = new Set<string>()

  add(name: string, fallback?: string): string {
    const safe = safeFileName(name, fallback)
    const [base, ending] = splitName(safe)
    let distinct = safe
    for (let count = 2; this.#taken.has(keyOf(distinct)); count++) distinct = `${base} (${count})${ending}`
    this.#taken.add(keyOf(distinct))
    return distinct
  }
}

function keyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

function withoutEnds(name: string): string {
  let [begin, end] = [0, name.length]
  while (begin < end && isEdge(name[begin]!)) begin++
  while (end > begin && isEdge(name[end - 1]!)) end--
  return name.slice(begin, end)
}

function isEdge(letter: string): boolean {
  return letter === '.' || /\s/.test(letter)
}

/** The ending says what it is, so it stays. Well-formed after the cut, which may fall between the halves of a character. */
function cutName(name: string): string {
  if (name.length <= maxLength) return name.toWellFormed()
  const [base, ending] = splitName(name)
  return withoutEnds(base.slice(0, maxLength - ending.length)).toWellFormed() + ending.toWellFormed()
}

function splitName(name: string): [base: string, ending: string] {
  const dot = name.lastIndexOf('.')
  return dot <= 0 || name.length - dot > maxEnding ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
}
