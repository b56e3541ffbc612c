/** What the outbox asks of drafts and blobs: its part of both, so that it can be built and tested without them. */
import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import type { MessageBytes } from './mail-sender.ts'

export type Tell = (fact: Fact) => void

/** What becomes of the draft of a submission. */
export interface DraftMarks {
  /** @param rev Only if it still has this one. @returns False when it is not so any more, and nothing was changed. */
  mark(
    transaction: Database,
    tell: Tell,
    draftId: string,
    state: 'submitted' | 'open' | 'sent',
    submissionId: string | null,
    rev?: number,
  ): Promise<boolean>
}

/** The bytes of messages. A blob never changes, and stays as long as something uses it. */
export interface SubmittedBlobs {
  read(blobId: string): MessageBytes
  use(transaction: Database, blobId: string, owner: string): Promise<void>
  release(transaction: Database, owner: string): Promise<void>
}

/** What uses the blob of a submission. */
export function ownerOf(submissionId: string): string {
  return `submission:${submissionId}`
}
