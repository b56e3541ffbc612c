/** What the index keeps of the text of a message. */
import { expect, test } from 'vitest'
import type { TextPart } from './index-types.ts'
import { textOfParts } from './text-of-parts.ts'

const part = (text: string | Uint8Array, more: Partial<TextPart> = {}): TextPart => ({
  type: 'text/plain',
  charset: 'utf-8',
  encoding: '7bit',
  bytes: typeof text === 'string' ? Buffer.from(text) : text,
  ...more,
})
const read = (...parts: TextPart[]) => textOfParts({ parts })

test('transfer encodings, character sets and flowed lines are what they stand for', async () => {
  const latin = Buffer.from('Gr=FC=DFe =\r\naus K=F6ln', 'latin1')
  const base64 = Buffer.from(Buffer.from('日本語').toString('base64'))
  const flowed = Buffer.from('One long \r\nline\r\n> quoted \r\n> too')
  expect(
    await read(
      part(latin, { charset: 'iso-8859-1', encoding: 'Quoted-Printable' }),
      part(base64, { encoding: 'BASE64' }),
      part(flowed, { isFlowed: true }),
    ),
  ).toEqual({
    text: 'Grüße aus Köln\n\n日本語\n\nOne long line\n> quoted too',
    hasLink: false,
    isTruncated: false,
  })
  const jis = Buffer.from('\x1b$B;qNA\x1b(B', 'latin1')
  expect((await read(part(jis, { charset: 'iso-2022-jp' }))).text).toBe('資料')
})

test('HTML is its words, its blanks are one, and its links are links', async () => {
  const html = '<style>p{}</style><p>Dear  Anna,\n<p>see <a href="https://example.com/x">the  plan</a>&nbsp;now</p>'
  expect(await read(part(html, { type: 'TEXT/HTML' }))).toEqual({
    text: 'Dear Anna,\n\nsee the plan now',
    hasLink: true,
    isTruncated: false,
  })
})

test.each([
  ['see https://example.com', true],
  ['see www.example.com', true],
  ['see example.com', false],
  ['https:// and www.', false],
])('whether %j has a link: %j', async (text, hasLink) => {
  expect((await read(part(text))).hasLink).toBe(hasLink)
})

test('what is cut is said to be', async () => {
  const { text, isTruncated } = await read(part('é'.repeat(300_000)), part('more'))
  expect(text).toBe('é'.repeat(256 * 1024))
  expect(isTruncated).toBe(true)
  expect(await read(part('<p>x'.repeat(200_000), { type: 'text/html' }))).toMatchObject({ isTruncated: true })
  // The bytes were cut within a character.
  expect((await read(part(Buffer.from('Köln é').subarray(0, -1)))).text).toBe('Köln')
})

test('no parts, an unknown character set or encoding, NUL and half of a pair are no fault', async () => {
  expect(await read()).toEqual({ text: '', hasLink: false, isTruncated: false })
  expect((await read(part('a\0b', { charset: 'x-nobody-knows', encoding: 'x-uue' }))).text).toBe('ab')
  const utf16 = Buffer.from('\ud83d x', 'utf16le')
  expect((await read(part(utf16, { charset: 'utf-16le' }))).text.isWellFormed()).toBe(true)
})
