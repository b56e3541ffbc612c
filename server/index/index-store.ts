/**
 * The index of one account, for the thread that has its database open: adds the writes to the reads of `IndexReader`.
 */
import { deleteOutgoing, IndexChange } from './change-log.ts'
import { noteCompared } from './compared-times.ts'
import { applyExpected } from './expected-batch.ts'
import { applyFolders } from './folder-index.ts'
import { applyBatch, type BatchWriter } from './index-batch.ts'
import { IndexReader } from './index-reader.ts'
import { isSqlite } from './index-schema.ts'
import type {
  AppliedBatch,
  AppliedFolders,
  ExpectedBatch,
  FolderBatch,
  ListedFolder,
  SettledOrphans,
} from './index-types.ts'
import { removedAtOnce, removeOrphans } from './orphans.ts'
import { countRows } from './postgres-statistics.ts'
import { RowNumbers } from './row-numbers.ts'
import { removeTexts } from './text-index.ts'

export class IndexStore extends IndexReader {
  readonly #numbers = new RowNumbers()

  /** @param lowestFact Lower bound for the numbers of new facts; it is above all numbers already forwarded. */
  async applyFolders(folders: readonly ListedFolder[], lowestFact: number): Promise<AppliedFolders> {
    return this.#change(lowestFact, change => applyFolders(change, folders))
  }

  /** @throws IndexFault `folder_not_found` */
  async applyBatch(batch: FolderBatch, lowestFact: number): Promise<AppliedBatch> {
    const writer = this.#writer
    let [before, after] = [0, 0]
    const applied = await this.#change(lowestFact, async change => {
      before = change.state.messages
      const result = await applyBatch(change, batch, writer)
      after = change.state.messages
      return result
    })
    const { db } = this.owner
    // The batch is stored already; statistics and reclaimed space only save time and room.
    if (!isSqlite(db)) await countRows(db, before, after).catch(() => undefined)
    await this.options.fullText.reclaim(db, batch.texts?.length).catch(() => undefined)
    // Otherwise it would be promoted to the old generation, and cause it to be collected sooner.
    for (const memory of batch.memory ?? []) memory.transfer(0)
    return applied
  }

  /** Shows requested changes in their folder; a no-op if the folder is gone or has another UIDVALIDITY. */
  async applyExpected(batch: ExpectedBatch, lowestFact: number): Promise<void> {
    await this.#change(lowestFact, change => applyExpected(change, batch, this.#writer))
  }

  /**
   * Ends a round, in which every folder was read once: orphans of earlier rounds are in no folder and are removed.
   * Orphans of this round may have been moved to a folder that was read before, and stay.
   */
  async settleOrphans(round: number, lowestFact: number): Promise<SettledOrphans> {
    let removed = 0
    for (;;) {
      const settled = await this.#change(lowestFact, change => removeOrphans(change, this.options.fullText, round))
      removed += settled.removed
      if (settled.removed < removedAtOnce) return { removed, round: settled.round }
    }
  }

  /**
   * Stores when folders were last compared with the mail server, for lists after the next start.
   * @param mailbox Key of the mailbox.
   */
  async noteCompared(mailbox: string, times: readonly (readonly [path: string, at: number])[]): Promise<void> {
    await this.#change(0, change => noteCompared(change, mailbox, times))
  }

  /** Removes all texts, so that the index holds headers only. */
  async removeTexts(): Promise<void> {
    const { db, fullText } = this.options
    const { texts } = await this.state()
    for (let above = texts > 0 ? 0 : undefined; above !== undefined; ) {
      const from: number = above
      above = await this.#change(0, change => removeTexts(change, from, removedAtOnce, fullText))
    }
    await fullText.shrink(db, this.owner.account, texts > 0)
  }

  async deleteOutgoing(upTo: number): Promise<void> {
    await deleteOutgoing(this.owner, upTo)
  }

  /** Does one bounded step of compaction, and returns whether more is left. Meant for idle times. */
  async tidy(): Promise<boolean> {
    const { db, fullText } = this.options
    const hasMore = await db.transaction().execute(transaction => fullText.tidy(transaction))
    await fullText.reclaim(db)
    return hasMore || (await this.options.tighten?.()) === true
  }

  get #writer(): BatchWriter {
    const { accountId, fullText, readText } = this.options
    return { accountId, fullText, readText, numbers: this.#numbers }
  }

  async #change<Result>(lowestFact: number, work: (change: IndexChange) => Promise<Result>): Promise<Result> {
    const { account } = this.options
    return this.options.db.transaction().execute(async db => {
      const change = await IndexChange.begin({ db, account }, lowestFact)
      const result = await work(change)
      await change.finish()
      return result
    })
  }
}
