/** The matches of a few letters, and their order. */
import { expect, test } from 'vitest'
import { findFuzzy } from './fuzzy.ts'

const items = [
  'Overview',
  'Mail',
  'Clients',
  'Accounts',
  'Configuration',
  'Archive 2026',
  'Fünf & Söhne',
  'Go to mail of Ada',
]
const find = (query: string, most = 50) => findFuzzy(query, items, item => item, most)

test('letters are found in order, at the beginnings of words first, whatever their case and accents', () => {
  expect(find('ovw')).toEqual(['Overview'])
  expect(find('MAIL')[0]).toBe('Mail')
  expect(find('c')[0]).toBe('Clients')
  expect(find('sohne')).toEqual(['Fünf & Söhne'])
  expect(find('ada mail')).toEqual(['Go to mail of Ada'])
  expect(find('zzz')).toEqual([])
})

test('nothing typed finds all of them as they stand, and never more than was asked for', () => {
  expect(find('  ')).toEqual(items)
  expect(find('', 3)).toEqual(items.slice(0, 3))
})
