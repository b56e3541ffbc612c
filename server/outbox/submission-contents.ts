/** Shows the content of a submission, read from the bytes that are sent. */
import type { MessageContent } from '../../contract/draft.ts'
import type { ComposedMessages } from '../drafts/composed-messages.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { OutboxService } from './outbox-service.ts'
import { recipientsOf } from './submission-tables.ts'

export interface SubmissionContentsOptions {
  outbox: Pick<OutboxService, 'getRow'>
  messages: Pick<ComposedMessages, 'read'>
}

export class SubmissionContents {
  readonly #options: SubmissionContentsOptions

  constructor(options: SubmissionContentsOptions) {
    this.#options = options
  }

  /** @throws Problem also once its content is no longer kept. */
  async get(
    principal: Principal,
    submissionId: string,
    signal: AbortSignal,
  ): Promise<MessageContent & { hash: string }> {
    const { outbox, messages } = this.#options
    const row = await outbox.getRow(principal, submissionId)
    if (row.blob_id === '') throw new Problem('submission_not_found', 'The content of this message is no longer kept.')
    const { blob_id: blobId, sha256, size_bytes: sizeBytes, envelope_from: from, hash } = row
    const envelope = { from, to: recipientsOf(row).map(({ email }) => email) }
    return { ...(await messages.read({ blobId, sha256, sizeBytes, envelope }, principal, signal)), hash }
  }
}
