/** The operations of an account's index that other threads may call, and the thread that runs each. */
import type { IndexStore } from './index-store.ts'

type Asked<Name extends keyof IndexStore> = IndexStore[Name]

/** Operations by their names in `IndexStore`; arguments and results are plain data. */
export interface IndexOperations {
  applyFolders: Asked<'applyFolders'>
  applyBatch: Asked<'applyBatch'>
  applyExpected: Asked<'applyExpected'>
  settleOrphans: Asked<'settleOrphans'>
  noteCompared: Asked<'noteCompared'>
  removeTexts: Asked<'removeTexts'>
  deleteOutgoing: Asked<'deleteOutgoing'>
  currentRound: Asked<'currentRound'>
  listFolders: Asked<'listFolders'>
  listMessages: Asked<'listMessages'>
  listPage: Asked<'listPage'>
  messagesById: Asked<'messagesById'>
  locateMessages: Asked<'locateMessages'>
  packPlaces: Asked<'packPlaces'>
  packIdentities: Asked<'packIdentities'>
  listThreads: Asked<'listThreads'>
  messagesOfThread: Asked<'messagesOfThread'>
  search: Asked<'search'>
  findHits: Asked<'findHits'>
  readHits: Asked<'readHits'>
  writeHits: Asked<'writeHits'>
  heldMessages: Asked<'heldMessages'>
  listUidRanges: Asked<'listUidRanges'>
  listWithoutText: Asked<'listWithoutText'>
  listContacts: Asked<'listContacts'>
  changesSince: Asked<'changesSince'>
  listOutgoing: Asked<'listOutgoing'>
  figures: Asked<'figures'>
}

export type IndexOperation = keyof IndexOperations

/** The thread that runs an operation: slow searches do not delay lists, and reads never wait for writes. */
export type IndexRole = 'writes' | 'lists' | 'searches'

export const roles: Record<IndexOperation, IndexRole> = {
  applyFolders: 'writes',
  applyBatch: 'writes',
  applyExpected: 'writes',
  settleOrphans: 'writes',
  noteCompared: 'writes',
  removeTexts: 'writes',
  deleteOutgoing: 'writes',
  currentRound: 'lists',
  listFolders: 'lists',
  listMessages: 'lists',
  listPage: 'lists',
  messagesById: 'lists',
  locateMessages: 'lists',
  packPlaces: 'lists',
  packIdentities: 'lists',
  listThreads: 'lists',
  messagesOfThread: 'lists',
  search: 'searches',
  findHits: 'searches',
  readHits: 'searches',
  writeHits: 'searches',
  heldMessages: 'lists',
  listUidRanges: 'searches',
  // Runs on the writing thread between two batches: its pages are cached there, and the list thread stays small.
  listWithoutText: 'writes',
  listContacts: 'searches',
  changesSince: 'lists',
  listOutgoing: 'lists',
  figures: 'lists',
}
