/** Downloads: as many at once as there is room for, and each gives its place back. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { PartDownloads, type PartSource } from './part-download.ts'

const part = { name: 'a', type: 'a/b', encoding: 'base64', section: '2' }
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
  const { bytes } = await new PartDownloads().open('ann', source([piece, piece, Buffer.from('QUI=')]))
  const read = await whole(bytes)
  expect([read.length, read.subarray(-5).toString()]).toEqual([(piece.length / 4) * 3 * 2 + 2, 'ABCAB'])
})

test('eight at once for each, and a place is free again when one is read, left, gone or refused', async () => {
  const downloads = new PartDownloads()
  const open = () => downloads.open('ann', source([piece, Buffer.alloc(0)]))
  const running = []
  for (let number = 0; number < 8; number++) running.push(await open())
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  await (await downloads.open('bob', source([piece, Buffer.alloc(0)]))).bytes.return()
  await whole(running[0]!.bytes)
  running[0] = await open()
  await running[1]!.bytes.next()
  await running[1]!.bytes.return()
  running[1] = await open()
  // One that nobody began to read.
  await running[2]!.bytes.return()
  running[2] = await open()
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  for (const { bytes } of running) await bytes.return()
  for (let number = 0; number < 20; number++) {
    const gone = { describe: async () => undefined, read: async () => undefined }
    await expect(downloads.open('ann', gone)).rejects.toMatchObject({ code: 'message_not_found' })
    await expect(downloads.open('ann', source([undefined]))).rejects.toMatchObject({ code: 'message_not_found' })
    const { bytes } = await downloads.open('ann', source([piece, undefined]))
    await expect(whole(bytes)).rejects.toMatchObject({ code: 'message_not_found' })
  }
  await open()
})

test('who takes nothing for two minutes gives the place away', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const downloads = new PartDownloads()
  const open = () => downloads.open('ann', source([piece, piece, Buffer.alloc(0)]))
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
