/** What people write in other search fields and what means nothing here: refused with words on what to do, never looked for as a word. */

const each = 'Search once for each of them'
const literally = (sign: string) => `put what has ${sign} in it in quotes to look for it as it stands`

/** Spelled so they are operators elsewhere; in small letters they are words. */
const operators: ReadonlyMap<string, string> = new Map([
  [
    'OR',
    `one cannot search for one OR the other yet: all terms must hold. ${each}, or put "OR" in quotes to look for the word`,
  ],
  ['AND', 'AND is not needed: all terms must hold anyway. Leave it out, or put "AND" in quotes to look for the word'],
  ['NOT', 'NOT is written as a minus in front of the term: -word. Put "NOT" in quotes to look for the word'],
  ['&&', `&& is not needed: all terms must hold anyway. Leave it out, or ${literally('&&')}`],
])

const signs: readonly (readonly [RegExp, string])[] = [
  [/\|/u, `one cannot search for one | the other yet: all terms must hold. ${each}, or ${literally('|')}`],
  [
    /^\{|^[^{]*\}$/u,
    `one cannot search for one of {several} yet: all terms must hold. ${each}, or ${literally('{ }')}`,
  ],
  // A pair inside of a word, as in f(x), groups nothing.
  [/^\(|^[^(]*\)$/u, `terms cannot be grouped by ( ) yet: all must hold. Leave them out, or ${literally('( )')}`],
  [
    /^\*.|.\*$/u,
    `* stands for itself: the mail server decides whether parts of words count. Leave it out, or ${literally('*')}`,
  ],
  [/^[\u00ab\u00bb\u201c-\u201f]|[\u00ab\u00bb\u201c-\u201f]$/u, 'phrases stand in straight quotes: "annual report"'],
  // 24" is a length.
  [/[^\d"]"$/u, 'the quote is not opened. Phrases stand in quotes from the first word on: "annual report"'],
]

/** Why a word or value outside of quotes is not read; undefined for ordinary ones. */
export function operatorFault(text: string, { isTerm }: { isTerm: boolean }): string | undefined {
  return (isTerm ? operators.get(text) : undefined) ?? signs.find(([sign]) => sign.test(text))?.[1]
}
