/** Takes new messages of a followed folder into the index before they are announced, so that they can be announced by their ids. */
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { AppliedBatch, IndexedFolder } from '../index/index-types.ts'
import type { IndexWriter } from './index-writer.ts'
import { toRecord } from './message-record.ts'

/** For the first look at an account, of which mail is announced already. */
const firstLookMs = 10_000

export interface IndexedArrivalsOptions {
  index: Pick<IndexOperations, 'listFolders'>
  writer: Pick<IndexWriter, 'applyAhead'>
  /** Of all folders, at most for so long. */
  look(boundMs: number): Promise<unknown>
  notice(path: string): void
}

export class IndexedArrivals {
  readonly #options: IndexedArrivalsOptions

  constructor(options: IndexedArrivalsOptions) {
    this.#options = options
  }

  /** @returns Undefined where the folder is not followed yet, also after `firstLookMs`. */
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
    // Mail is not announced later for what the index tells of it. What cannot be forwarded now is forwarded by the next look.
    const batch = { path, uidValidity, added, position, announces: true }
    const { writer, notice } = this.#options
    return (await writer.applyAhead(batch, () => notice(path))).added
  }

  /** @param lookMs For a look before. */
  async #followed(path: string, uidValidity: number, lookMs = 0): Promise<IndexedFolder | undefined> {
    if (lookMs > 0) await this.#options.look(lookMs)
    const folder = (await this.#options.index.listFolders()).find(each => each.path === path)
    return folder?.uidValidity === uidValidity && folder.lowestUid !== null ? folder : undefined
  }
}
