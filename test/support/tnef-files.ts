/**
 * Builds `winmail.dat` files (TNEF) by MS-OXTNEF, and a corpus of them. `tnef-files.json` holds what `tnefparse` reads
 * of each, see `tnef-files.py`.
 */
import { crc32 } from 'node:zlib'

/** Encodes a number as little-endian bytes. */
export const u16 = (value: number): Buffer => Buffer.from([value & 0xff, (value >> 8) & 0xff])
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

export const tnefHead = Buffer.concat([u32(0x223e9f78), u16(0x0b17)])

/** @param level 1 for the message, 2 for an attachment. @param id The attribute id, with its type in the upper half. */
export function attribute(level: number, id: number, data: Buffer | string): Buffer {
  const bytes = Buffer.from(data as string, 'latin1')
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  return Buffer.concat([Buffer.from([level]), u32(id), u32(bytes.length), bytes, u16(sum)])
}

/** A property's value; `string` is in the message's code page, `unicode` in UTF-16, both zero-terminated. */
export type MapiValue =
  | { long: number }
  | { short: number }
  | { longs: number[] }
  | { string: string | Buffer }
  | { unicode: string }
  | { binary: Buffer }
  | { binaries: Buffer[] }
  | { object: Buffer }

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
const sized = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), padded(bytes)])
const one = (bytes: Buffer): Buffer => Buffer.concat([u32(1), sized(bytes)])

function written(value: MapiValue): [type: number, bytes: Buffer] {
  if ('long' in value) return [0x03, u32(value.long)]
  if ('short' in value) return [0x02, padded(u16(value.short))]
  if ('longs' in value) return [0x1003, Buffer.concat([u32(value.longs.length), ...value.longs.map(u32)])]
  if ('binaries' in value) return [0x1102, Buffer.concat([u32(value.binaries.length), ...value.binaries.map(sized)])]
  if ('string' in value)
    return [0x1e, one(Buffer.concat([Buffer.from(value.string as string, 'latin1'), Buffer.alloc(1)]))]
  if ('unicode' in value) return [0x1f, one(Buffer.from(`${value.unicode}\0`, 'utf16le'))]
  return 'object' in value ? [0x0d, one(value.object)] : [0x102, one(value.binary)]
}

/** @param name Name of a named property, a number or a string; its property set is arbitrary. */
export function mapi(properties: [id: number, value: MapiValue, name?: number | string][]): Buffer {
  const each = properties.map(([id, value, name]) => {
    const [type, bytes] = written(value)
    const words = typeof name === 'string' ? Buffer.from(`${name}\0`, 'utf16le') : undefined
    const named = words ? Buffer.concat([u32(1), sized(words)]) : Buffer.concat([u32(0), u32(Number(name))])
    const of = name === undefined ? [] : [Buffer.alloc(16, 7), named]
    return Buffer.concat([u16(type), u16(id), ...of, bytes])
  })
  return Buffer.concat([u32(properties.length), ...each])
}

/** The checksum of MS-OXRTFCP starts at zero and lacks the final inversion of CRC-32. */
const sumOf = (bytes: Buffer): number => crc32(bytes, 0xffffffff) ^ 0xffffffff

export const rtf = {
  /** Encodes as literals only, which is valid (MS-OXRTFCP). */
  compressed(text: string): Buffer {
    const bytes = Buffer.from(text, 'latin1')
    const groups: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 8) groups.push(Buffer.from([0]), bytes.subarray(at, at + 8))
    const body = Buffer.concat(groups)
    return Buffer.concat([u32(body.length + 12), u32(bytes.length), u32(0x75465a4c), u32(sumOf(body)), body])
  },
  uncompressed(text: string): Buffer {
    const bytes = Buffer.from(text, 'latin1')
    return Buffer.concat([u32(bytes.length + 12), u32(bytes.length), u32(0x414c454d), u32(0), bytes])
  },
}

export interface FileToPack {
  title?: string | Buffer
  data?: Buffer
  properties?: Parameters<typeof mapi>[0]
}

export function packedFile({ title, data, properties }: FileToPack): Buffer {
  return Buffer.concat([
    attribute(2, 0x00069002, Buffer.alloc(14)),
    ...(title === undefined
      ? []
      : [attribute(2, 0x00018010, Buffer.concat([Buffer.from(title as string, 'latin1'), Buffer.alloc(1)]))]),
    ...(data === undefined ? [] : [attribute(2, 0x0006800f, data)]),
    ...(properties === undefined ? [] : [attribute(2, 0x00069005, mapi(properties))]),
  ])
}

/** @param codepage Code page of its texts. */
export function tnef(parts: readonly Buffer[], codepage = 1252): Buffer {
  const version = attribute(1, 0x00089006, u32(0x00010000))
  return Buffer.concat([tnefHead, version, attribute(1, 0x00069007, Buffer.concat([u32(codepage), u32(0)])), ...parts])
}

export const ofMessage = (properties: Parameters<typeof mapi>[0]): Buffer => attribute(1, 0x00069003, mapi(properties))

const text = (words: string) => Buffer.from(words)
const iMessage = Buffer.from('0703020000000000c000000000000046', 'hex')
const inner = tnef([
  ofMessage([[0x1000, { string: 'inner words' }]]),
  packedFile({ title: 'inner.txt', data: text('deep') }),
])

/** The corpus, by what is special about each file. */
export const tnefFiles: Record<string, Buffer> = {
  'one file with a short name': tnef([packedFile({ title: 'notes.txt', data: text('some notes') })]),
  'a long name in UTF-16, and a type': tnef([
    packedFile({
      title: 'LONGNA~1.PDF',
      data: text('%PDF-1.4'),
      properties: [
        [0x3704, { string: 'LONGNA~1.PDF' }],
        [0x3707, { unicode: 'Übersicht – 計画 2026.pdf' }],
        [0x370e, { unicode: 'application/pdf' }],
        [0x3712, { unicode: 'plan@example.org' }],
      ],
    }),
  ]),
  'names in a Japanese code page': tnef(
    [packedFile({ title: Buffer.from('93fa967b8cea2e747874', 'hex'), data: text('xyz') })],
    932,
  ),
  'data among the properties': tnef([
    packedFile({ title: 'a.bin', properties: [[0x3701, { binary: Buffer.from([1, 2, 3, 4, 5]) }]] }),
  ]),
  'an attached message': tnef([
    packedFile({
      title: 'Untitled',
      properties: [
        [0x3705, { long: 5 }],
        [0x3001, { unicode: 'Minutes of May' }],
        [0x3701, { object: Buffer.concat([iMessage, inner]) }],
      ],
    }),
  ]),
  'an HTML body': tnef([
    attribute(1, 0x00078008, 'IPM.Note\0'),
    ofMessage([
      [0x3fde, { long: 65001 }],
      [0x8001, { longs: [1, 2, 3] }, 0x8501],
      [0x8002, { unicode: 'x' }, 'a name of words'],
      [0x0e1d, { short: 3 }],
      [0x1013, { binary: text('<p>Grüße aus der Datei</p>') }],
    ]),
    packedFile({ title: 'a.txt', data: text('abc') }),
  ]),
  'a body as text, in UTF-16': tnef([ofMessage([[0x1000, { unicode: 'Zwölf Boxkämpfer' }]])]),
  'a body in RTF': tnef([
    ofMessage([
      [
        0x1009,
        {
          binary: rtf.compressed(
            String.raw`{\rtf1\ansi\ansicpg1252\fromtext {\fonttbl{\f0\fswiss Arial;}}\f0 Hello\par caf\'e9}`,
          ),
        },
      ],
    ]),
  ]),
  'several values of one property': tnef([
    ofMessage([
      [0x3a00, { binaries: [text('abc'), text('defgh'), text('')] }],
      [0x1000, { string: 'after the list' }],
    ]),
  ]),
  'two files, one of them empty': tnef([
    packedFile({ title: 'empty.txt' }),
    packedFile({ title: 'full.txt', data: text('full') }),
  ]),
  'a file of 300 KiB': tnef([
    packedFile({
      title: 'large.bin',
      data: Buffer.from(Array.from({ length: 300 * 1024 }, (_, at) => (at * 31) & 0xff)),
    }),
  ]),
}
