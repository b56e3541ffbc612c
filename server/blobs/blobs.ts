/**
 * Blobs: content in the database, written and read in chunks, so that none is ever fully in memory. Immutable, and kept
 * while in use: a user registers when it stores the id, and releases when it removes it, both in the same transaction.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import type { BlobRow } from './blob-tables.ts'

export interface Blob {
  id: string
  sizeBytes: number
  /** SHA-256 in hex. */
  sha256: string
}

export interface BlobBounds {
  /** Upper bound of one blob. */
  bytes: number
  /** Upper bound of all used blobs of the account, including this one. */
  accountBytes: number
}

/** Thrown before the first byte beyond a bound is stored. */
export class BlobTooLarge extends Error {
  readonly bound: keyof BlobBounds

  constructor(bound: keyof BlobBounds) {
    super(`more than ${bound} allows`)
    this.name = 'BlobTooLarge'
    this.bound = bound
  }
}

const chunkBytes = 256 * 1024
/** How long an unused blob is kept, in ms, since it may just have been written. */
const unusedMs = 60 * 60_000
const prunedAtOnce = 50

export class Blobs {
  readonly #db: Database
  readonly #now: () => number

  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db
    this.#now = now
  }

  /**
   * Reads the source to its end, or closes it. The blob must be used within an hour, or it is pruned.
   * @throws BlobTooLarge, and errors of the source; nothing is stored then.
   */
  async write(accountId: string, source: AsyncIterable<Uint8Array>, bounds: BlobBounds): Promise<Blob> {
    const id = `b${randomBytes(15).toString('base64url')}`
    const created_at = new Date(this.#now()).toISOString()
    const left = Math.min(bounds.bytes, bounds.accountBytes - (await this.usedBytes(accountId)))
    const bound = left < bounds.bytes ? 'accountBytes' : 'bytes'
    await this.#db
      .insertInto('blobs')
      .values({ id, account_id: accountId, size_bytes: null, sha256: null, created_at })
      .execute()
    try {
      const { sizeBytes, sha256 } = await this.#writeChunks(id, source, left, bound)
      await this.#db.updateTable('blobs').set({ size_bytes: sizeBytes, sha256 }).where('id', '=', id).execute()
      return { id, sizeBytes, sha256 }
    } catch (error) {
      // If the database fails here too, it is pruned after an hour.
      await this.#delete([id]).catch(() => undefined)
      throw error
    }
  }

  async find(id: string): Promise<Blob | undefined> {
    const row: BlobRow | undefined = await this.#db
      .selectFrom('blobs')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row || row.size_bytes === null || row.sha256 === null) return undefined
    return { id: row.id, sizeBytes: Number(row.size_bytes), sha256: row.sha256 }
  }

  /** Yields chunk by chunk, with back-pressure. @throws Error if it is gone, or is deleted meanwhile. */
  async *read(id: string): AsyncGenerator<Buffer, undefined> {
    const blob = await this.find(id)
    if (!blob) throw new Error('there is no such blob')
    let sizeBytes = 0
    for (let position = 0; sizeBytes < blob.sizeBytes; position++) {
      const row = await this.#db
        .selectFrom('blob_chunks')
        .select('bytes')
        .where('blob_id', '=', id)
        .where('position', '=', position)
        .executeTakeFirst()
      if (!row) throw new Error('the blob was removed while it was read')
      sizeBytes += row.bytes.length
      yield Buffer.from(row.bytes.buffer, row.bytes.byteOffset, row.bytes.byteLength)
    }
  }

  /** Registers a use. @throws Error if the blob is gone. */
  async use(transaction: Database, blobId: string, owner: string): Promise<void> {
    await transaction
      .insertInto('blob_uses')
      .values({ blob_id: blobId, owner })
      .onConflict(conflict => conflict.columns(['blob_id', 'owner']).doNothing())
      .execute()
  }

  /** @param blobId Undefined for all uses of the owner. */
  async release(transaction: Database, owner: string, blobId?: string): Promise<void> {
    let query = transaction.deleteFrom('blob_uses').where('owner', '=', owner)
    if (blobId !== undefined) query = query.where('blob_id', '=', blobId)
    await query.execute()
  }

  /** Returns the size of all used blobs of an account. */
  async usedBytes(accountId: string): Promise<number> {
    const { bytes } = await this.#db
      .selectFrom('blobs')
      .select(({ fn }) => fn.sum<number | null>('size_bytes').as('bytes'))
      .where('account_id', '=', accountId)
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('blob_uses').select('owner').whereRef('blob_uses.blob_id', '=', 'blobs.id')),
      )
      .executeTakeFirstOrThrow()
    return Number(bytes ?? 0)
  }

  /** Deletes unused blobs. @returns Their number. */
  async prune(signal?: AbortSignal): Promise<number> {
    const before = new Date(this.#now() - unusedMs).toISOString()
    for (let count = 0; ; ) {
      const rows = await this.#db
        .selectFrom('blobs')
        .select('id')
        .where('created_at', '<', before)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('blob_uses').select('owner').whereRef('blob_uses.blob_id', '=', 'blobs.id'))),
        )
        .limit(prunedAtOnce)
        .execute()
      // One at a time: a blob may have a hundred chunks, and others write meanwhile.
      for (const { id } of rows) {
        if (signal?.aborted) return count
        count += await this.#delete([id])
      }
      if (rows.length < prunedAtOnce) return count
    }
  }

  /** Deletes blobs unless something uses them by now. */
  async #delete(ids: readonly string[]): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('blobs')
      .where('id', 'in', ids)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('blob_uses').select('owner').whereRef('blob_uses.blob_id', '=', 'blobs.id'))),
      )
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  async #writeChunks(
    id: string,
    source: AsyncIterable<Uint8Array>,
    mostBytes: number,
    bound: keyof BlobBounds,
  ): Promise<{ sizeBytes: number; sha256: string }> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    let position = 0
    for await (const chunk of chunksOf(source)) {
      sizeBytes += chunk.length
      if (sizeBytes > mostBytes) throw new BlobTooLarge(bound)
      hash.update(chunk)
      await this.#db.insertInto('blob_chunks').values({ blob_id: id, position, bytes: chunk }).execute()
      position++
    }
    return { sizeBytes, sha256: hash.digest('hex') }
  }
}

/** Yields chunks of equal length, except the last. */
async function* chunksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + chunkBytes - length)
      at += part.length
      length += part.length
      waiting.push(part)
      if (length < chunkBytes) continue
      yield Buffer.concat(waiting, length)
      waiting = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(waiting, length)
}
