/** The index of one account, in the thread that has its database open: what is written, beside what is read. */
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

  /** @param lowestFact Facts get this number or higher ones: it is above all that were forwarded. */
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
    // They are for speed and room alone: the batch is stored already.
    if (!isSqlite(db)) await countRows(db, before, after).catch(() => undefined)
    await this.options.fullText.reclaim(db, batch.texts?.length).catch(() => undefined)
    // Otherwise it would live until the old generation is collected, and have it collected sooner.
    for (const memory of batch.memory ?? []) memory.transfer(0)
    return applied
  }

  /** A folder that is not there, or another one now, is left as it is. */
  async applyExpected(batch: ExpectedBatch, lowestFact: number): Promise<void> {
    await this.#change(lowestFact, change => applyExpected(change, batch, this.#writer))
  }

  /**
   * Every folder was read once more, which ends this round: orphans of earlier ones are in no folder. Those of this one may have
   * come to a folder that was read before.
   */
  async settleOrphans(round: number, lowestFact: number): Promise<SettledOrphans> {
    let removed = 0
    for (;;) {
      const settled = await this.#change(lowestFact, change => removeOrphans(change, this.options.fullText, round))
      removed += settled.removed
      if (settled.removed < removedAtOnce) return { removed, round: settled.round }
    }
  }

  /** Until when folders are known to be as on the mail server, for lists after the next start. @param mailbox Whose they are. */
  async noteCompared(mailbox: string, times: readonly (readonly [path: string, at: number])[]): Promise<void> {
    await this.#change(0, change => noteCompared(change, mailbox, times))
  }

  /** The index holds headers alone from now on. */
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

  /** Does a bounded piece of what makes searches faster and the index smaller, and says whether there is more to do. For idle times. */
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
