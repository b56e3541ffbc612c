/** Segments of words: how many there get to be, and that words of merged ones are found as if they had been put once, on both databases. */
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { Random } from '../../sandbox/seed-random.ts'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { type TextMatch, textFields } from './full-text.ts'
import { phraseOf } from './fulltext.ts'
import { PostgresFullText } from './fulltext-postgres.ts'
import { pushNumber, readNumber } from './word-bytes.ts'
import { together, toMerge } from './word-tiers.ts'

const empty = { subject: '', from: '', to: '', cc: '', bcc: '', names: '', body: null }

test('numbers are read as they were written, whatever their size', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())), numbers => {
      const written: number[] = []
      for (const number of numbers) pushNumber(written, number)
      const cursor = { bytes: Buffer.from(written), at: 0 }
      expect(numbers.map(() => readNumber(cursor))).toEqual(numbers)
      expect(cursor.at).toBe(written.length)
    }),
  )
})

test.each([1, 25, 100])('put by %d, a bucket has few segments, and each message is written again a few times', by => {
  let [segments, written]: [{ size: number }[], number] = [[], 0]
  for (let messages = 0; messages < 40_000; messages += by) {
    const merged = toMerge(segments, by)
    const size = merged.reduce((sum, segment) => sum + segment.size, by)
    segments = [...segments.slice(0, segments.length - merged.length), { size }]
    written += size
    expect(size).toBeLessThanOrEqual(16_384)
    expect(segments.length).toBeLessThan(40)
  }
  expect(written / 40_000).toBeLessThan(7)
})

test('of many segments as many become one as may be one', () => {
  const all = [{ size: 10_000 }, { size: 6_000 }, { size: 500 }, { size: 1 }]
  expect([together(all), together(all.slice(2)), together([])]).toEqual([all.slice(0, 2), all.slice(2), []])
  expect(together([{ size: 20_000 }, { size: 1 }])).toEqual([{ size: 20_000 }])
})

onEachIndex((open, isSqlite) => {
  const onShared = isSqlite ? undefined : test
  onShared?.('what is put again takes the room of what it replaced', async () => {
    const { db } = await open()
    const fullText = new PostgresFullText({ worth: 50_000 })
    const rows = Array.from({ length: 64 }, (_, at) => {
      const body = Array.from({ length: 200 }, (_word, number) => `word${at}x${number}`).join(' ')
      return { ...empty, rowid: at, body }
    })
    const bytesAfter = async (times: number) => {
      for (let turn = 0; turn < times; turn++) {
        await db.transaction().execute(transaction => fullText.put(transaction, 1, rows))
        await fullText.reclaim(db)
      }
      const { rows: found } = await sql<{ bytes: number }>`
        select pg_total_relation_size('word_pages'::regclass)::integer as bytes`.execute(db)
      return found[0]!.bytes
    }
    const first = await bytesAfter(16)
    expect(await bytesAfter(32)).toBeLessThan(first * 1.5)
  })

  onShared?.('long texts count as many messages, so that no more bytes of them are merged at once', async () => {
    const { db, fullText } = await open()
    const sizes = async () => {
      const { rows } = await sql<{ size: number }>`
        select size from word_pages where size is not null order by segment`.execute(db)
      return rows.map(({ size }) => size)
    }
    // 8,000 words, which take some 100 KB.
    const long = (rowid: number) => {
      const body = Array.from({ length: 8_000 }, (_, at) => `w${rowid}x${at}`).join(' ')
      return { ...empty, rowid, body }
    }
    const short = Array.from({ length: 8 }, (_, at) => ({ ...empty, rowid: at, body: 'tea' }))
    await fullText.put(db, 1, [long(100)])
    const [first] = await sizes()
    expect(first).toBeGreaterThan(15)
    expect(first).toBeLessThan(100)
    for (const row of short.slice(0, 7)) await fullText.put(db, 1, [row])
    expect(await sizes()).toEqual([first, ...Array(7).fill(1)])
    await fullText.put(db, 1, short.slice(7))
    expect(await sizes()).toEqual([first, 8])
    for (let at = 1; at < 7; at++) await fullText.put(db, 1, [long(100 + at)])
    const [all, ...none] = await sizes()
    expect(none).toEqual([])
    expect(all).toBeGreaterThan(first! * 6)
  })

  test('however words were put, replaced, removed and merged, what is there is found', async () => {
    const { db, fullText } = await open()
    const find = async (text: string, isPrefix = false) => {
      const match: TextMatch = { kind: 'phrase', phrase: phraseOf(text, isPrefix)!, fields: textFields }
      const found: number[] = []
      for (const bucket of await fullText.buckets(db, 1)) {
        const hits = await fullText.hits(db, 1, [bucket], [match])
        const { rows } = await sql<{ rowid: number }>`${hits.table(match, [0, Number.MAX_SAFE_INTEGER])}`.execute(db)
        for (const { rowid } of rows) found.push(rowid)
      }
      return found.sort((one, other) => one - other)
    }
    const random = new Random(7)
    const whole = (most: number) => random.int(0, most - 1)
    const known = new Map<number, string>()
    // Rows of three buckets.
    const rowids = Array.from({ length: 60 }, (_, at) => (at % 3) * 2 ** 24 + at)
    const check = async () => {
      for (const asked of ['tea', 'milk tea', 'tea with', 'cup of milk']) {
        const expected = rowids.filter(rowid => ` ${known.get(rowid)} `.includes(` ${asked} `))
        expect(await find(asked), asked).toEqual(expected.sort((one, other) => one - other))
      }
      const begun = rowids.filter(rowid => /\bm/.test(known.get(rowid) ?? ''))
      expect(await find('m', true)).toEqual(begun.sort((one, other) => one - other))
    }
    for (let turn = 0; turn < 120; turn++) {
      const some = [...new Set(Array.from({ length: 1 + whole(4) }, () => rowids[whole(rowids.length)]!))]
      if (whole(4) === 0) {
        await fullText.remove(db, 1, some)
        for (const rowid of some) known.delete(rowid)
      } else {
        const words = () =>
          Array.from({ length: whole(8) }, () => ['tea', 'milk', 'with', 'cup', 'of'][whole(5)]).join(' ')
        const texts = some.map(rowid => ({ rowid, subject: words(), body: words() }))
        await fullText.put(
          db,
          1,
          texts.map(text => ({ ...empty, ...text })),
        )
        for (const { rowid, subject, body } of texts) known.set(rowid, `${subject} | ${body}`)
      }
      if (turn % 30 === 10) await fullText.tidy(db)
      if (turn % 20 === 0) await check()
    }
    while (await fullText.tidy(db));
    await check()
    await fullText.shrink(db, 1, true)
    await check()
    await fullText.remove(db, 1, rowids)
    await fullText.shrink(db, 1, true)
    known.clear()
    await check()
    if (!isSqlite) expect(await fullText.buckets(db, 1)).toEqual([])
  })
})
