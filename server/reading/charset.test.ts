/** Texts in the character sets that mail comes in, by the names that it gives them. */
import { expect, test } from 'vitest'
import { decodeHtml, decodeText } from './charset.ts'

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16))

test.each([
  ['81', 'cp-850', 'ü'],
  ['81', 'IBM850', 'ü'],
  ['82', 'cp437', 'é'],
  ['84', 'cp866', 'Д'],
  ['8a', 'x-mac-roman', 'ä'],
  ['8a', 'macintosh', 'ä'],
  ['8e', 'x-mac-ce', 'Ž'],
  ['e0', 'iso-8859-8-i', 'א'],
  ['a4', 'iso-8859-15', '€'],
  ['a4', 'ISO_8859-15', '€'],
  ['a4', 'iso8859-15', '€'],
  ['fd', 'iso-8859-9', 'ı'],
  ['c7d1', 'ks_c_5601-1987', '한'],
  ['c7d1', 'x-windows-949', '한'],
  ['1b2429430e47510f', 'iso-2022-kr', '한'],
  ['2b414f512d', 'utf-7', 'ä'],
  ['2b414f512d', 'unicode-1-1-utf-7', 'ä'],
  ['c4', 'cp1251', 'Д'],
  ['c4', 'win-1251', 'Д'],
  ['c1', 'koi8-r', 'а'],
  ['a4', 'koi8-u', 'є'],
  ['c4e3', 'gb2312', '你'],
  ['c4e3', 'GB_2312-80', '你'],
  ['c4e3', 'cp936', '你'],
  ['7e7b3A3A7e7d', 'hz-gb-2312', '汉'],
  ['a741', 'big5-hkscs', '你'],
  ['93fa', 'cp932', '日'],
  ['93fa', 'x-sjis', '日'],
  ['c6fc', 'eucjp-ms', '日'],
  ['1b2442467c4b5c1b2842', 'iso-2022-jp-ms', '日本'],
  ['a1', 'tis-620', 'ก'],
  ['d0', 'viscii', 'Đ'],
  ['feff00e4', 'utf-16', 'ä'],
  ['e4004100', 'utf-16', 'äA'],
  ['00e40041', 'utf-16be', 'äA'],
  ['c3a4', 'utf8mb4', 'ä'],
  ['c3a4', '"utf-8"', 'ä'],
  ['c3a4', 'UTF8', 'ä'],
  ['efbbbfc3a4', 'utf-8', 'ä'],
  ['80', 'iso-8859-1', '€'],
  // The declared charset is impossible, or declares nothing.
  ['e4', 'utf-8', 'ä'],
  ['c3a4ff', 'utf-8', 'ä\ufffd'],
  ['c3a4', 'ansi_x3.4-1968', 'ä'],
  ['e4', 'us-ascii', 'ä'],
  ['c3a4', 'unknown-8bit', 'ä'],
  ['c3a4', 'no-such', 'ä'],
  ['e4', 'no-such', 'ä'],
  ['c3a4', null, 'ä'],
  ['e4', null, 'ä'],
  ['80', null, '€'],
  ['1b2442467c4b5c1b2842', null, '日本'],
  // Cut in the middle of a character.
  ['c3a4c3', null, 'ä\ufffd'],
])('%s in %s', async (hex, charset, text) => {
  expect(await decodeText(bytes(hex), charset)).toBe(text)
})

test('HTML is in the character set of its header; in the one that it names itself where the header says nothing', async () => {
  const html = Buffer.concat([Buffer.from('<meta http-equiv=a content="text/html; charset=koi8-r"><p>'), bytes('c1')])
  for (const [charset, word] of [
    [null, 'а'],
    ['us-ascii', 'а'],
    ['no-such', 'а'],
    ['iso-8859-1', 'Á'],
    ['windows-1251', 'Б'],
  ] as const) {
    expect((await decodeHtml(html, charset)).at(-1)).toBe(word)
  }
  const wrong = Buffer.from('<meta charset="utf-16"><p>ä')
  expect((await decodeHtml(wrong, null)).at(-1)).toBe('ä')
})
