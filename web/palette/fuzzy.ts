/** Finds what somebody means by a few letters of it, in order: `ovw` finds Overview. */

export interface Found<Item> {
  item: Item
  score: number
}

/** A letter that begins a word says most, one that follows the one before says much. */
const points = { wordStart: 8, next: 5, any: 1, gap: 0.2 } as const
const maxQuery = 60
/** Behind it, a name is not looked at. */
const maxText = 200

/** The best first; among equals, in the order given. All of them for an empty query. @param most How many are answered. */
export function findFuzzy<Item>(query: string, items: readonly Item[], textOf: (item: Item) => string, most: number) {
  const words = fold(query).slice(0, maxQuery).split(/\s+/).filter(Boolean)
  return items
    .map(item => ({ item, score: scoreOf(words, fold(textOf(item)).slice(0, maxText)) }))
    .filter((found): found is Found<Item> => found.score !== undefined)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ item }) => item)
}

/** Undefined unless every word is in the text. */
function scoreOf(words: readonly string[], text: string): number | undefined {
  let sum = 0
  for (const word of words) {
    const score = scoreOfWord(word, text)
    if (score === undefined) return undefined
    sum += score
  }
  return sum
}

/** Of all places at which the first letter stands, the best; from there on each letter is looked for where it comes next. */
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

/** Without accents and case. */
function fold(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
}
