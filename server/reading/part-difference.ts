/** Detects text parts that say what the HTML part does not show: one of the two was not written for the reader. */

/** Missing words, consecutive or in total, from which on the text counts as different. */
const leastInARow = 3
const leastInAll = 8
/** Characters of the text that are compared, and twice as many of the HTML; readers of long mail see the HTML. */
const maxCompared = 128 * 1024
/** A missing number of this many digits, or an address, is enough: accounts and sums are what gets exchanged. */
const leastDigits = 5
const address = /[^\s<>()"',;:@]{1,64}@[^\s<>()"',;:@]{1,253}/gu
const link = /(?:https?:\/\/|www\.|cid:|mailto:)[^\s<>"]*/gi
/** Scripts without blanks are compared by character. */
const single =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}'
const wordOf = new RegExp(`[${single}]|[[\\p{L}\\p{M}\\p{N}]--[${single}]]+`, 'gv')
/** Standard lines that programs put into the text part only. */
const standardLines = [
  /^(?:having trouble (?:reading|viewing)|can(?:'|no)t (?:read|see|view)|trouble viewing) (?:this|the) (?:e ?mail|message|newsletter)\?? ?(?:(?:click|view|read|see|open)(?: it| this)?(?: here| online| in (?:your|a) browser)?)?[.:]? ?$/,
  /^(?:please )?(?:view|read|open|see) (?:this |the |it )?(?:e ?mail |message |newsletter )?(?:online|(?:in|with) (?:(?:your|a|the) )?(?:web ?)?browser)(?: here)?[:.]? ?$/,
  /^(?:to )?unsubscribe(?: (?:here|from this list))?[:.]? ?$/,
  /^(?:this (?:e ?mail|message) (?:is|was sent) in html(?: format)?|this is a multi ?part message in mime format|your (?:e ?mail|mail) (?:client|program) (?:cannot|does not|can't) (?:show|display|support) html(?: (?:e ?mails?|messages?))?)[.]? ?$/,
  /^(?:the |your |an? )?\p{L}{1,20}(?: \p{L}{1,20})? (?:is|are) attached[.]? ?$/u,
  /^(?:sent from my (?:i(?:phone|pad)|android|samsung|galaxy|blackberry|mobile|phone|tablet)(?: (?:phone|device|galaxy|tablet))?|image removed by sender)[.]?$/,
]
/** Maximum length of a line compared with those. */
const maxStandardLine = 200

/**
 * `none`: identical words. Otherwise programs read the HTML, like people: one word, or two swapped, can reverse a
 * meaning.
 */
export type PartDifference = 'none' | 'html_says_more' | 'text_says_other'

/** @param shown The visible text of the HTML part. */
export function differenceOf(plain: string, shown: string): PartDifference {
  const unseen = unsaid(plain.slice(0, maxCompared), shown.slice(0, 2 * maxCompared))
  if (unseen.isTelling || unseen.inARow >= leastInARow || unseen.inAll >= leastInAll) return 'text_says_other'
  const isLong = plain.length > maxCompared || shown.length > 2 * maxCompared
  return isLong || !isSame(wordsOf(plain), wordsOf(shown)) ? 'html_says_more' : 'none'
}

function isSame(words: readonly string[], others: readonly string[]): boolean {
  return words.length === others.length && words.every((word, index) => word === others[index])
}

/** Counts words of `text` missing in `other`; a word is present only beside the same neighbour. */
function unsaid(text: string, other: string): { isTelling: boolean; inARow: number; inAll: number } {
  const there = wordsOf(other)
  const said = new Set(there)
  const pairs = new Set(there.map((word, index) => `${word} ${there[index + 1]}`))
  const addresses = new Set(addressesOf(other))
  const words = wordsOf(text)
  const isTelling =
    addressesOf(text).some(each => !addresses.has(each)) || words.some(word => !said.has(word) && isNumber(word))
  let [run, inARow, inAll] = [0, 0, 0]
  for (const [index, word] of words.entries()) {
    const isPaired = pairs.has(`${words[index - 1]} ${word}`) || pairs.has(`${word} ${words[index + 1]}`)
    const isSaid = said.has(word) && (isPaired || words.length === 1 || there.length === 1)
    run = isSaid ? 0 : run + 1
    inARow = Math.max(inARow, run)
    if (!isSaid) inAll++
  }
  return { isTelling, inARow, inAll }
}

function isNumber(word: string): boolean {
  return word.length >= leastDigits && (word.match(/\p{Nd}/gu)?.length ?? 0) >= leastDigits
}

/** Returns the words in NFKC, without links, whose words the HTML shows instead. */
function wordsOf(text: string): string[] {
  const lines = text.normalize('NFKC').toLowerCase().replaceAll(link, ' ').split('\n')
  const own = lines.filter(line => !isStandard(line)).join('\n')
  return own.replaceAll(/['’]/g, '').match(wordOf) ?? []
}

function isStandard(line: string): boolean {
  const words = line
    .slice(0, maxStandardLine + 1)
    .replaceAll(/[<>()[\]*_|-]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return words.length <= maxStandardLine && standardLines.some(standard => standard.test(words))
}

function addressesOf(text: string): string[] {
  const all =
    text
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/(?:https?:\/\/|www\.|cid:)[^\s<>"]*/g, ' ')
      .match(address) ?? []
  return all.map(each => each.replace(/[^\p{L}\p{N}]+$/u, ''))
}
