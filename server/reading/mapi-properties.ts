/** Parses MAPI properties in TNEF (MS-OXTNEF, section 2.1.3.4), and Outlook's texts. */
import { type ByteSteps, Damaged, type Steps } from './byte-steps.ts'

export const mapiType = { string: 0x1e, unicode: 0x1f, object: 0x0d, binary: 0x102 }
const variable: readonly number[] = Object.values(mapiType)

/** Bytes of a fixed-size value (MS-OXCDATA, section 2.11.1); undefined for other types. */
function sizeOf(type: number): number | undefined {
  if (type === 0x01) return 0
  if (type === 0x02 || type === 0x0b) return 2
  if (type === 0x03 || type === 0x04 || type === 0x0a) return 4
  if ([0x05, 0x06, 0x07, 0x14, 0x40].includes(type)) return 8
  return type === 0x48 ? 16 : undefined
}

/** Bytes with their charset; null when unknown. */
export interface PackedText {
  bytes: Buffer
  charset: string | null
}

/**
 * Reads a list of properties.
 * @param end End of the list's container.
 * @param take Reads what it wants of a value, but not past its end.
 */
export function* readProperties(
  source: ByteSteps,
  end: number,
  take: (id: number, type: number, length: number) => Steps<void>,
): Steps<void> {
  for (let left = yield* source.number(end); left > 0; left--) {
    source.count()
    const tag = yield* source.take(4, end)
    const [kind, id] = [tag.readUInt16LE(), tag.readUInt16LE(2)]
    if (id >= 0x8000) yield* passName(source, end)
    const [type, isList] = [kind & 0xefff, (kind & 0x1000) !== 0]
    const size = sizeOf(type)
    if (size === undefined && !variable.includes(type)) throw new Damaged('an unknown type')
    if (size !== undefined && isList) {
      yield* source.skip(padded((yield* source.number(end)) * size), end)
      continue
    }
    const values = size === undefined ? yield* source.number(end) : 1
    for (let value = 0; value < values; value++) {
      source.count()
      const length = size ?? (yield* source.number(end))
      if (length > end - source.at) throw new Damaged('a length is too long')
      const next = Math.min(end, source.at + padded(length))
      // Properties with several values are not needed.
      if (value === 0) yield* take(id, type, length)
      yield* source.skip(next - source.at, end)
    }
  }
}

/** Skips a property name, a number or a string; named properties are not needed. */
function* passName(source: ByteSteps, end: number): Steps<void> {
  yield* source.skip(16, end)
  const isNumber = (yield* source.number(end)) === 0
  yield* source.skip(isNumber ? 4 : padded(yield* source.number(end)), end)
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

/** Reads the wanted part of a text whose length was checked against its container. */
export function* readText(
  source: ByteSteps,
  { type, length, most, codepage }: { type: number; length: number; most: number; codepage: number | undefined },
): Steps<PackedText> {
  const bytes = yield* source.take(Math.min(length, most), Number.POSITIVE_INFINITY)
  const isWide = type === mapiType.unicode
  const charset = isWide ? 'utf-16le' : type === mapiType.string ? charsetOf(codepage) : null
  return { bytes: withoutZeros(bytes, isWide), charset }
}

/** Returns the charset of a Windows code page as mail spells it; null for none. */
export function charsetOf(codepage: number | undefined): string | null {
  if (!codepage) return null
  if (codepage === 65001) return 'utf-8'
  if (codepage === 1200) return 'utf-16le'
  if (codepage === 20127) return 'us-ascii'
  if (codepage === 20866) return 'koi8-r'
  if (codepage === 21866) return 'koi8-u'
  if (codepage >= 28591 && codepage <= 28606) return `iso-8859-${codepage - 28590}`
  return `cp${codepage}`
}

/** Removes the terminating zeros of a text. @param isWide Characters have two bytes. */
function withoutZeros(bytes: Buffer, isWide: boolean): Buffer {
  const unit = isWide ? 2 : 1
  let end = bytes.length - (bytes.length % unit)
  while (end >= unit && bytes[end - 1] === 0 && bytes[end - unit] === 0) end -= unit
  return bytes.subarray(0, end)
}
