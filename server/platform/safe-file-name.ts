/**
 * Sanitizes untrusted file names for all systems: no paths, no device names, no invisible or bidirectional characters.
 */

const maxLength = 150
const maxEnding = 20
/** Device names on Windows, with any extension. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i

/** @param fallback Used if nothing is left of the name. */
export function safeFileName(name: string, fallback = 'file'): string {
  const plain = name.slice(0, 1_000).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\:*?"<>|]+/gu, '_')
  // Some systems drop trailing blanks and dots; a leading dot hides the file, and `..` is the parent folder.
  const bare = withoutEnds(plain).replace(device, '_$&')
  return bare === '' ? fallback : cutName(bare)
}

/**
 * Sanitizes names so that they are distinct, compared case-insensitively, since `A.txt` and `a.txt` are one file on
 * many systems.
 */
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

/** Truncates a name, keeping its extension; the result is well-formed even if a surrogate pair is split. */
function cutName(name: string): string {
  if (name.length <= maxLength) return name.toWellFormed()
  const [base, ending] = splitName(name)
  return withoutEnds(base.slice(0, maxLength - ending.length)).toWellFormed() + ending.toWellFormed()
}

function splitName(name: string): [base: string, ending: string] {
  const dot = name.lastIndexOf('.')
  return dot <= 0 || name.length - dot > maxEnding ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
}
