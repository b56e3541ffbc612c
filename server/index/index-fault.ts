/** Errors of the index that its callers handle. */

export type IndexFaultCode =
  /** The index does not have this folder. */
  | 'folder_not_found'
  /** The caller's state is older than the changes that the index keeps: it has to read the list again. */
  | 'cannot_calculate_changes'
  /** Too many calls are in flight; nothing of this one was begun. */
  | 'overloaded'
  /** The thread ended during the call; uncommitted changes are lost. */
  | 'thread_ended'
  /** The file was damaged and has been removed: the account's index starts empty. */
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
