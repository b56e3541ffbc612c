/** Tables as RFC 4180 has them, and as programs write them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CsvFault, readCsv } from './read-csv.ts'

const fieldsOf = (text: string) => readCsv(text, 1_000).map(({ fields }) => fields)

test('quotes, delimiters, line ends and blank lines', () => {
  expect(fieldsOf('a,b\r\n1,2\r\n')).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ])
  expect(fieldsOf('\ufeffa;b\n"x;""y""";\n\n2;"two\nlines"')).toEqual([
    ['a', 'b'],
    ['x;"y"', ''],
    ['2', 'two\nlines'],
  ])
  expect(fieldsOf('a,b;c\n1,2')).toEqual([
    ['a', 'b;c'],
    ['1', '2'],
  ])
  expect(fieldsOf('')).toEqual([])
  // A quote inside of a field is one.
  expect(fieldsOf('a,5" pipe')).toEqual([['a', '5" pipe']])
  expect(readCsv('a\n"1\n2"\n\n3', 9).map(({ line }) => line)).toEqual([1, 2, 5])
})

test('what cannot be read is told with its line', () => {
  for (const [text, line] of [
    ['a,b\n1,"2', 2],
    ['a\n"b"c', 2],
    ['a,"b\nc" d', 2],
  ] as const) {
    expect(() => readCsv(text, 9)).toThrow(CsvFault)
    expect(() => readCsv(text, 9)).toThrow(expect.objectContaining({ line }))
  }
  expect(readCsv('a\nb\nc\nd\n', 2)).toHaveLength(3)
})

test('whatever is written by the rules is read as it was', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'ä', ';') })
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`
  const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(table, rows => {
      const text = ['a,b', ...rows.map(row => row.map(quoted).join(','))].join('\r\n')
      expect(fieldsOf(text).slice(1)).toEqual(rows)
    }),
  )
})
