/** Texts whose lines were broken by their writer's program (RFC 3676). */
import { expect, test } from 'vitest'
import { unflow } from './decode-body.ts'

test.each([
  ['one \ntwo', 'one two'],
  ['one\ntwo', 'one\ntwo'],
  ['one \r\ntwo \r\nthree\r\n', 'one two three\n'],
  ['> a \n> b', '> a b'],
  ['> a \n>> b', '> a\n>> b'],
  ['>a \nmine', '> a\nmine'],
  ['>>> deep \n>>> down', '>>> deep down'],
  [' > no quotation', '> no quotation'],
  [' From here', 'From here'],
  ['words \n-- \nBob', 'words \n-- \nBob'],
  ['-- \nBob', '-- \nBob'],
  ['the end ', 'the end '],
  ['', ''],
])('%j', (text, whole) => {
  expect(unflow(text, false)).toBe(whole)
})

test('where the blank is not part of the text it is taken away', () => {
  expect(unflow('長い \n文章 \nです', true)).toBe('長い文章です')
  expect(unflow('one  \ntwo', true)).toBe('one two')
})
