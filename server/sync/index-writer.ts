/** Writes into the index of an account, and forwards to the event log what that changed. */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { AppliedBatch, ExpectedBatch, FolderBatch, IndexedFolder } from '../index/index-types.ts'
import { toListedFolder } from './folder-indexer.ts'
import type { IndexFacts } from './index-facts.ts'
import type { KnownStandings } from './known-standings.ts'
import { OlderFacts } from './older-facts.ts'

export interface IndexWriterOptions {
  /** Of one account. */
  index: IndexOperations
  /** Addresses of its owner. */
  own: readonly string[] | undefined
  facts: IndexFacts
  /** What is written makes a folder one to be compared again. */
  known: KnownStandings
  /** Is shown, whatever is read meanwhile. */
  expected: AccountExpectations
  /** Messages of a folder are to be read again. */
  notice(path: string): void
  /** Messages left a folder that were shown there. */
  miss(): void
}

/** So often a message is read again that the mail server did not give, and of so many it is known how often. */
const unreadable = { tries: 3, messages: 10_000 }
/**
 * To write so many takes as long as the answer of the call that changes them, and the mail server may be done when that has left: it is begun when
 * somebody reads the index, or a folder was compared, and at the latest then.
 */
const large = { messages: 100, afterMs: 100 }

export class IndexWriter {
  readonly #options: IndexWriterOptions
  /** Ends, well or not, with the last that was begun. */
  #forwarding: Promise<unknown> = Promise.resolve()
  readonly #older = new OlderFacts(() => this.#forward())
  /** What is to be shown, and is not written yet. */
  #showing: Promise<void> = Promise.resolve()
  /** Ends each rest before something large is written. */
  readonly #resting = new Set<() => void>()
  /** How often messages were read again that the mail server did not give. */
  readonly #tries = new Map<string, number>()

  constructor(options: IndexWriterOptions) {
    this.#options = options
  }

  /** Before the first change after a start. */
  begin(): void {
    this.#options.facts.forget()
  }

  /** @param asOf When the mail server was asked, by the clock of what is expected. */
  async apply(batch: FolderBatch, asOf = 0): Promise<AppliedBatch> {
    const applied = await this.#write(this.#options.expected.adjust(batch, asOf))
    await this.#forward()
    return applied
  }

  /** In a first sync, batch after batch. @throws when what those before changed could not be forwarded */
  async applyOlder(batch: FolderBatch): Promise<void> {
    await this.#write(this.#options.expected.adjust(batch))
    await this.#older.wrote()
  }

  /** Waits until all of `applyOlder` is forwarded. @throws when that failed */
  settle(): Promise<void> {
    return this.#older.settle()
  }

  /**
   * Returns before the facts are forwarded.
   * @param failed Called when they could not be; the next change forwards them too.
   */
  async applyAhead(batch: FolderBatch, failed: () => void): Promise<AppliedBatch> {
    const applied = await this.#write(this.#options.expected.adjust(batch))
    this.#forwardAhead(failed)
    return applied
  }

  /** What was asked to be done, before the mail server has done it. */
  async show(batches: readonly ExpectedBatch[], failed: () => void): Promise<void> {
    this.#options.known.touch()
    // All of them: what is read of the last one, because it was not done after all, is not to be written before it.
    const showing = this.#showAll(batches, this.#showing)
    // What they resolve with is not kept: else each would hold on to all before it.
    this.#showing = Promise.allSettled([this.#showing, showing]).then(() => undefined)
    await showing
    this.#forwardAhead(failed)
  }

  /** What is to be shown and waits to be written is written now. */
  hurry(): void {
    for (const end of this.#resting) end()
  }

  /** @returns What is indexed of each folder then. */
  async applyFolders(standings: readonly FolderStanding[]): Promise<IndexedFolder[]> {
    const { index, facts, known } = this.#options
    await index.applyFolders(standings.map(toListedFolder), await facts.lowest())
    await this.#forward()
    known.list(standings)
    return index.listFolders()
  }

  /** Messages that lost their last place before this round, and are in no folder now, are gone. */
  async settleOrphans(round: number): Promise<void> {
    const { index, facts, expected } = this.#options
    // They may come back.
    if (expected.hasLeaving) return
    await index.settleOrphans(round, await facts.lowest())
    await this.#forward()
  }

  /** Resolves when nothing is being forwarded. */
  async idle(): Promise<void> {
    await this.#forwarding
  }

  /** @param before What was asked for earlier: of a message that both change, the later one is shown. */
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

  /** One after the other. */
  #forward(): Promise<void> {
    const forwarded = this.#forwarding.then(() => this.#options.facts.forward())
    this.#forwarding = forwarded.catch(() => undefined)
    return forwarded
  }

  async #write(batch: FolderBatch): Promise<AppliedBatch> {
    const { index, own, facts, known, miss } = this.#options
    known.touch()
    // What was read later than that was asked for is written later.
    this.hurry()
    await this.#showing
    const applied = await index.applyBatch(own ? { ...batch, own } : batch, await facts.lowest())
    if (applied.removed > 0) miss()
    this.#readUnreadableAgain(batch)
    return applied
  }

  /** While somebody else moves or marks a message, a server may refuse it: it would be indexed as an unreadable one for good. */
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
