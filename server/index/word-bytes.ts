/** Variable-length encoding (varint) of numbers, seven bits per byte, used for postings. */

/** A read position in encoded bytes. */
export interface Cursor {
  bytes: Buffer
  at: number
}

export function pushNumber(bytes: number[], value: number): void {
  let left = value
  // Row ids exceed the 32 bits of JavaScript's shift operators.
  for (; left >= 2 ** 31; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  for (; left >= 128; left >>>= 7) bytes.push((left & 127) | 128)
  bytes.push(left)
}

/** Writes a number, and returns the position after it. */
export function writeNumber(bytes: Buffer, from: number, value: number): number {
  let [at, left] = [from, value]
  for (; left >= 2 ** 31; left = Math.floor(left / 128)) bytes[at++] = (left % 128) | 128
  for (; left >= 128; left >>>= 7) bytes[at++] = (left & 127) | 128
  bytes[at++] = left
  return at
}

export function readNumber(cursor: Cursor): number {
  const { bytes } = cursor
  let byte = bytes[cursor.at++]!
  let value = byte & 127
  for (let shift = 7; byte >= 128; shift += 7) {
    byte = bytes[cursor.at++]!
    value = shift < 28 ? value | ((byte & 127) << shift) : value + (byte & 127) * 2 ** shift
  }
  return value
}

/** Writes ascending row ids as a count and differences. */
export function pushRows(bytes: number[], rows: readonly number[], base: number): void {
  pushNumber(bytes, rows.length)
  let before = base
  for (const row of rows) {
    pushNumber(bytes, row - before)
    before = row
  }
}

export function readRows(cursor: Cursor, base: number): number[] {
  const count = readNumber(cursor)
  const rows: number[] = []
  for (let row = base; rows.length < count; ) {
    row += readNumber(cursor)
    rows.push(row)
  }
  return rows
}
