/** Unsubscribing from lists: which headers are reported, and which are not. */
import { expect, test } from 'vitest'
import { unsubscribeOf } from './list-unsubscribe.ts'

const oneClick = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click'
const read = (...lines: string[]) =>
  unsubscribeOf(`From: a@b.example\r\n${lines.join('\r\n')}\r\n\r\nbody <https://body.example>`)

test.each([
  [
    'https and mailto, in their order',
    ['<mailto:leave@l.example?subject=u>, <https://l.example/u?id=1>'],
    ['mailto:leave@l.example?subject=u', 'https://l.example/u?id=1'],
  ],
  [
    'a comment, and blanks of folding',
    ['(here)\r\n <https://l.example/\r\n long/path>'],
    ['https://l.example/long/path'],
  ],
  ['no other kinds', ['<http://l.example/u>, <javascript:alert(1)>, <data:text/html,x>, <ftp://l.example>'], undefined],
  ['no name that hides the host', ['<https://bank.example@evil.example/>'], undefined],
  [
    'no second address of a mail that is sent',
    [
      '<mailto:u@l.example?cc=boss@own.example>, <mailto:u@l.example?BCC=a@b>, <mailto:a@b,c>, <mailto:u%40x%2cv@l.example>',
    ],
    undefined,
  ],
  [
    'no end of a header',
    [
      '<mailto:u%0d%0aBcc:x@l.example>, <mailto:u@l.example?subject=a%0D%0ABcc:%20x@y>, <mailto:u@l.example?subject=a%00>',
    ],
    undefined,
  ],
  [
    'lines in a text',
    ['<mailto:u@l.example?subject=leave&body=a%0D%0Ab>'],
    ['mailto:u@l.example?subject=leave&body=a%0D%0Ab'],
  ],
  ['no mailto without an address', ['<mailto:>, <mailto:a,b@c@d>'], undefined],
  [
    'a host in letters of another script as it is asked for',
    ['<https://ex\u0430mple.com/u>'],
    ['https://xn--exmple-4nf.com/u'],
  ],
  ['nothing that stands outside of brackets', ['https://l.example/u'], undefined],
  [
    'five at most, each once',
    [`${[1, 1, 2, 3, 4, 5, 6].map(n => `<https://l.example/${n}>`).join(',')}`],
    [...[1, 2, 3, 4, 5].map(n => `https://l.example/${n}`)],
  ],
  ['none that is too long', [`<https://l.example/${'a'.repeat(2_000)}>`], undefined],
] as [string, string[], string[] | undefined][])('%s', (_name, [value], urls) => {
  expect(read(`List-Unsubscribe: ${value}`)?.urls).toEqual(urls)
})

test('one click is for https, and the first header of the name counts', () => {
  expect(read('List-Unsubscribe: <https://l.example/u>', oneClick)?.is_one_click).toBe(true)
  expect(read('List-Unsubscribe: <https://l.example/u>')?.is_one_click).toBe(false)
  expect(read('List-Unsubscribe: <mailto:u@l.example>', oneClick)?.is_one_click).toBe(false)
  expect(read(oneClick)).toBeNull()
  const two = read('List-Unsubscribe: <https://one.example/>', 'list-unsubscribe: <https://two.example/>')
  expect(two?.urls).toEqual(['https://one.example/'])
})
