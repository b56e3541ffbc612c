/** Syncs the index of one folder with its mail server: changes, new messages, and older mail batch by batch. */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { commonUids, holdsUid } from '../imap/uid-ranges.ts'
import type { AccountExpectations } from '../index/expected-changes.ts'
import type { AppliedBatch, FolderBatch, IndexedFolder, ListedFolder, UidSpan } from '../index/index-types.ts'
import { FolderArrivals } from './folder-arrivals.ts'
import type { KnownArrivals } from './known-arrivals.ts'
import { toRecord } from './message-record.ts'
import { ReadAhead } from './read-ahead.ts'

export interface FolderIndexerOptions {
  /** Writes a batch in one transaction and forwards its facts. */
  apply(batch: FolderBatch, asOf?: number): Promise<AppliedBatch>
  /** Writes a batch of older mail, whose facts may be forwarded later. */
  applyOlder(batch: FolderBatch): Promise<void>
  listUidRanges(path: string): Promise<UidSpan[]>
  expected: AccountExpectations
  /** Messages that our own moves and copies brought into folders. */
  arrivals: KnownArrivals
  /** Reports that one of these is no longer in its folder. */
  miss(): void
  /** Lends a connection at background priority. */
  ask<T>(work: (connection: MailConnection) => Promise<T>, path: string): Promise<T>
}

type Status = NonNullable<FolderStanding['status']>
type Older = Awaited<ReturnType<MailConnection['changes']['listHeaders']>>

/** Messages per batch: one index transaction and one FETCH. */
const batchSize = 400
/** UIDs per `headersOf`. */
const headersAtOnce = 200
/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

export class FolderIndexer {
  readonly #options: FolderIndexerOptions
  /** The batch after the one being written. */
  readonly #ahead = new ReadAhead<Older>()

  readonly #arrivals: FolderArrivals

  constructor(options: FolderIndexerOptions) {
    this.#options = options
    const { apply, arrivals, ask, miss } = options
    this.#arrivals = new FolderArrivals({
      apply,
      readHeaders: (path, uidValidity, uids) => this.#readHeaders(path, uidValidity, uids),
      known: arrivals,
      miss,
      ask,
    })
  }

  get isAhead(): boolean {
    return this.#ahead.isBegun
  }

  /**
   * Called before folders are compared: changes of messages read ahead are reported once, for messages not known yet.
   */
  async forgetAhead(): Promise<void> {
    await this.#ahead.forget()
  }

  /**
   * Reads changes and new messages since the last time. Messages from before the first time are left to `backfill`.
   * @param asksAll Whether to compare all flags, whose changes a server without MODSEQ does not report otherwise.
   * @param asOf When the status was requested, by the clock of `AccountExpectations`.
   * @returns False when the folder was recreated or filled meanwhile: it must be compared again.
   */
  async catchUp(folder: IndexedFolder, status: Status, asksAll: boolean, asOf: number): Promise<boolean> {
    const { path } = folder
    if (folder.uidValidity !== status.uidValidity) return this.#begin(path, status)
    if (!(await this.#readAgain(folder))) return false
    const isSame = this.#isSame(folder, status)
    if (isSame && !asksAll) {
      // Messages that arrived between the last status and the fetch are indexed, but not counted yet.
      const position = { serverTotal: status.total }
      if (folder.serverTotal !== status.total) await this.#apply({ path, uidValidity: status.uidValidity, position })
      return true
    }
    if (!(await this.#readChanges(folder, status, asksAll, asOf))) return false
    return this.#arrivals.read(folder, status.uidNext, asOf)
  }

  /**
   * Reads the next older batch. @returns The lowest UID then indexed, 1 at the end; undefined when the folder was
   * recreated.
   * @param goesOn Whether to read the next batch ahead while this one is written.
   */
  async backfill({ path, uidValidity, lowestUid }: IndexedFolder, goesOn: boolean): Promise<number | undefined> {
    if (lowestUid === null || lowestUid <= 1) return 1
    const key = (below: number) => `${uidValidity} ${below} ${path}`
    const found = await this.#ahead.take(key(lowestUid), () => this.#older(path, lowestUid))
    if (found.uidValidity !== uidValidity) return undefined
    const lowest = found.hasMore ? Math.min(...found.headers.map(({ uid }) => uid)) : 1
    if (goesOn && lowest > 1) this.#ahead.begin(key(lowest), () => this.#older(path, lowest))
    const added = found.headers.map(toRecord)
    const position = { lowestUid: lowest }
    await this.#options.applyOlder({ path, uidValidity, added, position, announces: false, isSilent: true })
    return lowest
  }

  #older(path: string, below: number): Promise<Older> {
    return this.#options.ask(c => c.changes.listHeaders(path, [1, below - 1], batchSize), path)
  }

  /** Starts over with an unknown or recreated folder. @returns False when that is not what is found when it is opened. */
  async #begin(path: string, { uidValidity, uidNext, modseq, total }: Status): Promise<boolean> {
    // What is not empty is opened by the backfill.
    if (uidNext <= 1 && !(await this.#isEmpty(path, uidValidity))) return false
    const position = { uidNext, highestModseq: modseq?.toString() ?? null, lowestUid: uidNext, serverTotal: total }
    await this.#apply({ path, uidValidity, position })
    return true
  }

  /**
   * True when the folder is found empty when opened, under the same UIDVALIDITY: Courier reports another one in each
   * STATUS until then, and mail may have arrived since.
   */
  async #isEmpty(path: string, uidValidity: number): Promise<boolean> {
    const found = await this.#options.ask(c => c.changes.flagStanding(path, [[1, maxUid]], []), path)
    return found.uidValidity === uidValidity && found.there.length === 0
  }

  /** Compares the server's figures with the index. */
  #isSame(folder: IndexedFolder, { uidNext, modseq, total }: Status): boolean {
    const isComplete = folder.lowestUid !== null && folder.lowestUid <= 1
    const leaving = this.#options.expected.countLeaving(folder.path, folder.uidValidity)
    const isCounted = !isComplete || folder.total + leaving === total
    return isCounted && folder.uidNext === uidNext && folder.highestModseq === (modseq?.toString() ?? null)
  }

  /** Reads messages again whose expected change did not happen. @returns False when the folder was recreated. */
  async #readAgain({ path, uidValidity }: IndexedFolder): Promise<boolean> {
    const { expected } = this.#options
    const again = expected.toReadAgain(path, uidValidity)
    const uids = again.map(({ place }) => place.uid)
    if (!(await this.#readHeaders(path, uidValidity, uids))) return false
    expected.wereRead(again)
    return true
  }

  async #readHeaders(path: string, uidValidity: number, uids: readonly number[]): Promise<boolean> {
    for (let at = 0; at < uids.length; at += headersAtOnce) {
      const piece = uids.slice(at, at + headersAtOnce)
      const found = await this.#options.ask(connection => connection.changes.headersOf(path, piece), path)
      if (found.uidValidity !== uidValidity) return false
      const batch = { path, uidValidity, added: found.headers.map(toRecord) }
      if (found.headers.length > 0) await this.#apply(batch, { announces: true })
    }
    return true
  }

  async #readChanges(folder: IndexedFolder, status: Status, asksAll: boolean, asOf: number): Promise<boolean> {
    const { modseq, total, uidNext } = status
    const { listUidRanges, ask } = this.#options
    const { path, uidValidity, highestModseq } = folder
    const known = await listUidRanges(path)
    // The numbers differ although no change is reported: all messages are compared.
    const isOff = (modseq?.toString() ?? null) === highestModseq && uidNext === folder.uidNext
    // Messages that were shown as gone may be missing, too.
    const isAllKnown = isOff && folder.lowestUid !== null && folder.lowestUid <= 1 && uidNext > 1
    const uids = isAllKnown ? [[1, uidNext - 1] as const] : known
    const since = isOff || asksAll || highestModseq === null ? undefined : BigInt(highestModseq)
    const changes = await ask(c => c.changes.changesSince(path, { uidValidity, modseq: since, uids }), path)
    if (changes.uidValidity !== uidValidity) return false
    const changed = isAllKnown ? changes.changed.filter(({ uid }) => holdsUid(known, uid)) : changes.changed
    const vanished = isAllKnown ? commonUids(known, changes.vanished) : changes.vanished
    const missing = isAllKnown ? changes.changed.map(({ uid }) => uid).filter(uid => !holdsUid(known, uid)) : []
    if (!(await this.#readHeaders(path, uidValidity, missing))) return false
    for (let at = 0; at + batchSize < changed.length; at += batchSize)
      await this.#apply({ path, uidValidity, changed: changed.slice(at, at + batchSize) }, { asOf })
    const last = changed.slice(Math.max(0, Math.ceil(changed.length / batchSize) - 1) * batchSize)
    const position = { highestModseq: changes.modseq?.toString() ?? null, serverTotal: total }
    await this.#apply({ path, uidValidity, changed: last, vanished: [...vanished], position }, { asOf })
    return true
  }

  async #apply(batch: Omit<FolderBatch, 'announces'>, { announces = false, asOf = 0 } = {}): Promise<void> {
    await this.#options.apply({ ...batch, announces }, asOf)
  }
}

export function toListedFolder({ path, role, isSelectable, status }: FolderStanding): ListedFolder {
  return { path, role, isSelectable, mailboxId: null, status: status ?? null }
}
