/**
 * Compares the folders of an account with its mail server, all of them or those that changed, and updates the index.
 */
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedFolder } from '../index/index-types.ts'
import type { Logger } from '../platform/logger.ts'
import type { FolderIndexer } from './folder-indexer.ts'
import type { IndexWriter } from './index-writer.ts'
import { isOfFolder } from './indexing-faults.ts'
import type { KnownStandings } from './known-standings.ts'
import { type NoticedFolders, pathsToLookAt } from './noticed-folders.ts'

export interface FolderLooksOptions {
  accountId: string
  /** The account's index. */
  index: Pick<IndexOperations, 'currentRound'>
  writer: Pick<IndexWriter, 'applyFolders' | 'settleOrphans'>
  folders: Pick<FolderIndexer, 'catchUp'>
  expected: AccountExpectations
  known: KnownStandings
  noticed: NoticedFolders
  logger: Logger
  /** Rounds between two comparisons of all flags in folders without MODSEQ. */
  roundsBetweenFlags: number
  /** Lends a connection at background priority. */
  ask<T>(work: (connection: MailConnection) => Promise<T>): Promise<T>
  tell(folder: string, done: number, total: number): void
  /** Persists until when each folder is known to match the mail server. */
  noteCompared(): Promise<void>
}

/** Budget for querying folders one by one, where the server does not report all at once. */
const standingsMs = 5_000

export class FolderLooks {
  readonly #options: FolderLooksOptions
  /** Folders that were compared again since the last round. */
  readonly #again = new Set<string>()
  #rounds = 0
  #hasFailed = false

  constructor(options: FolderLooksOptions) {
    this.#options = options
  }

  /** Called after a failure: noticed changes may not have been read, so the next round compares everything. */
  failed(): void {
    this.#hasFailed = true
    this.#options.known.touch()
  }

  /**
   * Called for a folder that was recreated while it was read: it is compared again immediately, but only once a round,
   * since servers exist that report another UIDVALIDITY each time. @returns Whether it is compared again before the next round.
   */
  compareAgain(path: string): boolean {
    if (this.#again.has(path)) return false
    this.#again.add(path)
    this.#options.noticed.add(path)
    return true
  }

  /** Runs a round over all folders. @returns `same`: nothing to do; `stopped`: aborted before the last folder. */
  async all(signal: AbortSignal): Promise<'same' | 'compared' | 'stopped'> {
    const { index, writer, expected, known, noticed, roundsBetweenFlags, tell, noteCompared } = this.#options
    const asksAll = this.#hasFailed || this.#rounds % roundsBetweenFlags === 0
    const notices = noticed.now
    const asOf = Date.now()
    const done = expected.now
    const standings = await this.#standings()
    noticed.asked(notices)
    this.#again.clear()
    // Then the index is not touched at all, so that its threads can end and its files be closed.
    if (known.isUnchanged(standings, asksAll || notices.paths.size > 0)) {
      known.confirm(standings, asOf)
      expected.compared(done)
      this.#over()
      return 'same'
    }
    const round = await index.currentRound()
    const folders = await writer.applyFolders(standings)
    expected.listed(done)
    const byPath = new Map(folders.map(folder => [folder.path, folder]))
    let isWhole = true
    for (const [at, { path, status, isSelectable }] of standings.entries()) {
      tell(path, at, standings.length)
      const folder = byPath.get(path)
      // A folder without a status is queried first next time, before the next round.
      if (isSelectable && !status) noticed.add(path)
      if (!folder || !status) continue
      if (signal.aborted) return 'stopped'
      const comparesAll = status.modseq === undefined && (asksAll || notices.paths.has(path))
      const isCurrent = await this.#catchUp(folder, status, comparesAll, done)
      isWhole = isCurrent && isWhole
      // Without a full comparison, flag changes were not checked.
      if (isCurrent && (comparesAll || status.modseq !== undefined)) known.compared(path, asOf)
    }
    if (isWhole) {
      expected.compared(done)
      expected.lookedAtAll(done)
      await writer.settleOrphans(round)
      known.roundOver(standings)
    }
    // A killed server cannot persist it when stopping.
    await noteCompared()
    this.#over()
    return 'compared'
  }

  /** Compares the folders that are reported as changed. */
  async noticed(): Promise<void> {
    const { writer, expected, known, noticed } = this.#options
    const notices = noticed.now
    const asOf = Date.now()
    const done = expected.now
    const standings = await this.#standings([...notices.paths])
    noticed.asked(notices)
    const folders = await writer.applyFolders(standings)
    expected.listed(done)
    for (const path of pathsToLookAt(notices, standings, folders)) {
      const folder = folders.find(each => each.path === path)
      const status = standings.find(each => each.path === path)?.status
      // A notice may know of changes that the figures do not show.
      if (!folder || !status) continue
      if (await this.#catchUp(folder, status, status.modseq === undefined, done)) known.compared(path, asOf)
    }
  }

  #over(): void {
    this.#rounds++
    this.#hasFailed = false
  }

  /** Syncs one folder; a refused one does not affect the others. */
  async #catchUp(
    folder: IndexedFolder,
    status: NonNullable<FolderStanding['status']>,
    asksAll: boolean,
    done: number,
  ): Promise<boolean> {
    const { folders, expected, logger, accountId } = this.#options
    try {
      const isCurrent = await folders.catchUp(folder, status, asksAll, done)
      if (isCurrent) expected.compared(done, folder.path)
      else this.compareAgain(folder.path)
      return isCurrent
    } catch (error) {
      if (!isOfFolder(error)) throw error
      logger.warn({ account_id: accountId, folder: folder.path, code: error.code }, 'a folder cannot be indexed')
      return false
    }
  }

  #standings(first: readonly string[] = []): Promise<FolderStanding[]> {
    return this.#options.ask(connection => {
      this.#options.known.ask()
      return connection.changes.listStandings(standingsMs, first)
    })
  }
}
