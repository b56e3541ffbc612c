/** RTF of Outlook: unpacked as its specification's examples are, and read as text or as the HTML in it. */
import { expect, test } from 'vitest'
import { rtf, u32 } from '../../test/support/tnef-files.ts'
import { unpackRtf } from './compressed-rtf.ts'
import { readRtf } from './rtf-text.ts'

const read = (text: string) => readRtf({ compressed: rtf.compressed(text) })

test.each([
  [
    '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
    '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
  ],
  ['1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0', '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}'],
])('the examples of MS-OXRTFCP, section 4, become what they are there', (compressed, text) => {
  expect(unpackRtf(Buffer.from(compressed, 'hex'))?.toString('latin1')).toBe(text)
})

test('cut off anywhere, it is the beginning; what it claims to become is not reserved', () => {
  const whole = rtf.compressed('{\\rtf1 some words that are long enough}')
  for (let length = 0; length < whole.length; length++) {
    const part = unpackRtf(whole.subarray(0, length))
    if (part) expect('{\\rtf1 some words that are long enough}'.startsWith(part.toString())).toBe(true)
  }
  const lies = Buffer.concat([u32(20), u32(0xffffffff), u32(0x75465a4c), u32(0), Buffer.from([0, 65, 66])])
  expect(unpackRtf(lies)?.toString()).toBe('AB')
  // References to the dictionary alone: seventeen bytes for two.
  const bomb = Buffer.concat([u32(0), u32(0xffffffff), u32(0x75465a4c), u32(0), Buffer.alloc(900_000, 0xff)])
  expect(unpackRtf(bomb)!.length).toBeLessThanOrEqual(4 * 1024 * 1024)
})

test.each([
  [
    'paragraphs and marks',
    String.raw`{\rtf1\ansi One\par Two\tab x\line\{y\}\\ \'e9\~z}`,
    'One\nTwo\tx\n{y}\\ é\u00a0z',
  ],
  [
    'tables that are no text',
    String.raw`{\rtf1{\fonttbl{\f0 Arial;}}{\colortbl;\red0;}{\info{\author Eve}}{\*\unknown hidden}shown}`,
    'shown',
  ],
  [
    'Unicode, and what stands in for it',
    String.raw`{\rtf1\uc1 \u8364?5 {\uc2 \u26085 xx}\u-10179?\u-8704?}`,
    '€5 日😀',
  ],
  [
    'a font with a character set of its own',
    "{\\rtf1\\ansicpg1252{\\fonttbl{\\f0 A;}{\\f1\\fcharset128 B;}}\\f0 \\'e9{\\f1 \\'93\\'fa}}",
    'é日',
  ],
  ['the code page of the document', String.raw`{\rtf1\ansicpg1251 \'cf\'f0\'e8}`, 'При'],
  ['raw bytes and line ends', '{\\rtf1 a\r\nb\\\nc}', 'ab\nc'],
  ['bytes that are passed over', '{\\rtf1 a{\\pict\\bin4 }}}}b}', 'a'],
])('%s', async (_what, source, text) => {
  expect(await read(source)).toEqual({ kind: 'plain', content: text })
})

test('HTML that was wrapped in RTF comes out as it was (MS-OXRTFEX)', async () => {
  const source = String.raw`{\rtf1\ansi\ansicpg1252\fromhtml1 {\fonttbl{\f0 Arial;}}{\*\htmltag19 <html>}{\*\htmltag50 <body>}\htmlrtf {\htmlrtf0 {\*\htmltag64 <p>}\htmlrtf \par\b\htmlrtf0 a {\*\htmltag84 &lt;}b\htmlrtf \b0\htmlrtf0 {\*\mhtmltag84 <a href="x">}{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0 {\*\htmltag58 </body>}}`
  expect(await read(source)).toEqual({ kind: 'html', content: '<html><body><p>a &lt;b</p></body>' })
})

test('input that is no RTF, or only half of one, does no harm', async () => {
  expect(await readRtf({ compressed: Buffer.from('too short') })).toBeNull()
  expect(await read('plain words')).toBeNull()
  expect(await readRtf({ compressed: rtf.uncompressed('{\\rtf1 raw}') })).toEqual({ kind: 'plain', content: 'raw' })
  for (const end of ['\\', "\\'", "\\'e", '\\u', '\\bin', '\\bin99999', '}}}}', '{'.repeat(100_000)]) {
    expect((await read(`{\\rtf1 words${end}`))?.content).toBe('words')
  }
})
