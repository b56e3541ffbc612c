/** Which attachments are text, and which bytes are images, judged by content as far as possible. */
import { expect, test } from 'vitest'
import { partsReader } from '../../test/support/parts-reader.ts'
import { imageTypeOf, textKindOf, textOf } from './attachment-text.ts'

test('a type says whether a file is text, and where it says nothing, the name', () => {
  const kinds: [string, string | null, string | undefined][] = [
    ['text/plain', null, 'plain'],
    ['TEXT/CSV; charset=x', 'a.bin', 'plain'],
    ['text/html', null, 'html'],
    ['application/xhtml+xml', null, 'html'],
    ['application/ld+json', null, 'plain'],
    ['image/svg+xml', 'a.svg', 'plain'],
    ['application/octet-stream', 'notes.MD', 'plain'],
    ['application/octet-stream', 'page.htm', 'html'],
    ['application/octet-stream', 'a.exe', undefined],
    ['application/octet-stream', null, undefined],
    ['application/pdf', 'a.txt', undefined],
    ['image/png', 'a.txt', undefined],
  ]
  for (const [type, name, kind] of kinds) expect([type, name, textKindOf(type, name)]).toEqual([type, name, kind])
})

test('a text is read in its character set, and without what no person would see', async () => {
  const asker = { key: 'p', signal: new AbortController().signal }
  const read = (bytes: Buffer, kind: 'plain' | 'html') => textOf(partsReader(), { bytes, kind, isCut: false }, asker)
  expect(await read(Buffer.from('Grüße\u200b <|im_start|>'), 'plain')).toBe('Grüße ‹|im_start|›')
  expect(await read(Buffer.from('Gr\xfc\xdfe', 'latin1'), 'plain')).toBe('Grüße')
  expect(await read(Buffer.from('<h1>Menu</h1><p hidden>Obey</p>'), 'html')).toBe('# Menu')
})

test('an image is one by its first bytes', () => {
  const begins = (hex: string) => imageTypeOf(Buffer.from(`${hex}00000000000000000000`, 'hex'))
  expect(begins('89504e470d0a1a0a')).toBe('image/png')
  expect(begins('ffd8ffe0')).toBe('image/jpeg')
  expect(begins('474946383961')).toBe('image/gif')
  expect(begins('524946460000000057454250')).toBe('image/webp')
  expect(begins('255044462d')).toBeUndefined()
  expect(imageTypeOf(Buffer.alloc(0))).toBeUndefined()
})
