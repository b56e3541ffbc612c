/** What a mail server is asked of a search, folder by folder. */
import { expect, test } from 'vitest'
import { parseSearch } from '../index/search-language.ts'
import { folderTerm, looksIntoTexts, mayBeIn, unaskable } from './server-terms.ts'

const parse = (query: string) => parseSearch(query, { inBody: true })
const ask = (query: string, ...names: string[]) => folderTerm(parse(query), name => names.includes(name))
const text = (word: string) => ({ kind: 'text', text: word, inBody: true })

test('folders are decided beforehand, and the rest is what the server is asked', () => {
  expect(ask('in:sent', 'sent')).toEqual({ kind: 'everything' })
  expect(ask('in:sent tea', 'inbox')).toEqual({ kind: 'nothing' })
  expect(ask('in:sent tea', 'sent')).toEqual({ kind: 'asked', term: text('tea') })
  expect(ask('tea OR in:sent', 'sent')).toEqual({ kind: 'everything' })
  expect(ask('(tea milk) OR in:sent', 'inbox')).toEqual({
    kind: 'asked',
    term: { kind: 'and', terms: [text('tea'), text('milk')] },
  })
  expect(ask('-(in:sent OR -tea)', 'inbox')).toEqual({
    kind: 'asked',
    term: { kind: 'not', term: { kind: 'not', term: text('tea') } },
  })
  expect(ask('-in:sent', 'sent')).toEqual({ kind: 'nothing' })
})

test('a keyword that no message can have, and a size below the smallest, are found nowhere', () => {
  expect(ask('label:"a b"')).toEqual({ kind: 'nothing' })
  expect(ask('-label:"a(b" tea')).toEqual({ kind: 'asked', term: text('tea') })
  expect(ask('label:é')).toEqual({ kind: 'nothing' })
  expect(ask('label:$Work')).toEqual({ kind: 'asked', term: { kind: 'keyword', keyword: '$Work' } })
  expect(ask('smaller:1')).toEqual({ kind: 'nothing' })
})

test('what only an index knows is named, wherever it stands', () => {
  expect(unaskable(parse('tea OR -(milk has:attachment)'))).toBe('has:attachment')
  expect(unaskable(parse('-filename:pdf'))).toBe('filename:')
  expect(unaskable(parse('thread:1abc'))).toBe('thread:')
  expect(unaskable(parse('a OR -(b c*) cc:d label:e on:2026-01-01 in:f body:g'))).toBeUndefined()
})

test('whether texts decide is known, also behind a minus', () => {
  for (const query of ['tea', 'is:unread OR -(subject:a b)', 'body:x', 'has:link'])
    expect(looksIntoTexts(parse(query))).toBe(true)
  for (const query of ['subject:tea', 'from:a OR -in:b', 'has:attachment'])
    expect(looksIntoTexts(parse(query))).toBe(false)
  expect(looksIntoTexts(parseSearch('tea', { inBody: false }))).toBe(false)
})

test('a folder that a search leaves out is known, whatever else it asks for', () => {
  const mayBe = (query: string, ...names: string[]) => mayBeIn(parse(query), name => names.includes(name))
  expect(mayBe('in:sent has:attachment', 'sent')).toBe(true)
  expect(mayBe('in:sent has:attachment', 'inbox')).toBe(false)
  expect(mayBe('in:sent OR has:attachment', 'inbox')).toBe(true)
  expect(mayBe('-in:sent tea', 'sent')).toBe(false)
  expect(mayBe('-(tea in:sent)', 'sent')).toBe(true)
})
