/** The first bytes of a text part, wherever they end. */
import { expect, test } from 'vitest'
import { decode } from './imapflow-preview.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

test.each([
  ['base64', 'utf-8', 'R3LDvMOfZSBhdXM=', 'Grüße aus'],
  // Cut in the middle of a group, and of a character.
  ['BASE64', 'UTF-8', 'R3LDvMO', 'Grü'],
  ['quoted-printable', 'iso-8859-1', 'Gr=FC=DFe, a =\r\nlong line=F', 'Grüße, a long line'],
  ['quoted-printable', 'utf-8', '100 =25 =zz =', '100 % =zz '],
  ['7bit', 'us-ascii', 'plain', 'plain'],
  ['8bit', 'windows-1252', '\x80 5', '€ 5'],
  ['', 'no-such-charset', 'still read', 'still read'],
])('%s in %s', (encoding, charset, raw, wanted) => {
  expect(decode(bytes(raw), { encoding, charset })).toBe(wanted)
})
