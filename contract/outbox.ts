/** The outbox: follow, cancel and retry outgoing messages, and resolve unknown outcomes. Sending begins with a draft. */
import { z } from 'zod'
import { DraftId, MeasuredFrame, MessageContent } from './draft.ts'
import { idempotencyKey } from './drafts.ts'
import { endpoint } from './endpoint.ts'
import { PolicyFinding } from './policy.ts'
import { Submission, SubmissionId, SubmissionState } from './submission.ts'
import { AccountId, Cursor, GivenTime, Limit } from './wire.ts'
import { sessionHeader } from './work-session.ts'

export * from './submission.ts'

const tag = 'Outbox'
const path = '/api/v1/outbox'
const one = z.object({ submission_id: SubmissionId })
const draft = z.object({ account_id: AccountId, draft_id: DraftId })
const deciding = ['submission_not_found', 'not_possible_now', 'frozen'] as const

/** The HTML part of a message of the outbox, for a sandboxed frame: only while its hash is `hash`. Not in the table of JSON endpoints. */
export const submissionHtmlPath = '/api/v1/outbox/{submission_id}/html'

export const SubmissionFrameQuery = z.strictObject({
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hex')
    .describe('Hash of the content to show; any other content is an error')
    .meta({ examples: ['5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'] }),
  measured: MeasuredFrame,
})

export const outboxApi = {
  sendDraft: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/drafts/{draft_id}/send',
    tag,
    summary: 'Send a revision of a draft',
    description: [
      'The only way to send. The policy of the caller’s token decides: it is sent, held for an approval, or refused. Users’ own messages wait for some seconds, in which',
      'sending can be cancelled. The response does not wait for delivery: `delivery_changed` on the event stream reports each step.',
    ].join(' '),
    scope: 'mail:send',
    effect: 'send',
    params: draft,
    headers: [...idempotencyKey, sessionHeader],
    body: z.strictObject({
      rev: z.int().min(1),
      at: GivenTime.optional().describe('Send not before this time, at most a year ahead'),
    }),
    response: Submission,
    status: 202,
    problems: [
      'account_not_found',
      'account_disabled',
      'account_cannot_send',
      'draft_not_found',
      'draft_changed',
      'draft_submitted',
      'no_recipients',
      'policy_denied',
      'frozen',
      'too_large',
      'too_many_submissions',
      'too_many_operations',
      'idempotency_key_reused',
    ],
  }),
  checkDraft: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/drafts/{draft_id}/check',
    tag,
    summary: 'Check what sending this draft would do, and why (dry run)',
    scope: 'mail:draft',
    effect: 'read',
    params: draft,
    body: z.strictObject({
      rev: z.int().min(1).optional(),
      token_id: z
        .string()
        .min(1)
        .max(40)
        .optional()
        .describe('Check as if this token sent it; for users, one of the visible tokens'),
    }),
    response: z.object({
      verdict: z.enum(['send', 'hold', 'deny']),
      findings: z.array(PolicyFinding),
    }),
    problems: [
      'account_not_found',
      'draft_not_found',
      'draft_changed',
      'token_not_found',
      'no_recipients',
      'too_large',
    ],
  }),
  listSubmissions: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List queued and sent messages of the outbox, newest first',
    description: 'A token sees its own messages; users see all of their accounts.',
    scope: 'mail:draft',
    effect: 'read',
    query: z.strictObject({
      account_id: AccountId.optional(),
      state: SubmissionState.optional(),
      is_open: z
        .enum(['true', 'false'])
        .optional()
        .describe('`true`: only those that have not ended, or are `unknown`'),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(Submission), next_cursor: z.string().nullable() }),
    problems: ['account_not_found'],
  }),
  getSubmission: endpoint({
    method: 'GET',
    path: `${path}/{submission_id}`,
    tag,
    summary: 'Get a message of the outbox',
    scope: 'mail:draft',
    effect: 'read',
    params: one,
    response: Submission,
    problems: ['submission_not_found'],
  }),
  getSubmissionContent: endpoint({
    method: 'GET',
    path: `${path}/{submission_id}/content`,
    tag,
    summary: 'Preview a message of the outbox, from the exact bytes that are sent',
    scope: 'mail:draft',
    effect: 'read',
    params: one,
    response: MessageContent.extend({ hash: z.string() }),
    problems: ['submission_not_found', 'overloaded'],
  }),
  cancelSubmission: endpoint({
    method: 'POST',
    path: `${path}/{submission_id}/cancel`,
    tag,
    summary: 'Cancel a message whose sending has not begun; its draft is open again',
    scope: 'mail:draft',
    effect: 'write',
    params: one,
    response: Submission,
    problems: deciding,
  }),
  retrySubmission: endpoint({
    method: 'POST',
    path: `${path}/{submission_id}/retry`,
    tag,
    summary: 'Retry sending to the recipients that did not get a message',
    description: 'Users only. A message whose outcome is `unknown` may arrive twice.',
    callers: 'session',
    scope: 'mail:send',
    effect: 'send',
    params: one,
    response: Submission,
    problems: [...deciding, 'session_needed'],
  }),
  resolveSubmission: endpoint({
    method: 'POST',
    path: `${path}/{submission_id}/resolve`,
    tag,
    summary: 'Resolve a message whose outcome is unknown',
    description: 'Users only.',
    callers: 'session',
    scope: 'mail:send',
    effect: 'write',
    params: one,
    body: z.strictObject({ outcome: z.enum(['sent', 'failed']) }),
    response: Submission,
    problems: [...deciding, 'session_needed'],
  }),
}
