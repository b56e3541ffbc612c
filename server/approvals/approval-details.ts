/** An approval with exactly what will leave, read from its bytes, and what its sender did in the last hour. */
import type { ApprovalDetail } from '../../contract/approvals.ts'
import type { ComposedMessages } from '../drafts/composed-messages.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Principal } from '../platform/principal.ts'
import type { PolicyRates } from '../policies/policy-rates.ts'
import { noApproval } from './approval-rights.ts'
import type { ApprovalService } from './approval-service.ts'
import type { RecentCalls } from './recent-calls.ts'

export interface ApprovalDetailsOptions {
  approvals: Pick<ApprovalService, 'get'>
  outbox: Pick<OutboxService, 'find' | 'countSince'>
  messages: Pick<ComposedMessages, 'read'>
  rates: Pick<PolicyRates, 'used'>
  calls: Pick<RecentCalls, 'list'>
  /** Names under which reads of strangers' mail are counted among the calls. */
  strangerName: string
  now(): number
}

const hour = 60 * 60_000
const mostCalls = 20

export class ApprovalDetails {
  readonly #options: ApprovalDetailsOptions

  constructor(options: ApprovalDetailsOptions) {
    this.#options = options
  }

  async get(principal: Principal, id: string, signal: AbortSignal): Promise<ApprovalDetail> {
    const { approvals, outbox, messages, rates, calls, strangerName, now } = this.#options
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
    const since = new Date(now() - hour).toISOString()
    const asker = approval.asks.id
    const states = await outbox.countSince(asker, since)
    const made = calls.list(asker)
    return {
      ...approval,
      // What is shown, and what is approved by its hash, are one reading of the row.
      hash: row.hash,
      content,
      activity: {
        since,
        sent: (states.sent ?? 0) + (states.partial ?? 0),
        held: states.held ?? 0,
        denied: states.denied ?? 0,
        changes: (await rates.used(asker)).changes_hour,
        read_strangers: made.find(({ name }) => name === strangerName)?.count ?? 0,
        calls: made.filter(({ name }) => name !== strangerName).slice(0, mostCalls),
      },
    }
  }
}
