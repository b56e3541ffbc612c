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

test.each([
  ['base64', 'QUI=', 'AB'],
  ['base64', 'Q!', undefined],
  ['base64', '=', ''],
  ['quoted-printable', '=41', 'A'],
  ['quoted-printable', '= ', '= '],
  ['quoted-printable', ' ', ' '],
])(
  '%s of 1 MiB of %j is decoded in one go over it, as it must be where strangers chose it',
  (encoding, unit, decoded) => {
    const source = Buffer.from(unit.repeat((1024 * 1024) / unit.length + 1), 'latin1')
    const decoder = new TransferDecoder(encoding)
    const bytes = Buffer.concat([decoder.push(source), decoder.end()]).toString('latin1')
    const units = source.length / unit.length
    // Junk is no letter of base64.
    const all =
      decoded === undefined ? Buffer.from('Q'.repeat(units), 'base64').toString('latin1') : decoded.repeat(units)
    // At the end of a text `= ` is a soft line break.
    expect(bytes === (unit === '= ' ? all.slice(0, -2) : all)).toBe(true)
  },
)

test('long pieces of regular lines have the same bytes as short ones, and so has what only looks regular', () => {
  const file = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
  const lines = (length: number, end: string) =>
    file.toString('base64').replaceAll(new RegExp(`.{${length}}`, 'g'), `$&${end}`)
  const texts = [
    ...[
      lines(76, '\r\n'),
      lines(76, '\n'),
      lines(60, '\r\n'),
      lines(64, '\n'),
      lines(998, '\r\n'),
      lines(77, '\r\n'),
      lines(5, '\n'),
      file.toString('base64'),
    ],
    lines(76, '\r\n').replaceAll('A', '-'),
    lines(76, '\r\n').replaceAll('B', ' '),
    lines(76, '\n').replaceAll('CD', '\u00e9\0'),
    lines(76, '\r\n').replace(/\r\n/, '\n'),
    `${lines(76, '\r\n')}\r\n${lines(70, '\n')}`,
    lines(76, '\r\n').replaceAll('+', '_'),
  ]
  const decoded = (text: string, pieceBytes: number) => {
    const bytes = Buffer.from(text, 'latin1')
    let decoder = new TransferDecoder('base64')
    const out: Buffer[] = []
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      out.push(decoder.push(bytes.subarray(at, at + pieceBytes)))
      // Like a reader that resumes at this offset later.
      decoder = new TransferDecoder('base64', decoder.rest)
    }
    return Buffer.concat([...out, decoder.end()])
  }
  for (const [at, text] of texts.entries()) {
    const wanted = decoded(text, 1_000)
    if (at < 8) expect(wanted.equals(file)).toBe(true)
    for (const pieceBytes of [4_096, 4_097, 4_098, 4_099, 5_000, 65_536, 100_000]) {
      expect([at, pieceBytes, decoded(text, pieceBytes).equals(wanted)]).toEqual([at, pieceBytes, true])
    }
  }
})
