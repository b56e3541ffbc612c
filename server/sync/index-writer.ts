/** Writes to the index of an account, and forwards the resulting facts to the event log. */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { AppliedBatch, ExpectedBatch, FolderBatch, IndexedFolder } from '../index/index-types.ts'
import { toListedFolder } from './folder-indexer.ts'
import type { IndexFacts } from './index-facts.ts'
import type { KnownStandings } from './known-standings.ts'
import { OlderFacts } from './older-facts.ts'

export interface IndexWriterOptions {
  /** The operations on one account's index. */
  index: IndexOperations
  /** Email addresses of the account's owner. */
  own: readonly string[] | undefined
  facts: IndexFacts
  /** Marked as changed by each write, so that folders are compared again. */
  known: KnownStandings
  /** Requested changes, which take precedence over what is read meanwhile. */
  expected: AccountExpectations
  /** Reports that messages of a folder must be read again. */
  notice(path: string): void
  /** Reports that indexed messages left a folder. */
  miss(): void
}

/** Retries of a message that the mail server did not return, and messages whose retries are counted. */
const unreadable = { tries: 3, messages: 10_000 }
/**
 * Batches of this many messages take as long to write as the request that changes them: writing starts when the index
 * is read, when a folder was compared, and at the latest after `afterMs`.
 */
const large = { messages: 100, afterMs: 100 }

export class IndexWriter {
  readonly #options: IndexWriterOptions
  /** Settles with the last forwarding. */
  #forwarding: Promise<unknown> = Promise.resolve()
  readonly #older = new OlderFacts(() => this.#forward())
  /** Settles when all requested changes are written. */
  #showing: Promise<void> = Promise.resolve()
  /** End the delays of large batches. */
  readonly #resting = new Set<() => void>()
  /** Retries by message that the mail server did not return. */
  readonly #tries = new Map<string, number>()

  constructor(options: IndexWriterOptions) {
    this.#options = options
  }

  /** Called before the first change after a start. */
  begin(): void {
    this.#options.facts.forget()
  }

  /**
   * Writes a batch and forwards its facts. @param asOf When the server was asked, by the clock of
   * `AccountExpectations`.
   */
  async apply(batch: FolderBatch, asOf = 0): Promise<AppliedBatch> {
    const applied = await this.#write(this.#options.expected.adjust(batch, asOf))
    await this.#forward()
    return applied
  }

  /** Writes a batch of a first sync. @throws when the facts of earlier batches could not be forwarded */
  async applyOlder(batch: FolderBatch): Promise<void> {
    await this.#write(this.#options.expected.adjust(batch))
    await this.#older.wrote()
  }

  /** Waits until the facts of all `applyOlder` are forwarded. @throws when that failed */
  settle(): Promise<void> {
    return this.#older.settle()
  }

  /**
   * Writes a batch, and forwards its facts in the background.
   * @param failed Called when that failed; the next change forwards them too.
   */
  async applyAhead(batch: FolderBatch, failed: () => void): Promise<AppliedBatch> {
    const applied = await this.#write(this.#options.expected.adjust(batch))
    this.#forwardAhead(failed)
    return applied
  }

  /** Writes requested changes before the mail server has executed them. */
  async show(batches: readonly ExpectedBatch[], failed: () => void): Promise<void> {
    this.#options.known.touch()
    // Covers all batches: what is read again because a change did not happen must be written after them.
    const showing = this.#showAll(batches, this.#showing)
    // Resolves to nothing, since a result would keep all earlier ones alive.
    this.#showing = Promise.allSettled([this.#showing, showing]).then(() => undefined)
    await showing
    this.#forwardAhead(failed)
  }

  /** Writes delayed batches immediately. */
  hurry(): void {
    for (const end of this.#resting) end()
  }

  /** Updates the list of folders. @returns The indexed state of each. */
  async applyFolders(standings: readonly FolderStanding[]): Promise<IndexedFolder[]> {
    const { index, facts, known } = this.#options
    await index.applyFolders(standings.map(toListedFolder), await facts.lowest())
    await this.#forward()
    known.list(standings)
    return index.listFolders()
  }

  /** Deletes messages that lost their last place before this round and are in no folder now. */
  async settleOrphans(round: number): Promise<void> {
    const { index, facts, expected } = this.#options
    // Messages that are being moved may come back.
    if (expected.hasLeaving) return
    await index.settleOrphans(round, await facts.lowest())
    await this.#forward()
  }

  /** Resolves when nothing is being forwarded. */
  async idle(): Promise<void> {
    await this.#forwarding
  }

  /** @param before Earlier requests; for a message that both change, the later one wins. */
  async #showAll(batches: readonly ExpectedBatch[], before: Promise<void>): Promise<void> {
    const { index, facts } = this.#options
    if (sizeOf(batches) >= large.messages) await this.#rest()
    await before
    for (const batch of batches) await index.applyExpected(batch, await facts.lowest())
  }

  async #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resting.add(resolve)
    const timer = setTimeout(resolve, large.afterMs)
    await promise
    clearTimeout(timer)
    this.#resting.delete(resolve)
  }

  #forwardAhead(failed: () => void): void {
    this.#forward().catch(failed)
  }

  /** Forwards facts, one run after the other. */
  #forward(): Promise<void> {
    const forwarded = this.#forwarding.then(() => this.#options.facts.forward())
    this.#forwarding = forwarded.catch(() => undefined)
    return forwarded
  }

  async #write(batch: FolderBatch): Promise<AppliedBatch> {
    const { index, own, facts, known, miss } = this.#options
    known.touch()
    // Requested changes are written before anything read after them.
    this.hurry()
    await this.#showing
    const applied = await index.applyBatch(own ? { ...batch, own } : batch, await facts.lowest())
    if (applied.removed > 0) miss()
    this.#readUnreadableAgain(batch)
    return applied
  }

  /**
   * A server may refuse a message while it is moved or flagged: without a retry it would stay unreadable in the index.
   */
  #readUnreadableAgain({ path, uidValidity, added = [] }: FolderBatch): void {
    const again = added.filter(({ uid, faults }) => {
      if (!faults.includes('unreadable')) return false
      const key = `${uid}:${uidValidity}:${path}`
      const tries = this.#tries.get(key) ?? 0
      if (tries >= unreadable.tries || (tries === 0 && this.#tries.size >= unreadable.messages)) return false
      this.#tries.set(key, tries + 1)
      return true
    })
    if (again.length === 0) return
    this.#options.expected.readAgain(again.map(({ uid }) => ({ path, uidValidity, uid })))
    this.#options.notice(path)
  }
}

function sizeOf(batches: readonly ExpectedBatch[]): number {
  const lists = batches.flatMap(({ leaving, flags }) => [leaving, ...flags.map(({ uids }) => uids)])
  return lists.reduce((sum, { length }) => sum + length, 0)
}
