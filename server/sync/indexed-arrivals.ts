/** Indexes new messages of an indexed folder before they are announced, so that the announcement has their ids. */
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { AppliedBatch, IndexedFolder } from '../index/index-types.ts'
import type { IndexWriter } from './index-writer.ts'
import { toRecord } from './message-record.ts'

/** Timeout of an account's first round, during which mail is already announced. */
const firstLookMs = 10_000

export interface IndexedArrivalsOptions {
  index: Pick<IndexOperations, 'listFolders'>
  writer: Pick<IndexWriter, 'applyAhead'>
  /** Runs a round over all folders, waiting at most `boundMs`. */
  look(boundMs: number): Promise<unknown>
  notice(path: string): void
}

export class IndexedArrivals {
  readonly #options: IndexedArrivalsOptions

  constructor(options: IndexedArrivalsOptions) {
    this.#options = options
  }

  /** Indexes new messages. @returns Undefined where the folder is not indexed yet, even after `firstLookMs`. */
  async take(
    path: string,
    { uidValidity, from, headers }: { uidValidity: number; from: number; headers: readonly IndexHeader[] },
  ): Promise<AppliedBatch['added'] | undefined> {
    if (headers.length === 0) return []
    const folder = (await this.#followed(path, uidValidity)) ?? (await this.#followed(path, uidValidity, firstLookMs))
    if (!folder) return undefined
    const next = Math.max(...headers.map(({ uid }) => uid)) + 1
    const position = folder.uidNext >= from ? { uidNext: Math.max(folder.uidNext, next) } : {}
    const added = headers.map(toRecord)
    // Announcements do not wait for the index's facts. Those that cannot be forwarded now are forwarded by the next
    // round.
    const batch = { path, uidValidity, added, position, announces: true }
    const { writer, notice } = this.#options
    return (await writer.applyAhead(batch, () => notice(path))).added
  }

  /** @param lookMs Timeout of a round that runs before; 0 for none. */
  async #followed(path: string, uidValidity: number, lookMs = 0): Promise<IndexedFolder | undefined> {
    if (lookMs > 0) await this.#options.look(lookMs)
    const folder = (await this.#options.index.listFolders()).find(each => each.path === path)
    return folder?.uidValidity === uidValidity && folder.lowestUid !== null ? folder : undefined
  }
}
