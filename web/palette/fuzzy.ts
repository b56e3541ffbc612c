/** Fuzzy search by letters in order: `ovw` finds Overview. */

export interface Found<Item> {
  item: Item
  score: number
}

/** Scores: a letter that starts a word counts most, then one that follows the previous match. */
const points = { wordStart: 8, next: 5, any: 1, gap: 0.2 } as const
const maxQuery = 60
/** Maximum characters of a name that are searched. */
const maxText = 200

/**
 * Returns the best matches first, ties in the given order; all items for an empty query. @param most Maximum results.
 */
export function findFuzzy<Item>(query: string, items: readonly Item[], textOf: (item: Item) => string, most: number) {
  const words = fold(query).slice(0, maxQuery).split(/\s+/).filter(Boolean)
  return items
    .map(item => ({ item, score: scoreOf(words, fold(textOf(item)).slice(0, maxText)) }))
    .filter((found): found is Found<Item> => found.score !== undefined)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ item }) => item)
}

/** Returns the score; undefined unless every word matches. */
function scoreOf(words: readonly string[], text: string): number | undefined {
  let sum = 0
  for (const word of words) {
    const score = scoreOfWord(word, text)
    if (score === undefined) return undefined
    sum += score
  }
  return sum
}

/** Tries each occurrence of the first letter, and from there matches each letter at its next occurrence. */
function scoreOfWord(word: string, text: string): number | undefined {
  let best: number | undefined
  for (let start = text.indexOf(word[0]!); start >= 0; start = text.indexOf(word[0]!, start + 1)) {
    const score = scoreFrom(start, word, text)
    if (score !== undefined && (best === undefined || score > best)) best = score
  }
  return best
}

function scoreFrom(start: number, word: string, text: string): number | undefined {
  let score = 0
  let before = start - 1
  for (const letter of word) {
    const at = text.indexOf(letter, before + 1)
    if (at < 0) return undefined
    const isStart = at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1]!)
    score += isStart ? points.wordStart : at === before + 1 ? points.next : points.any
    score -= points.gap * (at - before - 1)
    before = at
  }
  return score
}

/** Removes accents and case. */
function fold(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}
