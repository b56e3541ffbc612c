/** /api/v1/approvals and their settings; sending a draft, and checking what sending it would do. */
import { approvalsApi } from '../../contract/approvals.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { Principal } from '../platform/principal.ts'
import type { ApprovalDetails } from './approval-details.ts'
import type { ApprovalService } from './approval-service.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { HeldEdits } from './held-edits.ts'
import type { PasskeyConfirmation } from './passkey-confirmation.ts'
import type { SendService } from './send-service.ts'

export interface ApprovalRoutesOptions {
  sending: SendService
  approvals: ApprovalService
  details: ApprovalDetails
  edits: HeldEdits
  passkeys: PasskeyConfirmation
  settings: ApprovalSettingsHolder
  /**
   * Returns a token as the principal that its policy judges. @throws Problem for tokens that the caller may not see.
   */
  tokenAs(principal: Principal, tokenId: string): Promise<Principal>
}

export function approvalRoutes(http: HttpServer, options: ApprovalRoutesOptions): void {
  const { sending, approvals, details, edits, passkeys, settings, tokenAs } = options
  handle(http, outboxApi.sendDraft, async call => {
    const { principal, params, body, signal } = call
    const key = call.header('idempotency-key')
    const sent = await sending.send(principal, params.account_id, params.draft_id, body, signal, key)
    call.note({ submission_id: sent.id, state: sent.state, hash: sent.hash })
    return sent
  })
  handle(http, outboxApi.checkDraft, async ({ principal, params, body, signal }) => {
    const as = body.token_id === undefined ? principal : await tokenAs(principal, body.token_id)
    return sending.check(principal, params.account_id, params.draft_id, body.rev, signal, as)
  })
  handle(http, approvalsApi.listApprovals, ({ principal, query }) => approvals.list(principal, query))
  handle(http, approvalsApi.getApproval, ({ principal, params, signal }) =>
    details.get(principal, params.approval_id, signal),
  )
  handle(http, approvalsApi.beginApproving, ({ principal, params, body }) =>
    passkeys.begin(principal, params.approval_id, body.hash, approvals),
  )
  handle(http, approvalsApi.approve, async call => {
    call.note({ hash: call.body.hash })
    const { hash, passkey } = call.body
    const approval = await approvals.approve(call.principal, call.params.approval_id, hash, passkey)
    call.note({ account_id: approval.submission.account_id, submission_id: approval.submission.id })
    return approval
  })
  handle(http, approvalsApi.deny, async call => {
    const { hash, reason } = call.body
    call.note({ hash })
    const approval = await approvals.deny(call.principal, call.params.approval_id, hash, reason)
    call.note({ account_id: approval.submission.account_id, submission_id: approval.submission.id })
    return approval
  })
  handle(http, approvalsApi.editHeld, async call => {
    const { principal, params, signal } = call
    const { hash, ...change } = call.body
    await edits.edit(principal, params.approval_id, hash, change, signal)
    const detail = await details.get(principal, params.approval_id, signal)
    call.note({ account_id: detail.submission.account_id, submission_id: detail.submission.id, hash: detail.hash })
    return detail
  })
  handle(http, approvalsApi.getApprovalSettings, () => settings.read())
  handle(http, approvalsApi.setApprovalSettings, ({ principal, body }) => settings.set(principal, body))
}
