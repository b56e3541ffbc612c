/** Downloads: limited in number, each releasing its slot; and byte ranges of a file, whatever its encoding. */
import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PartDownloads, type PartSource, tagOf } from './part-download.ts'
import { mostRanged } from './part-marks.ts'

const part = { name: 'a', type: 'a/b', encoding: 'base64', sizeBytes: 1_000, section: '2' }
const source = (pieces: (Buffer | undefined)[]): PartSource => ({
  describe: async () => part,
  read: async () => pieces.shift(),
})
const piece = Buffer.alloc(256 * 1024, 'QUJD')

async function whole(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const each of bytes) all.push(each)
  return Buffer.concat(all)
}

test('pieces are asked for until one is short, and are decoded across their ends', async () => {
  const { bytes } = await new PartDownloads().open('ann', 'place', source([piece, piece, Buffer.from('QUI=')]))
  const read = await whole(bytes)
  expect([read.length, read.subarray(-5).toString()]).toEqual([(piece.length / 4) * 3 * 2 + 2, 'ABCAB'])
})

test('eight at once for each, and a place is free again when one is read, left, gone or refused', async () => {
  const downloads = new PartDownloads()
  const open = () => downloads.open('ann', 'place', source([piece, Buffer.alloc(0)]))
  const running = []
  for (let number = 0; number < 8; number++) running.push(await open())
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  await (await downloads.open('bob', 'place', source([piece, Buffer.alloc(0)]))).bytes.return()
  await whole(running[0]!.bytes)
  running[0] = await open()
  await running[1]!.bytes.next()
  await running[1]!.bytes.return()
  running[1] = await open()
  // A download that was never read.
  await running[2]!.bytes.return()
  running[2] = await open()
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  for (const { bytes } of running) await bytes.return()
  for (let number = 0; number < 20; number++) {
    const gone = { describe: async () => undefined, read: async () => undefined }
    await expect(downloads.open('ann', 'place', gone)).rejects.toMatchObject({ code: 'message_not_found' })
    await expect(downloads.open('ann', 'place', source([undefined]))).rejects.toMatchObject({
      code: 'message_not_found',
    })
    const { bytes } = await downloads.open('ann', 'place', source([piece, undefined]))
    await expect(whole(bytes)).rejects.toMatchObject({ code: 'message_not_found' })
  }
  await open()
})

test('a client that reads nothing for two minutes loses its place', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const downloads = new PartDownloads()
  const open = () => downloads.open('ann', 'place', source([piece, piece, Buffer.alloc(0)]))
  const running = await Promise.all(Array.from({ length: 8 }, open))
  const [stalled, slow] = running.map(({ bytes }) => bytes)
  await stalled!.next()
  vi.advanceTimersByTime(119_000)
  await slow!.next()
  vi.advanceTimersByTime(1_000)
  // All but the slow one.
  for (let number = 0; number < 7; number++) await open()
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  await expect(stalled!.next()).rejects.toMatchObject({ code: 'too_many_requests' })
  expect((await slow!.next()).done).toBe(false)
})

describe('of a range', () => {
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))
  const base64 = bytes.toString('base64')
  /** Lines of other lengths each, words that mean nothing, and files put together, each with its padding. */
  const uneven = [0, 1, 2, 3, 4].map(each => {
    const piece = bytes.subarray(each * 500_000 + 1, each * 500_000 + 500_001 + each).toString('base64')
    return piece.replaceAll(/.{3,75}/g, line => `${line}${line.length % 7 === 0 ? ' \t' : ''}\r\n`)
  })
  const quotedPrintable = [...bytes.subarray(0, 400_000)]
    .map((byte, at) => `=${byte.toString(16).padStart(2, '0')}${at % 25 === 24 ? '= \r\n' : ''}`)
    .join('')
  const sources = [
    ['base64', base64.replaceAll(/.{76}/g, '$&\r\n')],
    ['base64', uneven.join('')],
    ['quoted-printable', quotedPrintable],
    ['8bit', base64],
  ] as const

  const sourceOf = (encoding: string, encoded: string, reads: number[] = []): PartSource => ({
    describe: async () => ({ ...part, encoding, sizeBytes: encoded.length }),
    read: async (_section, start, length) => {
      reads.push(start)
      return Buffer.from(encoded.slice(start, start + length), 'latin1')
    },
  })

  test.each(sources)(
    '%s: every byte is where it is in the whole file, and the length is told',
    async (encoding, encoded) => {
      const source = sourceOf(encoding, encoded)
      const file = await whole((await new PartDownloads().open('ann', 'a', source)).bytes)
      const { length } = file
      const downloads = new PartDownloads()
      for (const [asked, first, last] of [
        [{ first: length - 5 }, length - 5, length - 1],
        [{ first: 0 }, 0, length - 1],
        [{ first: 0, last: 0 }, 0, 0],
        [{ first: 196_607, last: 196_609 }, 196_607, 196_609],
        [{ first: Math.floor(length / 2), last: length + 99 }, Math.floor(length / 2), length - 1],
        [{ suffix: 7 }, length - 7, length - 1],
        [{ suffix: length + 7 }, 0, length - 1],
      ] as const) {
        const opened = await downloads.open('ann', 'a', source, asked)
        expect(opened).toMatchObject({ size: length, range: { first, last }, hasRanges: true })
        const got = await whole(opened.bytes)
        expect(got.equals(file.subarray(first, last + 1)), JSON.stringify(asked)).toBe(true)
      }
      for (const asked of [{ first: length }, { suffix: 0 }, { first: length, last: length + 1 }]) {
        const refused = downloads.open('ann', 'a', source, asked)
        await expect(refused).rejects.toMatchObject({ code: 'range_not_satisfiable', extension: { fileBytes: length } })
      }
    },
  )

  test('what one download has read, another does not read again to find its place', async () => {
    const [encoding, encoded] = sources[0]
    const reads: number[] = []
    const source = sourceOf(encoding, encoded, reads)
    const downloads = new PartDownloads()
    const first = await downloads.open('ann', 'a', source)
    expect(first.size).toBeUndefined()
    // Broken off in the middle.
    let taken = 0
    for await (const { length } of first.bytes) {
      taken += length
      if (taken > bytes.length / 2) break
    }
    reads.splice(0)
    const rest = await downloads.open('ann', 'a', source, { first: taken })
    expect((await whole(rest.bytes)).equals(bytes.subarray(taken))).toBe(true)
    // It reads to the end for the length, and then from the offset on: never what came before.
    expect(Math.min(...reads)).toBeGreaterThan(1024 * 1024)
    reads.splice(0)
    const last = await downloads.open('ann', 'a', source, { first: bytes.length - 1 })
    expect((await whole(last.bytes)).equals(bytes.subarray(-1))).toBe(true)
    expect(reads.length).toBeLessThan(6)
    expect((await downloads.open('ann', 'another', source)).size).toBeUndefined()
    expect((await downloads.open('ann', 'a', source)).size).toBe(bytes.length)
  })

  test('of a part that is too long to be searched the whole is given', async () => {
    const source = {
      ...sourceOf('8bit', base64),
      describe: async () => ({ ...part, encoding: '8bit', sizeBytes: mostRanged + 1 }),
    }
    const opened = await new PartDownloads().open('ann', 'a', source, { first: 5 })
    expect(opened).toMatchObject({ range: undefined, hasRanges: false })
    expect((await whole(opened.bytes)).length).toBe(base64.length)
  })

  test('a part that is longer than its server says is not read forever to find a range', async () => {
    let pieces = 0
    const blanks = Buffer.alloc(piece.length, ' ')
    const endless: PartSource = {
      describe: async () => ({ ...part, sizeBytes: 1_000 }),
      read: async () => {
        pieces++
        return pieces % 2 === 0 ? blanks : piece
      },
    }
    const opened = await new PartDownloads().open('ann', 'a', endless, { first: 5 })
    await opened.bytes.return()
    expect([opened.range, opened.size]).toEqual([undefined, undefined])
    expect(pieces).toBeLessThan(mostRanged / piece.length + 5)
  })

  test('of an empty part there is none', async () => {
    const empty = () => new PartDownloads().open('ann', 'a', sourceOf('base64', ''), { first: 0 })
    await expect(empty()).rejects.toMatchObject({ code: 'range_not_satisfiable', extension: { fileBytes: 0 } })
  })

  /** The decoder decides which bytes a part has: when it makes others of the same, `decodedBy` is to be counted on, so that files which were begun are begun again. */
  test('the tag stands for a place and for how the decoder reads', async () => {
    expect(tagOf('a')).not.toBe(tagOf('b'))
    const digest = createHash('sha256')
    for (const [encoding, encoded] of sources)
      digest.update(await whole((await new PartDownloads().open('a', 'a', sourceOf(encoding, encoded))).bytes))
    expect([tagOf('a'), digest.digest('hex').slice(0, 16)]).toMatchInlineSnapshot(`
      [
        ""A6lbXwbZjcq2AnB7CRG7jINA7ifNjMif"",
        "9640a4b65f1596f9",
      ]
    `)
  })
})
