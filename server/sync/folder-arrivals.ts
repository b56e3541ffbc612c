/** Reads new messages of a folder: headers, or only flags of those that our own move or copy brought there. */
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { UidRange } from '../imap/uid-ranges.ts'
import type { AppliedBatch, FolderBatch, IndexedFolder } from '../index/index-types.ts'
import type { KnownArrivals } from './known-arrivals.ts'
import { toRecord } from './message-record.ts'

export interface FolderArrivalsOptions {
  /**
   * Writes a batch in one transaction and forwards its facts. @param asOf When the mail server was asked, by the clock
   * of `AccountExpectations`.
   */
  apply(batch: FolderBatch, asOf: number): Promise<AppliedBatch>
  /** @returns False when the folder was recreated. */
  readHeaders(path: string, uidValidity: number, uids: readonly number[]): Promise<boolean>
  known: KnownArrivals
  /** Reports that a message brought here is gone: it may be in another folder. */
  miss(): void
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
}

/** Messages per batch: one index transaction and one FETCH. */
const batchSize = 400
/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1
/** Ranges distinguished when known and new messages alternate, since each costs a FETCH. */
const mostRanges = 20

export class FolderArrivals {
  readonly #options: FolderArrivalsOptions

  constructor(options: FolderArrivalsOptions) {
    this.#options = options
  }

  /**
   * Reads the oldest first, so that everything below the position is known at any time.
   * @param end UIDNEXT as reported by the mail server.
   * @param asOf When that was requested.
   * @returns False when the folder was recreated.
   */
  async read({ path, uidValidity, uidNext }: IndexedFolder, end: number, asOf: number): Promise<boolean> {
    const { known } = this.#options
    const folder = { path, uidValidity }
    let next = uidNext
    // Messages that the server has not counted yet may not be visible yet, and others' mail may lie between.
    for (const [first, last] of known.ranges(path, uidValidity, next, end).slice(0, mostRanges)) {
      if (first > next && !(await this.#readNew(folder, [next, first - 1], first, asOf))) return false
      if (!(await this.#place(folder, [first, last], asOf))) return false
      next = last + 1
    }
    if (next < end && !(await this.#readNew(folder, [next, maxUid], end, asOf))) return false
    known.readUpTo(path, uidValidity, end)
    return true
  }

  /** @param end Everything below counts as read afterwards, whether messages exist there or not. */
  async #readNew(folder: Folder, [first, last]: UidRange, end: number, asOf: number): Promise<boolean> {
    const { apply, ask } = this.#options
    for (let next = first; ; ) {
      const found = await ask(
        connection => connection.changes.listHeaders(folder.path, [next, last], batchSize, 'oldest'),
        folder.path,
      )
      if (found.uidValidity !== folder.uidValidity) return false
      const { headers, hasMore } = found
      next = Math.max(next, (headers[0]?.uid ?? 0) + 1, hasMore ? 0 : end)
      const batch = { ...folder, added: headers.map(toRecord), position: { uidNext: next }, announces: true }
      await apply(batch, asOf)
      if (!hasMore) return true
    }
  }

  /** Places known messages. Those that were moved on or deleted meanwhile have no flags, and get no place. */
  async #place(folder: Folder, [first, last]: UidRange, asOf: number): Promise<boolean> {
    const { apply, ask, known, miss, readHeaders } = this.#options
    const { path, uidValidity } = folder
    for (let from = first; from <= last; from += batchSize) {
      const to = Math.min(last, from + batchSize - 1)
      const asked = { uidValidity, modseq: undefined, uids: [[from, to] as const] }
      const found = await ask(connection => connection.changes.changesSince(path, asked), path)
      if (found.uidValidity !== uidValidity) return false
      if (found.changed.length <= to - from) miss()
      const placed = found.changed.map(({ uid, flags }) => ({
        uid,
        id: known.idAt(path, uidValidity, uid) ?? '',
        flags,
      }))
      const position = { uidNext: to + 1 }
      const { unplaced } = await apply({ ...folder, placed, position, announces: true }, asOf)
      if (unplaced.length === 0) continue
      if (!(await readHeaders(path, uidValidity, unplaced))) return false
      await apply({ ...folder, position, announces: true }, asOf)
    }
    return true
  }
}

type Folder = Pick<FolderBatch, 'path' | 'uidValidity'>
