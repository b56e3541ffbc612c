/** What the outbox needs of drafts and blobs, as interfaces, so that it can be built and tested without them. */
import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import type { MessageBytes } from './mail-sender.ts'

export type Publish = (fact: Fact) => void

/** Updates the draft of a submission. */
export interface DraftMarks {
  /**
   * @param rev The revision that the draft must still have. @returns False when it has another revision or state by
   * now; nothing was changed then.
   */
  mark(
    transaction: Database,
    publish: Publish,
    draftId: string,
    state: 'submitted' | 'open' | 'sent',
    submissionId: string | null,
    rev?: number,
  ): Promise<boolean>
}

/** Bytes of messages. A blob never changes, and is kept as long as something uses it. */
export interface SubmittedBlobs {
  read(blobId: string): MessageBytes
  use(transaction: Database, blobId: string, owner: string): Promise<void>
  release(transaction: Database, owner: string): Promise<void>
}

/** Names the submission as a user of its blob. */
export function ownerOf(submissionId: string): string {
  return `submission:${submissionId}`
}
