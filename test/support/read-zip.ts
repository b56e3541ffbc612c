/** Reads an uncompressed zip archive by its central directory, and verifies each file's checksum. */
import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'

export function readZip(zip: Buffer): { name: string; bytes: Buffer }[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  assert.ok(end >= 0, 'the archive has no end')
  const files: { name: string; bytes: Buffer }[] = []
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    assert.equal(zip.toString('latin1', at, at + 4), 'PK\x01\x02')
    assert.equal(zip.readUInt16LE(at + 10), 0, 'a file is compressed')
    const [sum, size, nameLength, extra, comment, header] = [
      zip.readUInt32LE(at + 16),
      zip.readUInt32LE(at + 24),
      zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30),
      zip.readUInt16LE(at + 32),
      zip.readUInt32LE(at + 42),
    ]
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const begin = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
    const bytes = zip.subarray(begin, begin + size)
    assert.equal(crc32(bytes), sum, `${name} is broken`)
    files.push({ name, bytes })
    at += 46 + nameLength + extra + comment
  }
  return files
}
