/** Writing mail: drafts with revisions, replies and forwards, attachments. Nothing here sends. */
import { z } from 'zod'
import {
  Draft,
  DraftChange,
  DraftId,
  draftBounds,
  largeBody,
  MeasuredFrame,
  MessageContent,
  NewDraft,
  Signature,
  SignatureInput,
} from './draft.ts'
import { endpoint, type RequestHeader } from './endpoint.ts'
import { mailServerProblems } from './mail.ts'
import { AccountId, Cursor, digits, Limit, line } from './wire.ts'

export * from './draft.ts'

const tag = 'Drafts'
const path = '/api/v1/accounts/{account_id}/drafts'
const account = z.object({ account_id: AccountId })
const one = z.object({ account_id: AccountId, draft_id: DraftId })
const rev = z.int().min(1)

export const idempotencyKey: readonly RequestHeader[] = [
  {
    name: 'Idempotency-Key',
    description:
      'Idempotency key: your own name for this call, 1–200 visible characters, kept for 24 hours. A retry with the same content gets the response of the first call',
    example: '7f0c2d5e-1',
  },
]
export const draftChangeProblems = [
  'account_not_found',
  'account_disabled',
  'draft_not_found',
  'draft_changed',
  'draft_submitted',
  'too_many_operations',
] as const

/** The HTML part of a draft as it would be sent, for a sandboxed frame. Not in the table of JSON endpoints. */
export const draftHtmlPath = `${path}/{draft_id}/html`

export const DraftFrameQuery = z.strictObject({
  rev: digits.describe('The revision to show; any other current revision is an error').meta({ examples: ['3'] }),
  measured: MeasuredFrame,
})

/** Uploads a file: the body is its raw bytes. Not in the table of JSON endpoints. */
export const draftUploadPath = `${path}/{draft_id}/attachments`

/** Query parameters of an upload. */
export const DraftUploadQuery = z.strictObject({
  rev: digits.describe('The revision that the change is based on').meta({ examples: ['1'] }),
  name: line
    .min(1)
    .max(draftBounds.fileName)
    .describe('Name of the file')
    .meta({ examples: ['minutes.pdf'] }),
  type: z
    .string()
    .max(200)
    .optional()
    .describe('Media type; otherwise the `Content-Type` of the request')
    .meta({ examples: ['application/pdf'] }),
})

/** One attachment of a draft as a file. Not in the table of JSON endpoints. */
export const draftAttachmentPath = `${path}/{draft_id}/attachments/{attachment_id}`

/** The message as it would be sent, as an `.eml` file. Not in the table of JSON endpoints. */
export const draftRawPath = `${path}/{draft_id}/raw`

export const draftsApi = {
  createDraft: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Create a draft: a new message, a reply or a forward',
    description:
      'Replies and forwards take their recipients, subject and references from the message that they answer, unless the call gives others. The account’s own addresses are left out.',
    scope: 'mail:draft',
    effect: 'write',
    params: account,
    headers: idempotencyKey,
    body: NewDraft,
    ...largeBody,
    response: Draft,
    status: 201,
    problems: [
      'account_not_found',
      'account_disabled',
      ...mailServerProblems,
      'message_not_found',
      'stale_ref',
      'idempotency_key_reused',
      'too_many_drafts',
      'too_many_operations',
      'too_large',
    ],
  }),
  listDrafts: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List drafts, most recently changed first',
    description: 'A token sees the drafts that it wrote; users see all drafts of the account.',
    scope: 'mail:draft',
    effect: 'read',
    params: account,
    query: z.strictObject({ limit: Limit, cursor: Cursor }),
    response: z.object({ items: z.array(Draft), next_cursor: z.string().nullable() }),
    problems: ['account_not_found'],
  }),
  getDraft: endpoint({
    method: 'GET',
    path: `${path}/{draft_id}`,
    tag,
    summary: 'Get a draft',
    scope: 'mail:draft',
    effect: 'read',
    params: one,
    response: Draft,
    problems: ['account_not_found', 'draft_not_found'],
  }),
  changeDraft: endpoint({
    method: 'PATCH',
    path: `${path}/{draft_id}`,
    tag,
    summary: 'Change a draft',
    description: 'Only the given fields change. If the draft’s current revision is not `rev`, nothing changes.',
    scope: 'mail:draft',
    effect: 'write',
    params: one,
    body: DraftChange,
    ...largeBody,
    response: Draft,
    problems: [...draftChangeProblems, 'too_large'],
  }),
  discardDraft: endpoint({
    method: 'DELETE',
    path: `${path}/{draft_id}`,
    tag,
    summary: 'Discard a draft with its attachments',
    scope: 'mail:draft',
    effect: 'destroy',
    params: one,
    query: z.strictObject({
      rev: digits
        .optional()
        .describe('Discard only if the draft still has this revision')
        .meta({ examples: ['1'] }),
    }),
    response: z.undefined(),
    status: 204,
    problems: [...draftChangeProblems, 'policy_denied'],
  }),
  attachFromMessage: endpoint({
    method: 'POST',
    path: `${path}/{draft_id}/attachments/from-message`,
    tag,
    summary: 'Attach an attachment of another message of the account, copied on the server',
    description: 'The attachment is copied on the server. To upload a file, see `POST …/attachments`.',
    scope: 'mail:draft',
    effect: 'write',
    params: one,
    body: z.strictObject({ rev, message: line.min(1).max(400), attachment_id: z.string().min(1).max(100) }),
    response: Draft,
    problems: [
      ...draftChangeProblems,
      ...mailServerProblems,
      'message_not_found',
      'attachment_not_found',
      'stale_ref',
      'too_large',
    ],
  }),
  removeAttachment: endpoint({
    method: 'DELETE',
    path: `${path}/{draft_id}/attachments/{attachment_id}`,
    tag,
    summary: 'Remove an attachment of a draft',
    scope: 'mail:draft',
    effect: 'write',
    params: one.extend({ attachment_id: z.string().min(1).max(100) }),
    query: z.strictObject({
      rev: digits.describe('The revision that the change is based on').meta({ examples: ['1'] }),
    }),
    response: Draft,
    problems: [...draftChangeProblems, 'attachment_not_found'],
  }),
  previewDraft: endpoint({
    method: 'GET',
    path: `${path}/{draft_id}/preview`,
    tag,
    summary: 'Preview a draft as it would be sent',
    scope: 'mail:draft',
    effect: 'read',
    params: one,
    response: MessageContent.extend({ rev: z.int() }),
    problems: ['account_not_found', 'draft_not_found', 'overloaded'],
  }),
  getSignature: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/signature',
    tag,
    summary: 'Get the signature and sending settings of an account',
    scope: 'mail:draft',
    effect: 'read',
    params: account,
    response: Signature,
    problems: ['account_not_found'],
  }),
  setSignature: endpoint({
    method: 'PUT',
    path: '/api/v1/accounts/{account_id}/signature',
    tag,
    summary: 'Change the signature and sending settings of an account',
    description: 'Drafts that already include a signature keep theirs.',
    scope: 'mail:draft',
    effect: 'write',
    callers: 'not_token',
    params: account,
    body: SignatureInput,
    response: Signature,
    problems: ['account_not_found', 'session_needed'],
  }),
}
