/** Why the index did not do what it was asked: for its callers, who know what to do about it. */

export type IndexFaultCode =
  /** A folder that the index does not have. */
  | 'folder_not_found'
  /** What the caller knows is from before what the index remembers: it reads the list again. */
  | 'cannot_calculate_changes'
  /** Too much waits already; nothing of the call was begun. */
  | 'overloaded'
  /** The thread ended during the call. What a transaction had not committed is not there. */
  | 'thread_ended'
  /** The file was damaged and removed: the index of the account begins empty. */
  | 'damaged'
  /** The index is closed. */
  | 'closed'

export class IndexFault extends Error {
  readonly code: IndexFaultCode

  constructor(code: IndexFaultCode, message: string) {
    super(message)
    this.name = 'IndexFault'
    this.code = code
  }
}
