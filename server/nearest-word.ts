/** Finds which word of a list was meant by a mistyped one. */

/** Words up to this length may differ by one mistake only; longer ones by two. */
const shortLength = 4

/** Returns the word that one or two mistakes turn into this one; undefined if there is none. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const most = word.length <= shortLength ? 1 : 2
  const ranked = known
    .filter(each => Math.abs(each.length - word.length) <= most)
    .map(each => ({ each, mistakes: mistakesBetween(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.mistakes - b.mistakes)
  const [first] = ranked
  return first && first.mistakes <= most ? first.each : undefined
}

/** Counts letters that are missing, added, replaced, or swapped with the next one (optimal string alignment). */
function mistakesBetween(word: string, other: string): number {
  let previous: number[] = []
  let current = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let row = 1; row <= word.length; row++) {
    const [before, above] = [previous, current]
    previous = above
    current = [row]
    for (let at = 1; at <= other.length; at++) {
      const isSame = word[row - 1] === other[at - 1]
      const isSwapped = row > 1 && at > 1 && word[row - 1] === other[at - 2] && word[row - 2] === other[at - 1]
      const kept = above[at - 1]! + Number(!isSame)
      const swapped = isSwapped ? before[at - 2]! + 1 : kept
      current.push(Math.min(kept, swapped, above[at]! + 1, current[at - 1]! + 1))
    }
  }
  return current[other.length]!
}
