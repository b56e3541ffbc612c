/** What the synchronisation asks of the index, for each account. */
import type { TextlessPlace } from '../index/index-gaps.ts'
import type {
  AppliedBatch,
  AppliedFolders,
  FolderBatch,
  IndexedFolder,
  ListedFolder,
  OutgoingFact,
  SettledOrphans,
  UidSpan,
} from '../index/index-types.ts'

export interface WrittenIndex {
  applyFolders(accountId: string, folders: readonly ListedFolder[], lowestFact: number): Promise<AppliedFolders>
  applyBatch(accountId: string, batch: FolderBatch, lowestFact: number): Promise<AppliedBatch>
  settleOrphans(accountId: string, round: number, lowestFact: number): Promise<SettledOrphans>
  currentRound(accountId: string): Promise<number>
  listFolders(accountId: string): Promise<IndexedFolder[]>
  listUidRanges(accountId: string, path: string): Promise<UidSpan[]>
  listWithoutText(accountId: string, limit: number): Promise<TextlessPlace[]>
  listOutgoing(accountId: string, above: number, limit: number): Promise<OutgoingFact[]>
  deleteOutgoing(accountId: string, upTo: number): Promise<void>
}
