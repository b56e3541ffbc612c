/** Brings the index of one folder to where its mail server is: what changed, what is new, and, batch by batch, what was there before. */

import type { FolderStanding, IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { FolderBatch, IndexedFolder, ListedFolder, MessageRecord, UidSpan } from '../index/index-types.ts'
import { ReadAhead } from './read-ahead.ts'

export interface FolderIndexerOptions {
  /** In one transaction, and told. */
  apply(batch: FolderBatch): Promise<void>
  listUidRanges(path: string): Promise<UidSpan[]>
  /** Lends a connection, behind people who wait for one. */
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
}

type Status = NonNullable<FolderStanding['status']>
type Older = Awaited<ReturnType<MailConnection['changes']['listHeaders']>>

/** Messages of one batch: a transaction of the index, and one FETCH. */
const batchSize = 400
/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

export class FolderIndexer {
  readonly #options: FolderIndexerOptions
  /** The batch behind the one that is written. */
  readonly #ahead = new ReadAhead<Older>()

  constructor(options: FolderIndexerOptions) {
    this.#options = options
  }

  get isAhead(): boolean {
    return this.#ahead.isBegun
  }

  /** Before anything is compared: a change of what was read ahead is told once, and then as one of a message that is not known. */
  async forgetAhead(): Promise<void> {
    await this.#ahead.forget()
  }

  /**
   * Reads what changed and what came since the last time. The messages that were there before the first time are left to `backfill`.
   * @param asksAll Whether all flags are compared, which a server without MODSEQ does not tell otherwise.
   * @returns False when the folder was made again meanwhile: it is looked at once more.
   */
  async catchUp(folder: IndexedFolder, status: Status, asksAll: boolean): Promise<boolean> {
    const { path } = folder
    if (folder.uidValidity !== status.uidValidity) return this.#begin(path, status)
    const isSame = this.#isSame(folder, status)
    if (isSame && !asksAll) return true
    if (!(await this.#readChanges(folder, status, asksAll))) return false
    return this.#readArrivals(folder, status)
  }

  /**
   * Reads the next older batch. @returns Whether there are older ones. Undefined: the folder was made again.
   * @param goesOn Whether the one behind it is read while this one is written.
   */
  async backfill({ path, uidValidity, lowestUid }: IndexedFolder, goesOn: boolean): Promise<number | undefined> {
    if (lowestUid === null || lowestUid <= 1) return 1
    const key = (below: number) => `${uidValidity} ${below} ${path}`
    const found = await this.#ahead.take(key(lowestUid), () => this.#older(path, lowestUid))
    if (found.uidValidity !== uidValidity) return undefined
    const lowest = found.hasMore ? Math.min(...found.headers.map(({ uid }) => uid)) : 1
    if (goesOn && lowest > 1) this.#ahead.begin(key(lowest), () => this.#older(path, lowest))
    await this.#apply({ path, uidValidity, added: found.headers.map(toRecord), position: { lowestUid: lowest } })
    return lowest
  }

  #older(path: string, below: number): Promise<Older> {
    return this.#options.ask(c => c.changes.listHeaders(path, [1, below - 1], batchSize), path)
  }

  /** Nothing of it is known, or no longer. */
  async #begin(path: string, { uidValidity, uidNext, modseq, total }: Status): Promise<true> {
    const position = { uidNext, highestModseq: modseq?.toString() ?? null, lowestUid: uidNext, serverTotal: total }
    await this.#apply({ path, uidValidity, position })
    return true
  }

  /** As far as the server's figures tell. */
  #isSame(folder: IndexedFolder, { uidNext, modseq, total }: Status): boolean {
    const isComplete = folder.lowestUid !== null && folder.lowestUid <= 1
    const isCounted = !isComplete || folder.total === total
    return isCounted && folder.uidNext === uidNext && folder.highestModseq === (modseq?.toString() ?? null)
  }

  async #readChanges(folder: IndexedFolder, { modseq, total, uidNext }: Status, asksAll: boolean): Promise<boolean> {
    const { listUidRanges, ask } = this.#options
    const { path, uidValidity, highestModseq } = folder
    const uids = await listUidRanges(path)
    // Numbers that do not add up while nothing is said to have changed: all of them are compared.
    const isOff = modseq !== undefined && modseq.toString() === highestModseq && uidNext === folder.uidNext
    const since = isOff || asksAll || highestModseq === null ? undefined : BigInt(highestModseq)
    const changes = await ask(c => c.changes.changesSince(path, { uidValidity, modseq: since, uids }), path)
    if (changes.uidValidity !== uidValidity) return false
    const { changed, vanished } = changes
    for (let at = 0; at + batchSize < changed.length; at += batchSize)
      await this.#apply({ path, uidValidity, changed: changed.slice(at, at + batchSize) })
    const last = changed.slice(Math.max(0, Math.ceil(changed.length / batchSize) - 1) * batchSize)
    const position = { highestModseq: changes.modseq?.toString() ?? null, serverTotal: total }
    await this.#apply({ path, uidValidity, changed: last, vanished: [...vanished], position })
    return true
  }

  /** The oldest first, so that all below the position are known whenever this ends. */
  async #readArrivals({ path, uidValidity, uidNext }: IndexedFolder, status: Status): Promise<boolean> {
    if (status.uidNext <= uidNext) return true
    for (let next = uidNext; ; ) {
      const found = await this.#options.ask(
        connection => connection.changes.listHeaders(path, [next, maxUid], batchSize, 'oldest'),
        path,
      )
      if (found.uidValidity !== uidValidity) return false
      const { headers, hasMore } = found
      next = Math.max(next, (headers[0]?.uid ?? 0) + 1, hasMore ? 0 : status.uidNext)
      await this.#apply({ path, uidValidity, added: headers.map(toRecord), position: { uidNext: next } }, true)
      if (!hasMore) return true
    }
  }

  async #apply(batch: Omit<FolderBatch, 'announces'>, announces = false): Promise<void> {
    await this.#options.apply({ ...batch, announces })
  }
}

export function toListedFolder({ path, role, isSelectable, status }: FolderStanding): ListedFolder {
  return { path, role, isSelectable, mailboxId: null, status: status ?? null }
}

export function toRecord({ flags, keywords, ...header }: IndexHeader): MessageRecord {
  const { uid, emailId, messageId, inReplyTo, references, subject, from, to, cc, bcc } = header
  const { fromCount, toCount, date, sizeBytes, hasAttachments, attachmentNames, faults } = header
  return {
    uid,
    emailId,
    messageId,
    inReplyTo,
    references,
    subject,
    from,
    to,
    cc,
    bcc,
    fromCount,
    toCount,
    date,
    flags: [...flags.map(flag => `\\${flag[0]!.toUpperCase()}${flag.slice(1)}`), ...keywords],
    sizeBytes,
    hasAttachments,
    attachmentNames,
    faults,
  }
}
