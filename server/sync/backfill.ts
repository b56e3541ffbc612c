/** What was there before an account is followed, and is not indexed yet: headers of each folder, then texts, the newest first, one batch with each step. */
import type { IndexOperations } from '../index/index-operations.ts'
import type { FolderIndexer } from './folder-indexer.ts'
import type { SyncPhase } from './sync-progress.ts'
import type { TextBackfill } from './text-backfill.ts'

export interface BackfillOptions {
  /** Of the account. */
  index: Pick<IndexOperations, 'listFolders'>
  folders: Pick<FolderIndexer, 'backfill' | 'isAhead' | 'forgetAhead'>
  /** Undefined where headers alone are indexed. */
  texts: Pick<TextBackfill, 'step' | 'isAhead' | 'forgetAhead' | 'forget'> | undefined
  /** Waits until what was written is told. @throws when that failed */
  settle(): Promise<void>
  tell(phase: SyncPhase, folder: string, done: number, total: number): void
}

export class Backfill {
  readonly #options: BackfillOptions

  constructor(options: BackfillOptions) {
    this.#options = options
  }

  /** What is read ahead has cost its bytes already. */
  get isAhead(): boolean {
    const { folders, texts } = this.#options
    return folders.isAhead || texts?.isAhead === true
  }

  /** Texts that could not be fetched are tried again. */
  forget(): void {
    this.#options.texts?.forget()
  }

  /** Before anything is compared: nothing is read, and nothing is left to be told. */
  async forgetAhead(): Promise<void> {
    const { folders, texts, settle } = this.#options
    await Promise.all([folders.forgetAhead(), texts?.forgetAhead()])
    // What failed is told with what changes next.
    await settle().catch(() => undefined)
  }

  /**
   * One batch of headers, else of texts. @returns Whether there may be more.
   * @param goesOn Whether the next step is one more of the same, as far as is known when it is asked.
   */
  async step(isComplete: boolean, goesOn: () => Promise<boolean>): Promise<boolean> {
    const isMore = await this.#step(isComplete, goesOn)
    if (!isMore) await this.#options.settle()
    return isMore
  }

  async #step(isComplete: boolean, goesOn: () => Promise<boolean>): Promise<boolean> {
    const { index, folders, texts, tell } = this.#options
    const all = await index.listFolders()
    const waiting = all.filter(({ lowestUid, isSelectable }) => isSelectable && lowestUid !== null && lowestUid > 1)
    const next = waiting.find(({ role }) => role === 'inbox') ?? waiting[0]
    if (!next) return texts !== undefined && (await texts.step(isComplete, await goesOn()))
    const sum = (of: 'serverTotal' | 'total') => all.reduce((count, folder) => count + folder[of], 0)
    tell('headers', next.path, sum('total'), sum('serverTotal'))
    // A folder that was recreated is read from the beginning with the next round.
    return (await folders.backfill(next, await goesOn())) !== undefined
  }
}
