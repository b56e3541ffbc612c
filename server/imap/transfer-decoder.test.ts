/** Parts in their transfer encodings, wherever the pieces were cut. */
import { expect, test } from 'vitest'
import { TransferDecoder } from './transfer-decoder.ts'

test.each([
  ['base64', 'aGVs\r\nbG8=', 'hello'],
  ['base64', 'YQ==\r\nYg==', 'ab'],
  ['base64', 'YWI', 'ab'],
  ['base64', 'Y!W-I=', 'ab'],
  ['quoted-printable', 'a=3Db=\r\nc', 'a=bc'],
  ['quoted-printable', 'a \t\r\nb', 'a\r\nb'],
  ['quoted-printable', 'a= \r\nb', 'ab'],
  ['quoted-printable', 'a=\nb', 'ab'],
  ['quoted-printable', '=e4=E4=ZZ=', '\xe4\xe4=ZZ'],
  ['quoted-printable (as it were)', '=41', 'A'],
  ['8bit', 'a=41', 'a=41'],
  ['x-unknown', 'YQ==', 'YQ=='],
])('%s %j', (encoding, source, decoded) => {
  for (const size of [1, 2, 3, 5, 100]) {
    const decoder = new TransferDecoder(encoding)
    const pieces = source.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    const bytes = [...pieces.map(piece => decoder.push(Buffer.from(piece, 'latin1'))), decoder.end()]
    expect([size, Buffer.concat(bytes).toString('latin1')]).toEqual([size, decoded])
  }
})
