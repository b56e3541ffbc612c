/** What the synchronisation asks of the index of an account. */
import type { AppliedBatch, FolderBatch, IndexedFolder, ServerFolder, UidSpan } from '../index/index-types.ts'

export interface SyncedIndex {
  /** As the server lists them now: folders that are gone lose their messages. */
  applyFolders(accountId: string, folders: readonly ServerFolder[]): Promise<IndexedFolder[]>
  listFolders(accountId: string): Promise<IndexedFolder[]>
  applyBatch(accountId: string, batch: FolderBatch): Promise<AppliedBatch>
  /** Which UIDs of a folder are in the index, rising. */
  listUidRanges(accountId: string, path: string): Promise<UidSpan[]>
  /** The newest messages whose text is not there yet, each at one of its places. */
  listWithoutText(accountId: string, limit: number): Promise<{ path: string; uidValidity: number; uid: number }[]>
  /** Every folder has been read since the last call: messages that were in no folder then and are in none now are gone. */
  settleOrphans(accountId: string): Promise<void>
}
