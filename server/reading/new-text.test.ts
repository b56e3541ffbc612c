/** The new text of a message: nothing of its own is lost, and what is left out is counted. */
import { expect, test } from 'vitest'
import { newText } from './new-text.ts'

const lines = (...all: string[]) => all.join('\n')

test('quotations go with the line that says whose they are, and what stands between them stays', () => {
  const text = lines(
    'Yes.',
    '',
    'On Mon, 3 Nov 2026, Ann <ann@example.org> wrote:',
    '> one?',
    '>',
    '> two?',
    '',
    'And no.',
  )
  expect(newText(text)).toBe(lines('Yes.', '', '[4 lines of quotation left out]', '', 'And no.'))
  const german = lines('Ja.', 'Am 3. November 2026 um 10:00', 'schrieb Ann <ann@example.org>:', '> eins?')
  expect(newText(german)).toBe(lines('Ja.', '[3 lines of quotation left out]'))
  expect(newText(lines('Fine.', '-----Original Message-----', 'From: Ann', 'one?'))).toBe(
    lines('Fine.', '[3 lines of quotation left out]'),
  )
})

test('a signature goes, up to where a quotation begins', () => {
  const text = lines('Yes.', '-- ', 'Bob', 'Boss', 'Ann wrote:', '> one?')
  expect(newText(text)).toBe(lines('Yes.', '[3 lines of signature left out]', '[2 lines of quotation left out]'))
})

test('words of the sender stay, whatever they look like', () => {
  const kept = [
    lines('My three points:', '', 'first', '--', 'second'),
    lines('He wrote:', 'nothing at all'),
    lines('-- ', ...Array.from({ length: 30 }, (_, index) => `poem ${index}`)),
    lines('a > b', '    > indented code'),
    '',
  ]
  for (const text of kept) expect(newText(text)).toBe(text.trim())
})
