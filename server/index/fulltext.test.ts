/** Words of texts and of queries, and that SQLite and PostgreSQL find the same by them. */
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { bucketOf, type TextField, type TextMatch, type TextRow, textFields } from './full-text.ts'
import { phraseOf, plainText, storedTokens, tokensOf } from './fulltext.ts'

const words = (text: string) => tokensOf(text, 1000)

test.each([
  ['The Annual Report, 2026!', 'the annual report 2026'],
  ['Grüße aus KÖLN; Straße STRASSE', 'grusse aus koln strasse strasse'],
  ['ΟΔΟΣ οδός', 'οδοσ οδοσ'],
  ['naïve cafe\u0301 ﬁne １２', 'naive cafe fine 12'],
  ['İstanbul ISTANBUL', 'istanbul istanbul'],
  ['anna.stone@mail.example.com', 'anna stone mail example com'],
  ["don't stop-and_go", 'don t stop and go'],
  ['soft\u00adhy\u200bphen می\u200cخواهم', 'softhyphen میخواهم'],
  ['שָׁלוֹם مُحَمَّد', 'שלום محمد'],
  ['हिन्दी में', 'हिन्दी में'],
  ['東京都', '東京 京都 都'],
  ['東', '東'],
  ['がく ｶﾞｸ ガク', 'がく く ガク ク ガク ク'],
  ['한국어 메일', '한국 국어 어 메일 일'],
  ['2026年の報告A', '2026 年の の報 報告 告 a'],
  ['สวัสดี', 'สว วั ัส สด ดี ี'],
  ['𠮷野家', '𠮷野 野家 家'],
  ['🎉 — … \0', ''],
])('%j has the words %j', (text, expected) => {
  expect(words(text).join(' ')).toBe(expected)
})

test('words have a greatest length and number, and one word a greatest number of places', () => {
  expect(words('a'.repeat(100_000))).toEqual(['a'.repeat(64)])
  expect(words('é'.repeat(100))).toEqual(['e'.repeat(64)])
  expect(tokensOf('a b c d', 2)).toEqual(['a', 'b'])
  expect(tokensOf('東京都 b', 2)).toEqual(['東京', '京都'])
  const repeated = storedTokens('the end '.repeat(300), 16_000, 1)
  expect(repeated.filter(word => word === 'the')).toHaveLength(255)
  expect(repeated).toHaveLength(600)
  const long = Array.from({ length: 16_000 }, (_, at) => `${'ж'.repeat(58)}${at}`).join(' ')
  expect(storedTokens(long, 16_000, 1).join('').length).toBeLessThanOrEqual(200_000)
})

const units = fc.constantFrom(
  ...[
    'a',
    'B1',
    ' ',
    '  the order of what stands between them  ',
    'x'.repeat(40),
    'é',
    'ß',
    'Σ',
    'e\u0301',
    '\u0301',
    '\u00ad',
  ],
  ...['東京', 'が', '한', 'สั', '½', 'ﬁ', '🎉', '𠮷', '\ud800', '’', '\u00a0'],
)
const written = fc.array(units, { maxLength: 12 }).map(all => all.join(''))

test('words are the same, whether what is no ASCII is folded by itself or the whole text', () => {
  fc.assert(
    fc.property(written, text => {
      expect(words(text)).toEqual(words(text.replaceAll(' ', '\u3000')))
    }),
  )
  const long = 'x'.repeat(40)
  expect(words(`a é${long}é b${long}東 c`)).toEqual(['a', `e${long}e`, `b${long}`, '東', 'c'])
})

test('in plain text SQLite finds the words that are stored, and where it would not there is none', () => {
  fc.assert(
    fc.property(written, fc.integer({ min: 1, max: 8 }), (text, most) => {
      const found = plainText(text, most, 1)
      if (found !== undefined)
        expect(found.toLowerCase().match(/[a-z0-9\u0080-\uffff]+/g) ?? []).toEqual(storedTokens(text, most, 1))
    }),
  )
  expect(plainText('It’s “The Report”', 10, 1)).toBe('It s  The Report ')
  expect(plainText('a b c', 2, 1)).toBeUndefined()
  expect(plainText('Köln', 10, 1)).toBeUndefined()
  expect(plainText('a'.repeat(65), 10, 1)).toBeUndefined()
  expect(plainText('the '.repeat(255), 1000, 1)).toBeDefined()
  expect(plainText('the '.repeat(256), 1000, 1)).toBeUndefined()
})

test('the work grows with the text and no faster', () => {
  const steps = (make: (length: number) => string) => {
    const spent = (length: number) => {
      const text = make(length)
      const times = [1, 2, 3].map(() => {
        const began = process.cpuUsage()
        tokensOf(text, 16_000)
        const { user, system } = process.cpuUsage(began)
        return user + system
      })
      return Math.min(...times)
    }
    return spent(400_000) / Math.max(spent(50_000), 500)
  }
  const hostile = [
    'a',
    '東',
    'e\u0301\u0301\u0301',
    '\u0301',
    '\ufdfa',
    'a ',
    '\u00ad',
    '한',
    '\ud800',
    'ﬁ-',
    `é${'a '.repeat(20)}`,
  ]
  // Eight times the text; the square of it would be 64 times the work.
  for (const unit of hostile) {
    const ratio = steps(length => unit.repeat(length / unit.length))
    expect(ratio, JSON.stringify(unit)).toBeLessThan(32)
  }
})

test.each([
  ['report', false, ['report'], false],
  ['repo', true, ['repo'], true],
  ['annual rep', true, ['annual', 'rep'], true],
  ['anna@example.com', false, ['anna', 'example', 'com'], false],
  ['東', false, ['東'], true],
  ['東京', true, ['東京'], false],
  ['東京都', false, ['東京', '京都'], false],
  ['a東', false, ['a', '東'], true],
  ['東京 tokyo', false, ['東京', '京', 'tokyo'], false],
])('the query %j (typed on: %j) is the words %j', (text, isPrefix, expected, goesOn) => {
  expect(phraseOf(text, isPrefix)).toEqual({ words: expected, isPrefix: goesOn })
})

test('a query without letters and digits is none', () => {
  expect(phraseOf('—!', false)).toBeUndefined()
})

const empty = { subject: '', from: '', to: '', cc: '', bcc: '', names: '', body: null }
const phrase = (text: string, isPrefix = false, fields: readonly TextField[] = textFields): TextMatch => ({
  kind: 'phrase',
  phrase: phraseOf(text, isPrefix)!,
  fields,
})

onEachIndex((open, isSqlite) => {
  async function filled(rows: readonly (Partial<TextRow> & { rowid: number })[]) {
    const { db, fullText } = await open()
    await fullText.put(
      db,
      1,
      rows.map(row => ({ ...empty, ...row })),
    )
    const find = async (match: TextMatch, account = 1) => {
      const found: number[] = []
      for (const bucket of await fullText.buckets(db, account)) {
        const hits = await fullText.hits(db, account, [bucket], [match])
        const { rows } = await sql<{ rowid: number }>`${hits.table(match, [0, Number.MAX_SAFE_INTEGER])}`.execute(db)
        found.push(...rows.map(({ rowid }) => rowid))
      }
      return found.sort((one, other) => one - other)
    }
    return { db, fullText, find }
  }

  test('words, phrases, prefixes, and all of it in one field alone', async () => {
    const { find } = await filled([
      { rowid: 10, subject: 'Annual report', from: 'Anna Stone anna.stone@example.com', body: 'The end of the year' },
      { rowid: 20, subject: 'Re: lunch', to: 'Anna Stone anna.stone@example.com', body: 'report annual: end' },
      { rowid: 30, cc: 'Bob bob@example.org', bcc: 'Eve eve@example.net', names: 'Annual-Report.pdf', body: null },
    ])
    expect(await find(phrase('report'))).toEqual([10, 20, 30])
    expect(await find(phrase('ANNUAL Report'))).toEqual([10, 30])
    expect(await find(phrase('report', false, ['body']))).toEqual([20])
    expect(await find(phrase('report', false, ['subject', 'names']))).toEqual([10, 30])
    expect(await find(phrase('rep', true))).toEqual([10, 20, 30])
    expect(await find(phrase('annual rep', true))).toEqual([10, 30])
    expect(await find(phrase('rep'))).toEqual([])
    expect(await find(phrase('anna.stone@example.com', false, ['from']))).toEqual([10])
    expect(await find(phrase('example.com', false, ['to', 'cc']))).toEqual([20])
    expect(await find(phrase('example.org', false, ['to', 'cc']))).toEqual([30])
    expect(await find(phrase('bob', false, ['to']))).toEqual([])
    expect(await find(phrase('example', false, ['bcc']))).toEqual([30])
    // A phrase does not span fields.
    expect(await find(phrase('report annual'))).toEqual([20])
    expect(await find({ kind: 'and', matches: [phrase('end'), phrase('annual')] })).toEqual([10, 20])
    expect(await find({ kind: 'or', matches: [phrase('lunch'), phrase('bob')] })).toEqual([20, 30])
    const either: TextMatch = { kind: 'or', matches: [phrase('year'), phrase('lunch')] }
    expect(await find({ kind: 'and', matches: [either, phrase('end')] })).toEqual([10, 20])
  })

  test('words of Chinese, Japanese, Korean and Thai of one letter, of two and of more', async () => {
    const { find } = await filled([
      { rowid: 1, body: '会議の資料を東京都で配ります' },
      { rowid: 2, subject: '请查收附件中的报告', body: '北京' },
      { rowid: 3, body: '한국어 메일을 보냅니다' },
      { rowid: 4, body: 'สวัสดีครับ' },
      { rowid: 5, body: '京都 東' },
    ])
    expect(await find(phrase('会議'))).toEqual([1])
    expect(await find(phrase('報告'))).toEqual([])
    expect(await find(phrase('报告'))).toEqual([2])
    expect(await find(phrase('東京'))).toEqual([1])
    expect(await find(phrase('京都'))).toEqual([1, 5])
    expect(await find(phrase('東京都'))).toEqual([1])
    expect(await find(phrase('京'))).toEqual([1, 2, 5])
    expect(await find(phrase('都'))).toEqual([1, 5])
    expect(await find(phrase('東'))).toEqual([1, 5])
    expect(await find(phrase('국어'))).toEqual([3])
    expect(await find(phrase('메일'))).toEqual([3])
    expect(await find(phrase('ดีค'))).toEqual([4])
  })

  test('a message is found by what was put last, and not after it was removed', async () => {
    const { db, fullText, find } = await filled([{ rowid: 7, subject: 'draft' }])
    await fullText.put(db, 1, [{ ...empty, rowid: 7, subject: 'final', body: 'words' }])
    expect(await find(phrase('draft'))).toEqual([])
    expect(await find(phrase('final'))).toEqual([7])
    expect(await find(phrase('words'))).toEqual([7])
    await fullText.remove(db, 1, [7, 8, 2 ** 31])
    expect(await find(phrase('final'))).toEqual([])
  })

  test('a text that comes later is found with all else of its message, once, and alone is gone again', async () => {
    const { db, fullText, find } = await filled([{ rowid: 7, subject: 'plan of tea', names: 'a.pdf' }])
    const row = { ...empty, rowid: 7, subject: 'plan of tea', names: 'a.pdf' }
    const all: TextMatch = { kind: 'and', matches: [phrase('plan of'), phrase('cups')] }
    expect([await find(phrase('plan of')), await find(all)]).toEqual([[7], []])
    expect(await find(phrase('tea', false, ['body']))).toEqual([])
    for (let turn = 0; turn < 2; turn++) {
      await fullText.put(db, 1, [
        { ...row, body: 'two cups of tea' },
        { ...empty, rowid: 8, subject: 'plan of milk' },
      ])
      expect([await find(phrase('plan of')), await find(all), await find(phrase('pdf'))]).toEqual([[7, 8], [7], [7]])
    }
    await fullText.put(db, 1, [row])
    expect([await find(phrase('plan of')), await find(all), await find(phrase('cups'))]).toEqual([[7, 8], [], []])
    await fullText.remove(db, 1, [7, 8])
    expect(await find(phrase('plan'))).toEqual([])
  })

  test('years of mail are in several buckets, and all of it is found', async () => {
    const dates = [0, 1_000_000_000, 1_500_000_000, 1_790_000_000, 2 ** 40]
    const { db, fullText, find } = await filled(dates.map(rowid => ({ rowid, subject: 'the plan', body: 'the words' })))
    expect((await fullText.buckets(db, 1)).sort((one, other) => one - other)).toEqual(
      [...new Set(dates.map(bucketOf))].sort((one, other) => one - other),
    )
    expect(await find(phrase('the plan'))).toEqual(dates)
    await fullText.remove(db, 1, [0, 2 ** 40])
    expect(await find(phrase('wor', true))).toEqual(dates.slice(1, 4))
    while (await fullText.tidy(db)) expect(await find(phrase('plan'))).toEqual(dates.slice(1, 4))
    expect(await find(phrase('plan'))).toEqual(dates.slice(1, 4))
  })

  test('what strangers write is kept, however much it is, and found as far as the bounds go', async () => {
    const marks = `'";:*&|!<>()\\ {subject} : "a" NOT b`
    const { find } = await filled([
      { rowid: 1, subject: marks, body: `${'ж'.repeat(60)} `.repeat(10) },
      { rowid: 2, body: Array.from({ length: 20_000 }, (_, at) => `${'ḍ'.repeat(60)}${at}`).join(' ') },
      { rowid: 3, body: 'the end '.repeat(10_000) },
      { rowid: 4, to: 'p@example.com\n'.repeat(1000), cc: 'q@example.com\n'.repeat(1000) },
      { rowid: 5, body: `${'a '.repeat(16_000)}beyond` },
      { rowid: 6, body: '\ud800\udfff \udc00 x\u0301y' },
    ])
    expect(await find(phrase('"a" NOT b', false, ['subject']))).toEqual([1])
    expect(await find(phrase(`${'ж'.repeat(60)} ${'ж'.repeat(60)}`))).toEqual([1])
    expect(await find(phrase(`${'ḍ'.repeat(60)}7`))).toEqual([2])
    expect(await find(phrase('the end'))).toEqual([3])
    expect(await find(phrase('q@example.com', false, ['cc']))).toEqual([4])
    expect(await find(phrase('beyond'))).toEqual([])
    expect(await find(phrase('xy'))).toEqual([6])
  })

  const onFts5 = isSqlite ? test : undefined
  onFts5?.('what is tidied is one piece in each bucket but the newest, which goes on growing', async () => {
    const rows = (from: number) => Array.from({ length: 3 }, (_, at) => ({ rowid: from + at, body: `word ${at}` }))
    const { db, fullText, find } = await filled([])
    const put = (from: number, at: number) => fullText.put(db, 1, [{ ...empty, ...rows(from)[at]! }])
    for (const at of [0, 1, 2]) for (const from of [1, 2 ** 25]) await put(from, at)
    const segments = async (bucket: number) =>
      (
        await sql<{
          count: number
        }>`select count(distinct segid) as count from ${sql.id(`texts_${bucket}_idx`)}`.execute(db)
      ).rows[0]!.count
    expect(await segments(0)).toBe(3)
    while (await fullText.tidy(db));
    expect(await segments(0)).toBe(1)
    expect(await segments(2)).toBe(3)
    expect(await find(phrase('word'))).toHaveLength(6)
  })

  // SQLite has a file per account.
  const onShared = isSqlite ? undefined : test
  onShared?.('accounts do not see each other', async () => {
    const { db, fullText, find } = await filled([{ rowid: 5, subject: 'ours' }])
    await fullText.put(db, 2, [{ ...empty, rowid: 5, subject: 'theirs' }])
    expect(await find(phrase('ours'))).toEqual([5])
    expect(await find(phrase('ours'), 2)).toEqual([])
    expect(await find(phrase('theirs'), 2)).toEqual([5])
  })

  test('every piece of a text that ends with a word is found in it', async () => {
    const { db, fullText, find } = await filled([])
    const letters = fc.constantFrom(...'ab1 .-\'"éßσς東京都がガ한국ดี\u0301\u200b𠮷')
    const texts = fc.array(letters, { maxLength: 12 }).map(all => all.join(''))
    const row = { ...empty, rowid: 1 }
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(), fc.nat(), async (text, from, length) => {
        await fullText.put(db, 1, [{ ...row, body: text }])
        const parts = text.split(/\s+/)
        const piece = parts.slice(from % parts.length, (from % parts.length) + 1 + (length % parts.length)).join(' ')
        const asked = phraseOf(piece, false)
        if (!asked) return
        expect(await find({ kind: 'phrase', phrase: asked, fields: ['body'] })).toEqual([1])
        expect(await find({ kind: 'phrase', phrase: { ...asked, isPrefix: true }, fields: ['body'] })).toEqual([1])
      }),
      { numRuns: 60 },
    )
  })
})

test('what is taken for plain is split as all else is', () => {
  const beside =
    '\u00a0\u00a9\u00ab\u00ae\u00bb\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2022\u2026\u20ac'
  for (const sign of beside) {
    const text = `Don${sign}T pay${sign}100${sign} `
    // A word of another script takes the way of all texts.
    expect(tokensOf(text, 100), sign).toEqual(tokensOf(`${text}ω`, 100).slice(0, -1))
  }
  expect(tokensOf('caf\u00e9 \u2122 \u00bd', 100)).toEqual(['cafe', 'tm', '1', '2'])
})
