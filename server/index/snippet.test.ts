/** Pieces of texts around hits: in their own spelling, with the places of the hits. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { phraseOf, tokensOf } from './fulltext.ts'
import { parseSearch } from './search-language.ts'
import { placeOf } from './search-rank.ts'
import { phrasesOf, snippetIn } from './snippet.ts'

const phrase = (text: string, isPrefix = false) => phraseOf(text, isPrefix)!
/** The text with its hits in brackets. */
function marked(text: string, ...phrases: ReturnType<typeof phrase>[]): string | undefined {
  const snippet = snippetIn(text, phrases)
  if (!snippet) return undefined
  let out = ''
  let at = 0
  for (const [from, to] of snippet.hits) {
    out += `${snippet.text.slice(at, from)}[${snippet.text.slice(from, to)}]`
    at = to
  }
  return out + snippet.text.slice(at)
}

test.each([
  ['Die Grüße aus KÖLN', 'koln', false, 'Die Grüße aus [KÖLN]'],
  ['Die GRÜSSE und Grüße', 'grüße', false, 'Die [GRÜSSE] und [Grüße]'],
  ['cafe\u0301 ﬁne', 'café', false, '[cafe\u0301] ﬁne'],
  ['a ﬁne day', 'fine', false, 'a [ﬁne] day'],
  ['Budgets and budget', 'bud', true, '[Budgets] and [budget]'],
  ['the end. The  End', 'the end', false, '[the end]. [The  End]'],
  ['write to anna.stone@example.com', 'anna.stone@example.com', false, 'write to [anna.stone@example.com]'],
  ['日本語の会議です', '会議', false, '日本語の[会議]です'],
  ['日本語の会議です', '日本語', false, '[日本語]の会議です'],
  ['東京都京都', '京都', false, '東[京都京都]'],
  ['ガガガ', 'ガガ', false, '[ガガガ]'],
  ['ｶﾞｸｾｲ です', 'ガクセイ', false, '[ｶﾞｸｾｲ] です'],
  ['한국어 메일', '국어', false, '한[국어] 메일'],
  ['soft\u00adhyphen', 'softhyphen', false, '[soft\u00adhyphen]'],
  ['𠮷野家', '野家', false, '𠮷[野家]'],
  ['line\nend', 'end', false, 'line [end]'],
  ['nothing here', 'elsewhere', false, undefined],
])('%j, searched for %j, shows %j', (text, query, isPrefix, shown) => {
  expect(marked(text, phrase(query, isPrefix))).toBe(shown)
})

test('a piece begins and ends between words, around the first hit', () => {
  const text = `${'lorem ipsum '.repeat(50)}needle ${'dolor sit '.repeat(50)}needle`
  const shown = marked(text, phrase('needle'))!
  expect(shown).toMatch(/^(?:lorem|ipsum) .*\[needle\] .*(?:dolor|sit)$/)
  expect(shown.length).toBeLessThanOrEqual(162)
  expect(marked(`${'日本'.repeat(100)}東京${'日本'.repeat(100)}`, phrase('東京'))).toContain('日本[東京]日本')
})

test('hits are those of the text that is wanted', () => {
  const phrases = phrasesOf(parseSearch('tea (milk OR sug*) -coffee subject:plan', { inBody: true }))
  expect(marked('coffee plan, tea with sugar', ...phrases)).toBe('coffee plan, [tea] with [sugar]')
  expect(phrasesOf(parseSearch('tea', { inBody: false }))).toEqual([])
})

test('without a text, or without words, there is no snippet', () => {
  expect(snippetIn('some tea', [phrase('tea')])).toEqual({ text: 'some tea', hits: [[5, 8]] })
  expect(snippetIn('', [phrase('tea')])).toBeNull()
  expect(snippetIn('some tea', [])).toBeNull()
})

test('a text has a snippet where its words stand so, wherever that is', () => {
  const words = ['tea', 'the', 'Tea', 'other', 'été', '東京', '京', '都', '𠮷𠮷野', '国', '...', '。', 'x'.repeat(70)]
  const text = fc.array(fc.tuple(fc.constantFrom(...words), fc.constantFrom('', ' ', ', ', '\n')), { maxLength: 150 })
  const asked = ['the tea', 'tea', 'ete', '東京', '京都', '𠮷野', '国', 'tea the other', 'x'.repeat(64)].map(each =>
    phrase(each),
  )
  fc.assert(
    fc.property(text, fc.constantFrom(...asked), (pieces, wanted) => {
      const whole = pieces.flat().join('')
      const isThere = placeOf(wanted, tokensOf(whole, 10_000), 0) !== -1
      expect(snippetIn(whole, [wanted]) !== null).toBe(isThere)
    }),
    { numRuns: 1_000 },
  )
})

test('what a snippet costs ends with its piece, whatever else the text says', () => {
  const snippet = snippetIn(`会議${'の資料を送ります。'.repeat(20_000)}`, [phrase('会議')])!
  expect(snippet.hits).toEqual([[0, 2]])
  expect(marked(`${'の資料を送ります。'.repeat(20_000)}会議`, phrase('会議'))).toContain('。[会議]')
})

test('places are within the text and never cut a character, whatever it is', () => {
  const letters = fc.constantFrom(...'ab .\n-"éßσς東京都がガ한국ดี\u0301\u200b', '𠮷', '😀', 'ﬁ')
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 400 }),
      fc.constantFrom('a', 'ab', '東京', '国', 'ss', 'が', '𠮷', 'fi'),
      (all, query) => {
        const text = all.join('')
        const snippet = snippetIn(text, [phrase(query)])
        if (!snippet) return
        expect(snippet.text.length).toBeLessThanOrEqual(160)
        expect(snippet.text.isWellFormed()).toBe(true)
        let end = 0
        for (const [from, to] of snippet.hits) {
          expect(from).toBeGreaterThanOrEqual(end)
          expect(to).toBeGreaterThan(from)
          expect(snippet.text.slice(from, to).isWellFormed()).toBe(true)
          end = to
        }
        expect(end).toBeLessThanOrEqual(snippet.text.length)
      },
    ),
  )
})
