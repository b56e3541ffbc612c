/** What people write in other search fields and what means nothing here: refused with words on what to do, never looked for as a word. */

const each = 'Search once for each of them'
const literally = (sign: string) => `put text with ${sign} in quotes to search for it literally`

/** Spelled so they are operators elsewhere; in small letters they are words. */
const operators: ReadonlyMap<string, string> = new Map([
  ['OR', `OR is not supported yet: all terms must match. ${each}, or put "OR" in quotes to search for the word`],
  [
    'AND',
    'AND is not needed: all terms must match anyway. Leave it out, or put "AND" in quotes to search for the word',
  ],
  ['NOT', 'NOT is written as a minus in front of the term: -word. Put "NOT" in quotes to search for the word'],
  ['&&', `&& is not needed: all terms must match anyway. Leave it out, or ${literally('&&')}`],
])

const signs: readonly (readonly [RegExp, string])[] = [
  [/\|/u, `| is not supported yet: all terms must match. ${each}, or ${literally('|')}`],
  [/^\{|^[^{]*\}$/u, `{ } is not supported yet: all terms must match. ${each}, or ${literally('{ }')}`],
  // A pair inside of a word, as in f(x), groups nothing.
  [
    /^\(|^[^(]*\)$/u,
    `grouping with ( ) is not supported yet: all terms must match. Leave them out, or ${literally('( )')}`,
  ],
  [
    /^\*.|.\*$/u,
    `* is not a wildcard: the mail server decides whether parts of words match. Leave it out, or ${literally('*')}`,
  ],
  [/^[\u00ab\u00bb\u201c-\u201f]|[\u00ab\u00bb\u201c-\u201f]$/u, 'put phrases in straight quotes: "annual report"'],
  // 24" is a length.
  [/[^\d"]"$/u, 'the quote is not opened. Put quotes around the whole phrase: "annual report"'],
]

/** Why a word or value outside of quotes is not read; undefined for ordinary ones. */
export function operatorFault(text: string, { isTerm }: { isTerm: boolean }): string | undefined {
  return (isTerm ? operators.get(text) : undefined) ?? signs.find(([sign]) => sign.test(text))?.[1]
}
