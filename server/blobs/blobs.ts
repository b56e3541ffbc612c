/**
 * Blobs: content in the database, written and read in chunks, so that none is ever fully in memory. Immutable, and kept
 * while in use: a user registers when it stores the id, and releases when it removes it, both in the same transaction.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import { chunksOf } from './blob-chunks.ts'
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
  /** Upper bound of all used blobs of the account, including this one; with unused ones twice as much is stored. */
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

/** How long an unused blob is kept, in ms, since it may just have been written. */
const unusedMs = 60 * 60_000
/** The same, in ms, for an account that has reached the bound of what is stored: a caller may write and release. */
const pressedMs = 5 * 60_000
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
    const left = Math.min(bounds.bytes, await this.#room(accountId, bounds))
    const bound = left < bounds.bytes ? 'accountBytes' : 'bytes'
    const row = { id, account_id: accountId, size_bytes: null, sha256: null, created_at }
    await this.#db.insertInto('blobs').values(row).execute()
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
    const query = this.#db.selectFrom('blobs').selectAll().where('id', '=', id)
    const row: BlobRow | undefined = await query.executeTakeFirst()
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

  /** Returns how much may be stored now. Unused blobs of the account are pruned early if they take up the room. */
  async #room(accountId: string, { bytes, accountBytes }: BlobBounds): Promise<number> {
    const room = async () => {
      const { stored, used } = await this.#bytesOf(accountId)
      return Math.min(accountBytes - used, 2 * accountBytes - stored)
    }
    const found = await room()
    if (found >= bytes) return found
    await this.#prune(pressedMs, accountId)
    return room()
  }

  /** Returns the size of all used blobs of an account. */
  async usedBytes(accountId: string): Promise<number> {
    return (await this.#bytesOf(accountId)).used
  }

  async #bytesOf(accountId: string): Promise<{ stored: number; used: number }> {
    const { stored, used } = await this.#db
      .selectFrom('blobs')
      .select(({ fn, case: when, exists, selectFrom, ref }) => {
        const uses = selectFrom('blob_uses').select('owner').whereRef('blob_uses.blob_id', '=', 'blobs.id')
        const used = when().when(exists(uses)).then(ref('size_bytes')).end()
        return [fn.sum<number | null>('size_bytes').as('stored'), fn.sum<number | null>(used).as('used')]
      })
      .where('account_id', '=', accountId)
      .executeTakeFirstOrThrow()
    return { stored: Number(stored ?? 0), used: Number(used ?? 0) }
  }

  /** Deletes unused blobs. @returns Their number. */
  prune(signal?: AbortSignal): Promise<number> {
    return this.#prune(unusedMs, undefined, signal)
  }

  /** @param accountId Undefined for all accounts, including what is incomplete. */
  async #prune(ageMs: number, accountId: string | undefined, signal?: AbortSignal): Promise<number> {
    const before = new Date(this.#now() - ageMs).toISOString()
    let old = this.#db.selectFrom('blobs').select('id').where('created_at', '<', before)
    // Still being written, at 8 KiB a second at least.
    if (accountId !== undefined) old = old.where('account_id', '=', accountId).where('size_bytes', 'is not', null)
    for (let count = 0; ; ) {
      const rows = await old
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
