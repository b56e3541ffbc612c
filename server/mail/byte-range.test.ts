/** Ranges as clients ask for them; what is none means the whole file. */
import { expect, test } from 'vitest'
import { parseRange } from './byte-range.ts'

test.each([
  ['bytes=0-', { first: 0 }],
  ['bytes=5-9', { first: 5, last: 9 }],
  ['Bytes = 5 - 9 ', { first: 5, last: 9 }],
  ['bytes=-7', { suffix: 7 }],
  ['bytes=-0', { suffix: 0 }],
  [undefined, undefined],
  ['', undefined],
  ['bytes=', undefined],
  ['bytes=-', undefined],
  ['bytes=9-5', undefined],
  ['bytes=0-1,3-4', undefined],
  ['bytes=a-', undefined],
  ['bytes=1e3-', undefined],
  ['bytes=--5', undefined],
  ['bytes=99999999999999999999-', undefined],
  ['items=0-5', undefined],
])('%s', (range, asked) => expect(parseRange(range, undefined, '"a"')).toEqual(asked))

test('under another tag, a weak one or a date the whole is meant', () => {
  for (const tag of ['"b"', 'W/"a"', 'Sun, 22 Nov 2026 18:14:03 GMT', ''])
    expect(parseRange('bytes=5-', tag, '"a"')).toBeUndefined()
  expect(parseRange('bytes=5-', '"a"', '"a"')).toEqual({ first: 5 })
})
