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
  // As the message itself is read when it is opened.
  ['8bit', 'cp850', 'Gr\x81\xe1e', 'Grüße'],
  ['7bit', 'unicode-1-1-utf-7', 'Gr+APwA3w-e', 'Grüße'],
  ['8bit', 'utf-8', 'Gr\xfc\xdfe', 'Grüße'],
  ['8bit', null, 'Gr\xc3\xbc\xc3\x9fe', 'Grüße'],
])('%s in %s', async (encoding, charset, raw, wanted) => {
  expect(await decode(bytes(raw), { encoding, charset })).toBe(wanted)
})
