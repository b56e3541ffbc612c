/**
 * Shows an approval with exactly what will be sent, parsed from its bytes, and the sender's activity in the last hour.
 */
import type { Approval, ApprovalDetail } from '../../contract/approvals.ts'
import type { ComposedMessages } from '../drafts/composed-messages.ts'
import type { DraftService } from '../drafts/draft-service.ts'
import { isAboutNewRecipients } from '../drafts/draft-warnings.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { SubmissionRow } from '../outbox/submission-tables.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { noApproval } from './approval-rights.ts'
import type { ApprovalService } from './approval-service.ts'
import type { AskerActivities } from './asker-activities.ts'

export interface ApprovalDetailsOptions {
  approvals: Pick<ApprovalService, 'get'>
  outbox: Pick<OutboxService, 'find'>
  messages: Pick<ComposedMessages, 'read'>
  activities: Pick<AskerActivities, 'of'>
  drafts: Pick<DraftService, 'get'>
}

export class ApprovalDetails {
  readonly #options: ApprovalDetailsOptions

  constructor(options: ApprovalDetailsOptions) {
    this.#options = options
  }

  async get(principal: Principal, id: string, signal: AbortSignal): Promise<ApprovalDetail> {
    const { approvals, outbox, messages, activities } = this.#options
    const approval = await approvals.get(principal, id)
    const row = await outbox.find(approval.submission.id)
    if (!row) throw noApproval()
    const { blob_id: blobId, sha256, size_bytes: sizeBytes, envelope_from: from } = row
    const to = approval.submission.recipients.map(({ email }) => email)
    const content = await messages.read(
      { blobId, sha256, sizeBytes: Number(sizeBytes), envelope: { from, to } },
      principal,
      signal,
    )
    return {
      ...approval,
      // The shown content and the hash to approve come from the same read of the row.
      hash: row.hash,
      content,
      activity: await activities.of(approval.asks.id),
      warnings: unsaid(await this.#warnings(principal, row), approval),
    }
  }

  async #warnings(principal: Principal, row: SubmissionRow): Promise<string[]> {
    const draft = await this.#options.drafts.get(principal, row.account_id, row.draft_id).catch((error: unknown) => {
      if (error instanceof Problem) return undefined
      throw error
    })
    return draft?.rev === row.rev ? draft.warnings : []
  }
}

/** Returns the warnings without those that the reasons for holding the message already name. */
function unsaid(warnings: readonly string[], { findings }: Approval): string[] {
  const isSaid = findings.some(({ rule, recipients = [] }) => rule === 'approval_strangers' && recipients.length > 0)
  return isSaid ? warnings.filter(warning => !isAboutNewRecipients(warning)) : [...warnings]
}
