/**
 * Folders with counts from the index: if the account has only its own folders, all fully indexed and recently compared.
 */
import type { Folder, FolderCounts } from '../../contract/mail.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedFolder } from '../index/index-types.ts'
import type { Principal } from '../platform/principal.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'
import { freshMs, type Owner } from './mail-queries.ts'

export interface IndexedFoldersOptions {
  index: { of(accountId: string): Pick<IndexOperations, 'listFolders'> }
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<Owner>
  indexerOf(accountId: string): Pick<AccountIndexer, 'asOf' | 'listing' | 'mailbox'> | undefined
}

export interface CountedFolders {
  folders: Folder[]
  counts: FolderCounts
  /** Time of the folder whose comparison is the oldest. */
  asOf: string
}

export class IndexedFolders {
  readonly #options: IndexedFoldersOptions

  constructor(options: IndexedFoldersOptions) {
    this.#options = options
  }

  /** Undefined when the mail server must be queried. */
  async find(principal: Principal, accountId: string): Promise<CountedFolders | undefined> {
    const { index, ownerOf, indexerOf } = this.#options
    const indexer = indexerOf(accountId)
    const listing = indexer?.listing
    if (!indexer || !listing) return undefined
    const owner = await ownerOf(principal, accountId)
    if (owner.revision === null || owner.mailbox !== indexer.mailbox) return undefined
    const times = listing.filter(({ selectable }) => selectable).map(({ path }) => indexer.asOf(path) ?? 0)
    const oldest = Math.min(...times)
    if (times.length === 0 || Date.now() - oldest > freshMs) return undefined
    const counted = new Map((await this.#indexed(index, accountId)).map(folder => [folder.path, folder]))
    const folders = listing.map(folder => withCounts(folder, counted.get(folder.path)))
    if (folders.some(({ selectable, total }) => selectable && total === null)) return undefined
    const asOf = new Date(oldest).toISOString()
    return { folders, counts: { state: 'complete', pending: 0, as_of: asOf }, asOf }
  }

  async #indexed(index: IndexedFoldersOptions['index'], accountId: string): Promise<IndexedFolder[]> {
    try {
      return await index.of(accountId).listFolders()
    } catch (error) {
      // Whatever is wrong with the index, the mail server has the list.
      if (error instanceof IndexFault) return []
      throw error
    }
  }
}

function withCounts(folder: Folder, indexed: IndexedFolder | undefined): Folder {
  const isComplete = indexed && indexed.uidValidity !== 0 && indexed.lowestUid !== null && indexed.lowestUid <= 1
  if (!folder.selectable || !isComplete) return { ...folder, total: null, unread: null }
  return { ...folder, total: indexed.total, unread: indexed.unread }
}
