/** The text shown for a message, also if its HTML cannot be parsed. */
import { expect, test, vi } from 'vitest'
import { readParts } from '../reading/read-parts.ts'
import type { MessageParts } from '../reading/read-text.ts'
import { chooseText, unreadPart } from './chosen-text.ts'

const told = (parts: MessageParts) => chooseText(parts, async () => readParts(parts))
const mixed: MessageParts = {
  text: 'the footer',
  html: '<p>meeting Friday',
  textBody: [
    { kind: 'html', content: '<p>meeting Friday' },
    { kind: 'plain', content: 'the footer' },
  ],
}

test('a message of text alone is not read by anybody', async () => {
  const read = vi.fn()
  expect(await chooseText({ text: 'hello', html: null }, read)).toEqual({
    text: 'hello',
    text_from: 'text',
    parts_differ: false,
  })
  expect(await chooseText({ text: null, html: null }, read)).toEqual({
    text: null,
    text_from: null,
    parts_differ: false,
  })
  expect(read).not.toHaveBeenCalled()
})

test('what the text was made from is said', async () => {
  expect(await told({ text: 'hello', html: '<p>hello' })).toEqual({
    text: 'hello',
    text_from: 'text',
    parts_differ: false,
  })
  expect(await told({ text: null, html: '<p>hello' })).toEqual({
    text: 'hello',
    text_from: 'html',
    parts_differ: false,
  })
  expect(await told(mixed)).toMatchObject({ text: 'meeting Friday\n\nthe footer', text_from: 'both' })
})

test('a stub gives way to HTML that says far more, and it is told that it said something else', async () => {
  const html = `<p>${'We have news of the harvest and of the price of tea. '.repeat(3)}`
  const text = 'Bitte benutzen Sie ein neueres Programm.'
  expect(await told({ text, html })).toMatchObject({
    text_from: 'html',
    parts_differ: true,
    text: expect.stringMatching(/^We/),
  })
  const same = 'Pay 12345 to eve@evil.example by Friday, and send word when it is done.'
  expect(await told({ text: same, html: '<p>See you on Friday.' })).toEqual({
    text: same,
    text_from: 'text',
    parts_differ: true,
  })
})

test.each(['busy', 'gave_up'] as const)('where the HTML is not read (%s), its place in the text says so', async why => {
  const text = `${unreadPart}\n\nthe footer`
  expect(await chooseText(mixed, async () => why)).toEqual({ text, text_from: 'text', parts_differ: null })
  const either = { text: 'hello', html: '<p>hello' }
  expect(await chooseText(either, async () => why)).toEqual({ text: 'hello', text_from: 'text', parts_differ: null })
  expect(await chooseText({ text: null, html: '<p>x' }, async () => why)).toEqual({
    text: null,
    text_from: null,
    parts_differ: false,
  })
})
