/** What the user is shown before a tool runs. */
import { expect, test } from 'vitest'
import { exactInput, linesOfInput } from './input-words.ts'

test('recipients, subject and text are lines of their own', () => {
  const { lines, isWhole } = linesOfInput({
    subject: 'Offer',
    to: ['ada@example.org', { name: 'Bob', email: 'bob@example.org' }],
    body: 'Hello',
  })
  expect(lines).toEqual([
    { label: 'To', value: 'ada@example.org, Bob <bob@example.org>', isLong: false },
    { label: 'Subject', value: 'Offer', isLong: false },
    { label: 'Text', value: 'Hello', isLong: true },
  ])
  expect(isWhole).toBe(true)
})

test('a folder and a count tell where how many messages go, and the exact input has to be looked at', () => {
  const { lines, isWhole } = linesOfInput({ refs: ['a', 'b'], to: 'Archive' })
  expect(lines.map(({ label, value }) => `${label}: ${value}`)).toEqual(['Folder: Archive', 'Messages: 2 messages'])
  expect(isWhole).toBe(false)
})

test('what has no words is left to the exact input', () => {
  expect(linesOfInput({ subject: 'a', forward_all: true })).toMatchObject({
    lines: [{ label: 'Subject' }],
    isWhole: false,
  })
  expect(linesOfInput('{ half')).toEqual({ lines: [], isWhole: false })
})

test('invisible characters are spelt out', () => {
  expect(linesOfInput({ subject: 'a\u202eb' }).lines[0]?.value).toBe('a\\u{202e}b')
  expect(exactInput({ to: 'a\u200bb' })).toContain('a\\u{200b}b')
})

test('a name cannot pass for an address or for a further recipient, and what a line leaves out is said', () => {
  const to = [{ name: 'Boss <boss@example.org>, Ann', email: 'eve@evil.example' }]
  expect(linesOfInput({ to })).toMatchObject({
    lines: [{ value: '"Boss <boss@example.org>, Ann" <eve@evil.example>' }],
    isWhole: true,
  })
  expect(linesOfInput({ to: [{ ...to[0], bcc: 'all@evil.example' }] })).toEqual({ lines: [], isWhole: false })
})
