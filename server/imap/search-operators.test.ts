/** Operators of other search languages are refused by name; what only looks like one is a word. */
import { expect, test } from 'vitest'
import { operatorFault } from './search-query.ts'

test.each([
  ['OR', 'OR is not supported'],
  ['AND', 'AND is not needed'],
  ['NOT', 'a minus in front of the term'],
  ['&&', 'not needed'],
  ['|', '| is not supported'],
  ['||', '| is not supported'],
  ['cat|dog', '| is not supported'],
  ['(cat', 'grouping with ( )'],
  ['dog)', 'grouping with ( )'],
  ['(cat)', 'grouping with ( )'],
  ['{cat', '{ } is not supported'],
  ['dog}', '{ } is not supported'],
  ['inv*', '* is not a wildcard'],
  ['*voice', '* is not a wildcard'],
  ['\u201cannual', 'straight quotes'],
  ['report\u201d', 'straight quotes'],
  ['\u00abrapport\u00bb', 'straight quotes'],
  ['report"', 'the quote is not opened'],
])('%s is refused', (word, why) => {
  expect(operatorFault(word, { isTerm: true })).toContain(why)
})

test.each([
  'or',
  'Or',
  'and',
  'not',
  'ORDER',
  'NOTE',
  'AT&T',
  '&',
  'f(x)',
  '24"',
  '5"floppy',
  '*',
  'a*b',
  'don\u2019t',
])('%s is a word', word => {
  expect(operatorFault(word, { isTerm: true })).toBeUndefined()
})

test('an operator that is the value of a key is a value', () => {
  expect(operatorFault('OR', { isTerm: false })).toBeUndefined()
  expect(operatorFault('(anna', { isTerm: false })).toContain('grouping')
})
