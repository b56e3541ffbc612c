/** Changes of mail: flags, moves, copies and deletions, as operations that are executed in order, can be followed and can be undone. */
import { z } from 'zod'
import { endpoint, type RequestHeader } from './endpoint.ts'
import { folderActionsApi } from './folder-actions.ts'
import { mailServerProblems } from './mail.ts'
import {
  MessageActions,
  MessageNames,
  Operation,
  OperationId,
  OperationState,
  OperationWithResults,
  UndoReport,
} from './operation.ts'
import { AccountId, Cursor, GivenTime, Limit } from './wire.ts'
import { sessionHeader, WorkSession } from './work-session.ts'

export * from './operation.ts'

const tag = 'Operations'
const account = z.object({ account_id: AccountId })
const one = z.object({ operation_id: OperationId })
const idempotency: readonly RequestHeader[] = [
  {
    name: 'Idempotency-Key',
    description:
      'Idempotency key: your own name for this call, 1–200 visible characters, kept for 24 hours. A retry with the same content gets the same operation',
    example: '7f0c2d5e-archive-1',
  },
  sessionHeader,
]
const accepting = [
  'account_not_found',
  'account_disabled',
  ...mailServerProblems,
  'folder_not_found',
  'folder_not_selectable',
  'idempotency_key_reused',
  'too_many_operations',
] as const

export const operationsApi = {
  ...folderActionsApi,
  changeMessages: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/messages/actions',
    tag,
    summary: 'Change flags and keywords of messages, move them or copy them',
    description: [
      'The operation is stored and then done in order, also after a restart or an outage of the mail server; the response does not wait for it.',
      '`operation_changed` on the event stream reports its end. Messages that cannot be found have `failed` in `results`; the others are changed.',
    ].join(' '),
    scope: 'mail:organize',
    effect: 'write',
    params: account,
    headers: idempotency,
    body: MessageActions,
    bodyLimit: 1024 * 1024,
    response: OperationWithResults,
    status: 202,
    problems: accepting,
  }),
  deleteMessages: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/messages/delete',
    tag,
    summary: 'Delete messages permanently, bypassing the trash',
    description:
      'Cannot be undone. Exactly these messages are removed; if the mail server cannot do that, the call is rejected.',
    scope: 'mail:delete',
    effect: 'destroy',
    params: account,
    headers: idempotency,
    body: z.strictObject({ ids: MessageNames }),
    bodyLimit: 1024 * 1024,
    response: OperationWithResults,
    status: 202,
    problems: accepting,
  }),
  listOperations: endpoint({
    method: 'GET',
    path: '/api/v1/operations',
    tag,
    summary: 'List operations, newest first',
    description:
      'A token sees its own operations; a user with `dashboard:operate`, and the API key, see those of all callers. In all cases only of visible accounts.',
    scope: 'mail:meta',
    effect: 'read',
    query: z.strictObject({
      account_id: AccountId.optional(),
      since: GivenTime.optional(),
      principal: z.string().min(1).max(100).optional().describe('`principal.id` of operations, or the id of a token'),
      session: WorkSession.optional(),
      state: OperationState.optional(),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(Operation), next_cursor: z.string().nullable() }),
    problems: ['account_not_found'],
  }),
  getOperation: endpoint({
    method: 'GET',
    path: '/api/v1/operations/{operation_id}',
    tag,
    summary: 'Get an operation with a result for each message',
    scope: 'mail:meta',
    effect: 'read',
    params: one,
    response: OperationWithResults,
    problems: ['operation_not_found'],
  }),
  undoOperation: endpoint({
    method: 'POST',
    path: '/api/v1/operations/{operation_id}/undo',
    tag,
    summary: 'Undo an operation, or list what the undo would change',
    description: [
      'One’s own needs `mail:organize`; those of others need `dashboard:operate` and are refused to tokens. What was changed since is left as it is and reported as',
      '`conflict`.',
    ].join(' '),
    scope: 'mail:meta',
    effect: 'write',
    params: one,
    headers: idempotency,
    body: z.strictObject({ dry_run: z.boolean().default(false) }),
    response: UndoReport,
    problems: [...accepting, 'operation_not_found', 'cannot_undo'],
  }),
  undoOperations: endpoint({
    method: 'POST',
    path: '/api/v1/operations/undo',
    tag,
    summary: 'Undo everything that a caller did since a time, or list what the undo would change',
    description:
      'The rights are those of a single undo. Select by a time, a session, or both. Call it with `dry_run` first, which is the default.',
    scope: 'mail:meta',
    effect: 'write',
    headers: idempotency,
    body: z
      .strictObject({
        principal: z.string().min(1).max(100).describe('`principal.id` of operations, or the id of a token'),
        since: GivenTime.optional().describe('Required without `session`'),
        session: WorkSession.optional().describe('Only operations of this session of work'),
        account_id: AccountId.optional(),
        before: OperationId.optional().describe('Only older operations; after `has_more`, the last one in `undone`'),
        dry_run: z.boolean().default(true),
      })
      .refine(({ since, session }) => since !== undefined || session !== undefined, {
        path: ['since'],
        message: 'is required, unless `session` is named',
      }),
    response: UndoReport,
    problems: accepting,
  }),
}
