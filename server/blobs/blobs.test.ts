/** Content in pieces on both databases: what is written is read, what is broken off leaves nothing, and what nothing uses goes. */
import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { Blobs, BlobTooLarge } from './blobs.ts'

const bounds = { bytes: 2 * 1024 * 1024, accountBytes: 4 * 1024 * 1024 }
const hour = 60 * 60_000

async function* piecesOf(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function contentOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

onEachDatabase(open => {
  async function startBlobs() {
    const db = await open()
    await keepAccount(db, 'a')
    await keepAccount(db, 'b')
    const clock = { now: Date.now() }
    const blobs = new Blobs(db, () => clock.now)
    const chunks = async () => (await db.selectFrom('blob_chunks').selectAll().execute()).length
    return { db, blobs, clock, chunks }
  }

  test('bytes come back as they were, in chunks of one length, with their hash', async () => {
    const { blobs, db } = await startBlobs()
    for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1, 700_001]) {
      const bytes = randomBytes(size)
      const blob = await blobs.write('a', piecesOf(bytes, 65_537), bounds)
      expect(blob).toMatchObject({ sizeBytes: size, sha256: createHash('sha256').update(bytes).digest('hex') })
      expect(await blobs.find(blob.id)).toEqual(blob)
      expect((await contentOf(blobs.read(blob.id))).equals(bytes)).toBe(true)
      const rows = await db.selectFrom('blob_chunks').select('bytes').where('blob_id', '=', blob.id).execute()
      expect(rows.slice(0, -1).every(row => row.bytes.length === 256 * 1024)).toBe(true)
    }
  })

  test('what is too long, or breaks off, leaves nothing', async () => {
    const { blobs, chunks, db } = await startBlobs()
    const tooLong = blobs.write('a', piecesOf(randomBytes(bounds.bytes + 1), 100_000), bounds)
    await expect(tooLong).rejects.toEqual(new BlobTooLarge('bytes'))
    const broken = async function* () {
      yield randomBytes(300_000)
      throw new Error('the sender went away')
    }
    await expect(blobs.write('a', broken(), bounds)).rejects.toThrow('the sender went away')
    expect(await chunks()).toBe(0)
    expect(await db.selectFrom('blobs').selectAll().execute()).toEqual([])
  })

  test('an account holds so much and no more; what nothing uses does not count, nor what others have', async () => {
    const { blobs, db } = await startBlobs()
    const twoMiB = () => piecesOf(Buffer.alloc(bounds.bytes), 256 * 1024)
    for (const owner of ['draft:1', 'draft:2']) {
      const { id } = await blobs.write('a', twoMiB(), bounds)
      await blobs.use(db, id, owner)
    }
    expect(await blobs.usedBytes('a')).toBe(bounds.accountBytes)
    await expect(blobs.write('a', piecesOf(Buffer.alloc(1), 1), bounds)).rejects.toEqual(
      new BlobTooLarge('accountBytes'),
    )
    expect((await blobs.write('b', twoMiB(), bounds)).sizeBytes).toBe(bounds.bytes)
    await blobs.release(db, 'draft:1')
    expect((await blobs.write('a', twoMiB(), bounds)).sizeBytes).toBe(bounds.bytes)
  })

  test('what nothing uses takes at most as much again, and is deleted early where it takes up the room', async () => {
    const { blobs, clock, db } = await startBlobs()
    const write = (account: string) => blobs.write(account, piecesOf(Buffer.alloc(bounds.bytes), 256 * 1024), bounds)
    const used = await write('a')
    await blobs.use(db, used.id, 'draft:1')
    // As an upload that is removed again, or a revision whose message is composed, does each time.
    for (const owner of ['draft:2', 'draft:3']) {
      const { id } = await write('a')
      await blobs.use(db, id, owner)
      await blobs.release(db, owner)
    }
    await write('a')
    await expect(write('a')).rejects.toEqual(new BlobTooLarge('accountBytes'))
    expect((await write('b')).sizeBytes).toBe(bounds.bytes)
    clock.now += 5 * 60_000 + 1
    const later = await write('a')
    const rows = await db.selectFrom('blobs').select('id').where('account_id', '=', 'a').execute()
    expect(rows.map(({ id }) => id).toSorted()).toEqual([used.id, later.id].toSorted())
  })

  test('a blob stays while anything uses it, and an hour from when it was written', async () => {
    const { blobs, db, clock, chunks } = await startBlobs()
    const blob = await blobs.write('a', piecesOf(randomBytes(300_000), 65_536), bounds)
    const other = await blobs.write('a', piecesOf(randomBytes(10), 65_536), bounds)
    await blobs.use(db, blob.id, 'draft:1')
    await blobs.use(db, blob.id, 'submission:1')
    clock.now += hour - 1
    expect(await blobs.prune()).toBe(0)
    clock.now += 2
    expect(await blobs.prune()).toBe(1)
    expect([await blobs.find(other.id), await chunks()]).toEqual([undefined, 2])
    await blobs.release(db, 'draft:1', blob.id)
    expect(await blobs.prune()).toBe(0)
    await blobs.release(db, 'submission:1')
    expect(await blobs.prune()).toBe(1)
    expect(await chunks()).toBe(0)
    await expect(contentOf(blobs.read(blob.id))).rejects.toThrow('no such blob')
  })

  test('blobs go with their account', async () => {
    const { blobs, db, chunks } = await startBlobs()
    const { id } = await blobs.write('a', piecesOf(randomBytes(10), 10), bounds)
    await blobs.use(db, id, 'draft:1')
    await db.deleteFrom('accounts').where('id', '=', 'a').execute()
    expect([await blobs.find(id), await chunks()]).toEqual([undefined, 0])
    await expect(blobs.use(db, id, 'draft:2')).rejects.toThrow()
  })
})
