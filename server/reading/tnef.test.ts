/** `winmail.dat`: what is read of it is what another parser reads, in whatever pieces it comes, and no number in it is believed. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  attribute,
  mapi,
  ofMessage,
  packedFile,
  tnef,
  tnefFiles,
  tnefHead,
  u16,
  u32,
} from '../../test/support/tnef-files.ts'
import { decodeText } from './charset.ts'
import type { PackedText } from './mapi-properties.ts'
import { readRtf } from './rtf-text.ts'
import { type Tnef, TnefReader } from './tnef.ts'

interface Read {
  files: { name: string | null; sha256: string; is_message: boolean }[]
  html: string | null
  text: string | null
  rtf: string | null
}

/** Parsed by tnefparse, see `tnef-files.py`. */
const expected: Record<string, Read & { sha256: string }> = JSON.parse(
  readFileSync(new URL('../../test/support/tnef-files.json', import.meta.url), 'utf8'),
)
/** Where we differ from tnefparse, and why that is right. */
const differences: Record<string, string> = {
  // tnefparse decodes every short name as UTF-8.
  'names in a Japanese code page': '日本語.txt',
  // A message is named by its subject; tnefparse uses its name as a file.
  'an attached message': 'Minutes of May',
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const wordsOf = async (text: PackedText | null) => text && decodeText(text.bytes, text.charset)

function read(bytes: Buffer, pieceBytes = 64 * 1024): Tnef {
  const reader = new TnefReader()
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes))
  return reader.end()
}

async function told(name: string, bytes: Buffer, pieceBytes: number): Promise<Read> {
  const { files, html, text, rtf, isWhole } = read(bytes, pieceBytes)
  expect(isWhole).toBe(true)
  return {
    files: await Promise.all(
      files.map(async file => ({
        name:
          differences[name] === (await wordsOf(file.name)) ? expected[name]!.files[0]!.name : await wordsOf(file.name),
        sha256: sha256(bytes.subarray(file.offset, file.offset + file.length)),
        is_message: file.kind === 'message',
      })),
    ),
    html: await wordsOf(html),
    text: await wordsOf(text),
    rtf: rtf && ((await readRtf({ compressed: rtf }))?.content ?? null),
  }
}

describe.each(Object.entries(tnefFiles))('%s', (name, bytes) => {
  const { sha256: sum, rtf, ...rest } = expected[name]!

  test.each([1, 7, 65_536])('says the same as to another parser, in pieces of %i bytes', async pieceBytes => {
    expect(sum, 'tnef-files.json is of other files: see tnef-files.py').toBe(sha256(bytes))
    expect(await told(name, bytes, pieceBytes)).toEqual({ ...rest, rtf: rtf === null ? null : 'Hello\ncafé' })
  })

  test('is never more than what came of it, wherever it is cut off', () => {
    for (let length = 0; length < Math.min(bytes.length, 3_000); length++) {
      const { files, isWhole } = read(bytes.subarray(0, length))
      for (const file of files) expect(file.offset + file.length).toBeLessThanOrEqual(length)
      const isEndOfAttribute = isWhole && length > 0
      if (isEndOfAttribute)
        expect(read(Buffer.concat([bytes.subarray(0, length), Buffer.alloc(1)])).isWhole).toBe(false)
    }
  })

  test('is passed over where its bytes are others, and never leads outside of it', () => {
    let seed = 12_345
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    for (let round = 0; round < 400; round++) {
      const changed = Buffer.from(bytes.subarray(0, 4_000))
      for (let change = 0; change <= random(4); change++) changed[6 + random(changed.length - 6)] = random(256)
      const { files, html, text, rtf } = read(changed)
      for (const { offset, length } of files) {
        expect(offset).toBeGreaterThanOrEqual(0)
        expect(offset + length).toBeLessThanOrEqual(changed.length)
      }
      for (const kept of [html?.bytes, text?.bytes, rtf]) expect(kept?.length ?? 0).toBeLessThanOrEqual(changed.length)
    }
  })
})

test('the kind of item is told', async () => {
  const { messageClass } = read(tnefFiles['an HTML body']!)
  expect(await wordsOf(messageClass)).toBe('IPM.Note')
})

test('a wrong checksum is reported, and the file can be read nevertheless', () => {
  const good = packedFile({ title: 'a.txt', data: Buffer.from('abc') })
  good[good.length - 1] = 0xee
  const { files, isWhole } = read(tnef([good, packedFile({ title: 'b.txt', data: Buffer.from('b') })]))
  expect([files.map(({ length }) => length), isWhole]).toEqual([[3, 1], false])
})

test.each([
  ['a value longer than its list', ofMessage([[0x1000, { string: 'x' }]]), 12],
  ['more values than there are', ofMessage([[0x1000, { string: 'x' }]]), 8],
  ['more properties than there are', ofMessage([[0x1000, { string: 'x' }]]), 0],
])('%s ends the list, and what follows is read', (_what, list, at) => {
  // A header of 9 bytes precedes the list.
  list.writeUInt32LE(0xfffffff0, 9 + at)
  const { files, isWhole, text } = read(tnef([list, packedFile({ title: 'b.txt', data: Buffer.from('b') })]))
  expect([files.length, isWhole]).toEqual([1, false])
  expect(text?.bytes.length ?? 0).toBeLessThanOrEqual(1)
})

test('an attribute that claims four gigabytes is as long as what came', () => {
  const lies = Buffer.concat([Buffer.from([2]), u32(0x0006800f), u32(0xffffffff), Buffer.from('abc')])
  const { files, isWhole } = read(tnef([attribute(2, 0x00069002, Buffer.alloc(14)), lies]))
  expect([files.map(({ length }) => length), isWhole]).toEqual([[3], false])
})

test('a million attributes, or properties, are left after 20,000, and 200 files are told of', () => {
  const version = attribute(1, 0x00089006, u32(0x10000))
  const properties = Buffer.concat([u32(1_000_000), Buffer.alloc(4_000_000, Buffer.concat([u16(1), u16(0x3000)]))])
  for (const [bytes, isDone] of [
    [Buffer.concat([tnefHead, Buffer.alloc(version.length * 1_000_000, version)]), true],
    [tnef([attribute(1, 0x00069003, properties)]), true],
  ] as const) {
    const reader = new TnefReader()
    let taken = 0
    for (; taken < bytes.length && !reader.isDone; taken += 65_536) reader.push(bytes.subarray(taken, taken + 65_536))
    expect([reader.isDone, reader.end().isWhole]).toEqual([isDone, false])
    if (bytes.length > 5_000_000) expect(taken).toBeLessThan(1_000_000)
  }
  const many = Array.from({ length: 1_000 }, (_, at) => packedFile({ title: `${at}.txt`, data: Buffer.from(`${at}`) }))
  const { files, isWhole } = read(tnef(many))
  expect([files.length, isWhole, files.at(-1)?.name?.bytes.toString()]).toEqual([200, false, '199.txt'])
})

test('of a body of many megabytes, or a name of many, the beginning is kept', () => {
  const long = Buffer.alloc(3 * 1024 * 1024, 'x')
  const { text, files, rtf, isTextCut } = read(
    tnef([
      ofMessage([
        [0x1000, { string: long }],
        [0x1009, { binary: long }],
      ]),
      packedFile({ title: long, data: Buffer.from('a') }),
    ]),
  )
  expect([text?.bytes.length, files[0]?.name?.bytes.length, rtf, isTextCut]).toEqual([1024 * 1024, 1_024, null, true])
})

test('attached messages in each other are one file: no depth is gone into', () => {
  let inner = tnef([packedFile({ title: 'x', data: Buffer.from('x') })])
  const interfaceId = Buffer.from('0703020000000000c000000000000046', 'hex')
  for (let depth = 0; depth < 200; depth++) {
    inner = tnef([
      packedFile({ title: `${depth}`, properties: [[0x3701, { object: Buffer.concat([interfaceId, inner]) }]] }),
    ])
  }
  const { files, isWhole } = read(inner)
  expect([files.length, files[0]?.kind, isWhole]).toEqual([1, 'message', true])
})

test('what is no TNEF has nothing in it', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('PK\x03\x04 and more of it'), tnefHead.subarray(0, 3), mapi([])]) {
    expect(read(bytes)).toMatchObject({ files: [], text: null, html: null, isWhole: false })
  }
})
