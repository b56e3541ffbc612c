/** Approvals: messages that wait for a human, exactly as they will be sent, why they are held, and the decision. */
import { z } from 'zod'
import { PasskeyChallenge, WebAuthnJson } from './access.ts'
import { AskerActivity } from './asker-activity.ts'
import { ActingPrincipal, DraftBody, draftBounds, largeBody, MessageContent, RecipientInput } from './draft.ts'
import { endpoint } from './endpoint.ts'
import { MessageRef } from './mail.ts'
import { MessageId } from './message-id.ts'
import { PolicyFinding } from './policy.ts'
import { Submission } from './submission.ts'
import { AccountId, Cursor, Limit, line, secret, Timestamp, typedLine } from './wire.ts'

export const ApprovalId = z
  .string()
  .regex(/^a[0-9a-z]{16}$/, 'is not an approval id')
  .meta({ examples: ['a01k5r9w2m3c7x4aq'] })

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hex')
  .describe('`hash` of what was shown: only exactly that is approved')

export const ApprovalState = z
  .enum(['waiting', 'approved', 'denied', 'expired', 'void'])
  .describe('`void`: its message was edited or cancelled')
export type ApprovalState = z.infer<typeof ApprovalState>

export const Approval = z
  .object({
    id: ApprovalId,
    state: ApprovalState,
    hash,
    submission: Submission,
    asks: ActingPrincipal,
    findings: z.array(PolicyFinding).describe('Why the message is held'),
    message: z
      .object({ id: MessageId.nullable(), ref: MessageRef.nullable() })
      .nullable()
      .describe('Id of the message that it replies to'),
    proposal_id: z.string().nullable().describe('The proposal that the message is an item of'),
    group: z.string().describe('Groups related approvals: same token, account and recipients or thread'),
    created_at: Timestamp,
    expires_at: Timestamp,
    decisions: z.array(
      z.object({
        user_id: z.string(),
        name: z.string(),
        decision: z.enum(['approve', 'deny']),
        reason: z.string().nullable(),
        at: Timestamp,
        counts: z.boolean().describe('False for an approval whose giver may no longer approve it'),
      }),
    ),
    needed: z.int().describe('Number of different users who must approve'),
    can: z.array(z.enum(['approve', 'edit', 'deny'])).describe('What the caller may do now'),
    cannot_because: z.string().nullable(),
    needs_passkey: z.boolean().describe('Approving must be confirmed with a passkey'),
  })
  .meta({ id: 'Approval' })
export type Approval = z.infer<typeof Approval>

export const ApprovalDetail = Approval.extend({
  content: MessageContent.describe('Parsed from the exact bytes that will be sent'),
  activity: AskerActivity,
  warnings: z
    .array(z.string())
    .describe(
      'About its recipients and text, such as addresses that look like those of contacts, without what `findings` already say; empty once its draft is gone',
    ),
}).meta({ id: 'ApprovalDetail' })
export type ApprovalDetail = z.infer<typeof ApprovalDetail>

const reason = typedLine.trim().min(1).max(500)

/** Minimum and maximum of each number in the settings. */
export const approvalBounds = {
  approvers: [1, 5],
  fresh_sign_in_minutes: [1, 1_440],
  expires_hours: [1, 168],
  undo_seconds: [0, 120],
} as const
const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most)

export const ApprovalSettings = z
  .strictObject({
    approvers: within(approvalBounds.approvers).describe('Number of different users who must approve'),
    own_tokens: z.boolean().describe('Whether the owner of a token may approve its messages'),
    fresh_sign_in_minutes: within(approvalBounds.fresh_sign_in_minutes)
      .nullable()
      .describe(
        'Approving requires a sign-in, or a passkey, within this many minutes; null: every session may approve',
      ),
    passkey: z
      .boolean()
      .default(false)
      .describe('Each approval is confirmed with a passkey of the user who gives it, for exactly this message'),
    expires_hours: within(approvalBounds.expires_hours),
    undo_seconds: within(approvalBounds.undo_seconds).describe('How long users can undo sending'),
  })
  .meta({ id: 'ApprovalSettings' })
export type ApprovalSettings = z.infer<typeof ApprovalSettings>

/** The settings in effect. */
export const ApprovalSettingsAnswer = ApprovalSettings.extend({
  is_unreadable: z
    .boolean()
    .describe('The stored settings cannot be read: until set again, nothing is approved or sent by programs'),
}).meta({ id: 'ApprovalSettingsAnswer' })
export type ApprovalSettingsAnswer = z.infer<typeof ApprovalSettingsAnswer>

/** The input of an update; a complete response may be sent back. */
export const ApprovalSettingsChange = ApprovalSettings.extend({
  passkey: z.boolean().optional().describe('If omitted, unchanged'),
  is_unreadable: z.boolean().optional().describe('Ignored, so that a response can be sent back'),
}).meta({ id: 'ApprovalSettingsChange' })
export type ApprovalSettingsChange = z.infer<typeof ApprovalSettingsChange>

export const defaultApprovalSettings: ApprovalSettings = {
  approvers: 1,
  own_tokens: true,
  fresh_sign_in_minutes: null,
  passkey: false,
  expires_hours: 168,
  undo_seconds: 10,
}

const tag = 'Approvals'
const path = '/api/v1/approvals'
const one = z.object({ approval_id: ApprovalId })
const deciding = [
  'session_needed',
  'approval_not_found',
  'approval_void',
  'not_possible_now',
  'recent_sign_in_required',
  'four_eyes_needed',
  'frozen',
] as const

export const approvalsApi = {
  listApprovals: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List approvals, pending ones first, oldest first',
    description: 'A token sees the approvals of its own messages; users those of their accounts.',
    scope: 'mail:draft',
    effect: 'read',
    query: z.strictObject({
      state: ApprovalState.optional(),
      account_id: AccountId.optional(),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(Approval), next_cursor: z.string().nullable(), waiting: z.int() }),
    problems: ['account_not_found'],
  }),
  getApproval: endpoint({
    method: 'GET',
    path: `${path}/{approval_id}`,
    tag,
    summary: 'Get an approval with exactly what will be sent',
    description: 'Reading never approves.',
    scope: 'mail:draft',
    effect: 'read',
    params: one,
    response: ApprovalDetail,
    problems: ['approval_not_found', 'overloaded'],
  }),
  beginApproving: endpoint({
    method: 'POST',
    path: `${path}/{approval_id}/challenge`,
    tag,
    summary: 'Start to approve with a passkey',
    description: 'The challenge is for this user, this approval and this hash, once, and for five minutes.',
    callers: 'session',
    scope: 'mail:send',
    // The challenge is signed, not stored, so this is a read.
    effect: 'read',
    limit: 'access',
    params: one,
    body: z.strictObject({ hash }),
    response: PasskeyChallenge,
    status: 201,
    problems: [...deciding, 'passkey_not_found', 'passkeys_need_https'],
  }),
  approve: endpoint({
    method: 'POST',
    path: `${path}/{approval_id}/approve`,
    tag,
    summary: 'Approve exactly the message with this hash',
    description: 'Users only.',
    callers: 'session',
    scope: 'mail:send',
    effect: 'send',
    params: one,
    body: z.strictObject({
      hash,
      passkey: z
        .strictObject({ challenge_id: secret(z.string().min(1).max(200)), response: secret(WebAuthnJson) })
        .optional()
        .describe('If `needs_passkey`: the browser’s response to `beginApproving`'),
    }),
    response: Approval,
    problems: [...deciding, 'passkey_required', 'challenge_invalid'],
  }),
  deny: endpoint({
    method: 'POST',
    path: `${path}/{approval_id}/deny`,
    tag,
    summary: 'Deny a message, with a reason that the requesting caller can read',
    description: 'Users only.',
    callers: 'session',
    scope: 'mail:send',
    effect: 'write',
    params: one,
    body: z.strictObject({ hash, reason: reason.optional() }),
    response: Approval,
    problems: deciding,
  }),
  editHeld: endpoint({
    method: 'POST',
    path: `${path}/{approval_id}/edit`,
    tag,
    summary: 'Edit a held message; it gets a new hash, which must then be approved',
    description: 'Users only. Earlier approvals become void.',
    callers: 'session',
    scope: 'mail:send',
    effect: 'write',
    params: one,
    body: z.strictObject({
      hash,
      to: z.array(RecipientInput).max(draftBounds.recipients).optional(),
      cc: z.array(RecipientInput).max(draftBounds.recipients).optional(),
      bcc: z.array(RecipientInput).max(draftBounds.recipients).optional(),
      subject: line.max(draftBounds.subject).optional(),
      body: DraftBody.optional(),
    }),
    ...largeBody,
    response: ApprovalDetail,
    problems: [...deciding, 'no_recipients', 'too_large'],
  }),
  getApprovalSettings: endpoint({
    method: 'GET',
    path: '/api/dashboard/approval-settings',
    tag,
    summary: 'Get the approval settings',
    scope: 'dashboard:read',
    effect: 'read',
    response: ApprovalSettingsAnswer,
  }),
  setApprovalSettings: endpoint({
    method: 'PUT',
    path: '/api/dashboard/approval-settings',
    tag,
    summary: 'Change the approval settings',
    callers: 'session',
    scope: 'dashboard:admin',
    effect: 'write',
    body: ApprovalSettingsChange,
    response: ApprovalSettingsAnswer,
    problems: ['session_needed'],
  }),
}
