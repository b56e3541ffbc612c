/** Decompresses the RTF of Outlook messages (MS-OXRTFCP). */

/** Maximum decompressed size; longer text is truncated. */
const maxBytes = 4 * 1024 * 1024
const headerBytes = 16
const [compressed, uncompressed] = [0x75465a4c, 0x414c454d]
const dictionaryBytes = 4096
/** The initial content of the dictionary. */
const usual = Buffer.from(
  String.raw`{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
    '\r\n' +
    String.raw`\par \pard\plain\f0\fs20\b\i\u\tab\tx`,
)

/** Undefined when it is not compressed RTF. Truncated input yields what was decompressed. */
export function unpackRtf(source: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  if (bytes.length < headerBytes) return undefined
  const [rawBytes, kind] = [bytes.readUInt32LE(4), bytes.readUInt32LE(8)]
  const length = Math.min(rawBytes, maxBytes)
  if (kind === uncompressed) return bytes.subarray(headerBytes, headerBytes + length)
  if (kind !== compressed) return undefined
  return decompress(bytes, length)
}

function decompress(bytes: Buffer, length: number): Buffer {
  const dictionary = Buffer.alloc(dictionaryBytes)
  let write = usual.copy(dictionary)
  // A reference of two bytes yields at most 17 bytes, so no more is allocated, whatever size is claimed.
  const out = Buffer.alloc(Math.min(length, bytes.length * 9))
  let [at, size] = [headerBytes, 0]
  const put = (byte: number) => {
    out[size++] = dictionary[write] = byte
    write = (write + 1) % dictionaryBytes
  }
  while (at < bytes.length && size < out.length) {
    let flags = bytes[at++]!
    for (let bit = 0; bit < 8 && at < bytes.length && size < out.length; bit++, flags >>= 1) {
      if ((flags & 1) === 0) {
        put(bytes[at++]!)
        continue
      }
      if (at + 1 >= bytes.length) return out.subarray(0, size)
      const reference = bytes.readUInt16BE(at)
      at += 2
      const from = reference >> 4
      if (from === write) return out.subarray(0, size)
      for (let index = 0; index < (reference & 15) + 2 && size < out.length; index++)
        put(dictionary[(from + index) % dictionaryBytes]!)
    }
  }
  return out.subarray(0, size)
}
