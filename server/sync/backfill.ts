/** Indexes mail that predates the account: headers of each folder, then texts, newest first, one batch per step. */
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedFolder } from '../index/index-types.ts'
import type { FolderIndexer } from './folder-indexer.ts'
import type { SyncPhase } from './sync-progress.ts'
import type { TextBackfill } from './text-backfill.ts'

export interface BackfillOptions {
  /** The account's index. */
  index: Pick<IndexOperations, 'listFolders'>
  folders: Pick<FolderIndexer, 'backfill' | 'isAhead' | 'forgetAhead'>
  /** Undefined where only headers are indexed. */
  texts: Pick<TextBackfill, 'step' | 'isAhead' | 'forgetAhead' | 'forget'> | undefined
  /** Called for a folder that was recreated meanwhile. @returns Whether it is compared again before the next round. */
  recreated(path: string): boolean
  /** Waits until facts of all writes are forwarded. @throws when that failed */
  settle(): Promise<void>
  tell(phase: SyncPhase, folder: string, done: number, total: number): void
}

/** Minimum interval between progress reports, for which all folders are listed. */
const reportEveryMs = 1_000

export class Backfill {
  readonly #options: BackfillOptions
  /** All headers are indexed, as of the last comparison of folders. */
  #hasHeaders = false
  /** The folder whose headers are being read. */
  #folder: IndexedFolder | undefined
  #listedAt = Number.NEGATIVE_INFINITY

  constructor(options: BackfillOptions) {
    this.#options = options
  }

  /** True when a batch was read ahead, whose traffic is already spent. */
  get isAhead(): boolean {
    const { folders, texts } = this.#options
    return folders.isAhead || texts?.isAhead === true
  }

  /** Retries texts that could not be fetched. */
  forget(): void {
    this.#options.texts?.forget()
  }

  /** Called before folders are compared: discards what was read ahead, and waits until all facts are forwarded. */
  async forgetAhead(): Promise<void> {
    const { folders, texts, settle } = this.#options
    this.#hasHeaders = false
    this.#folder = undefined
    await Promise.all([folders.forgetAhead(), texts?.forgetAhead()])
    // Facts that failed are forwarded with the next change.
    await settle().catch(() => undefined)
  }

  /**
   * Indexes a batch of headers, else of texts. @returns Whether there may be more.
   * @param goesOn Returns whether the next step is expected to be another batch, which is then read ahead.
   */
  async step(isComplete: boolean, goesOn: () => Promise<boolean>): Promise<boolean> {
    const isMore = await this.#step(isComplete, goesOn)
    if (!isMore) await this.#options.settle()
    return isMore
  }

  async #step(isComplete: boolean, goesOn: () => Promise<boolean>): Promise<boolean> {
    const { folders, texts, recreated } = this.#options
    const folder = this.#hasHeaders ? undefined : await this.#nextFolder()
    this.#hasHeaders = folder === undefined
    if (!folder) return texts !== undefined && (await texts.step(isComplete, await goesOn()))
    const lowestUid = await folders.backfill(folder, await goesOn())
    this.#folder = lowestUid !== undefined && lowestUid > 1 ? { ...folder, lowestUid } : undefined
    return lowestUid !== undefined || recreated(folder.path)
  }

  /** Returns the folder that lacks headers, INBOX first; within a second of the last report, as the last batch left it. */
  async #nextFolder(): Promise<IndexedFolder | undefined> {
    if (this.#folder && performance.now() - this.#listedAt < reportEveryMs) return this.#folder
    const { index, tell } = this.#options
    const all = await index.listFolders()
    this.#listedAt = performance.now()
    const waiting = all.filter(({ lowestUid, isSelectable }) => isSelectable && lowestUid !== null && lowestUid > 1)
    const next = waiting.find(({ role }) => role === 'inbox') ?? waiting[0]
    const sum = (of: 'serverTotal' | 'total') => all.reduce((count, folder) => count + folder[of], 0)
    if (next) tell('headers', next.path, sum('total'), sum('serverTotal'))
    return next
  }
}
