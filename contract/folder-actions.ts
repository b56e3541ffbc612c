/** Changes of folders: created, renamed, deleted, subscribed to. They are operations, like changes of messages. */
import { z } from 'zod'
import { endpoint, type RequestHeader } from './endpoint.ts'
import { mailBounds, mailServerProblems } from './mail.ts'
import { OperationWithResults } from './operation.ts'
import { AccountId, line } from './wire.ts'
import { sessionHeader } from './work-session.ts'

const tag = 'Operations'
const params = z.object({ account_id: AccountId })
const FolderPath = line
  .min(1)
  .max(mailBounds.path)
  .meta({ examples: ['Projects/2026'] })
const query = z.strictObject({ folder: FolderPath.describe('Path of the folder') })
const headers: readonly RequestHeader[] = [
  {
    name: 'Idempotency-Key',
    description: 'Idempotency key: your own name for this call, 1–200 visible characters, kept for 24 hours',
    example: '7f0c2d5e-folder-1',
  },
  sessionHeader,
]
const accepting = [
  'account_not_found',
  'account_disabled',
  ...mailServerProblems,
  'folder_not_found',
  'idempotency_key_reused',
  'too_many_operations',
] as const

/** Roles of folders that can be created on demand. */
export const CreatedRole = z.enum(['archive', 'junk', 'trash', 'drafts', 'sent'])
export type CreatedRole = z.infer<typeof CreatedRole>

export const FolderChange = z
  .strictObject({
    path: FolderPath.optional().describe('The new path. Folders in it are renamed with it'),
    subscribed: z.boolean().optional(),
  })
  .refine(({ path, subscribed }) => (path === undefined) !== (subscribed === undefined), {
    message: 'must have exactly one of path, subscribed',
  })
  .meta({ examples: [{ path: 'Projects/2027' }] })

export const folderActionsApi = {
  createFolder: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/folders',
    tag,
    summary: 'Create a folder',
    description: 'The response does not wait for the mail server: `operation_changed` reports the outcome.',
    scope: 'mail:organize',
    effect: 'write',
    params,
    headers,
    body: z.strictObject({
      path: FolderPath.describe('Path, with the account’s delimiter between its levels'),
      role: CreatedRole.optional().describe('Special use of the folder, if the mail server can store it (RFC 6154)'),
    }),
    response: OperationWithResults,
    status: 202,
    problems: [...accepting, 'folder_exists'],
  }),
  changeFolder: endpoint({
    method: 'PATCH',
    path: '/api/v1/accounts/{account_id}/folders',
    tag,
    summary: 'Rename a folder, or subscribe to it',
    description: 'Messages keep their ids. INBOX, folders with a role and folders of other users cannot be renamed.',
    scope: 'mail:organize',
    effect: 'write',
    params,
    query,
    headers,
    body: FolderChange,
    response: OperationWithResults,
    status: 202,
    problems: [...accepting, 'folder_exists', 'folder_protected'],
  }),
  deleteFolder: endpoint({
    method: 'DELETE',
    path: '/api/v1/accounts/{account_id}/folders',
    tag,
    summary: 'Delete a folder',
    description: [
      'Only an empty one, unless `messages=delete`: then its messages are deleted permanently, which requires `mail:delete` and cannot be undone.',
      'A folder that holds other folders is never deleted.',
    ].join(' '),
    scope: 'mail:organize',
    effect: 'destroy',
    params,
    query: query.extend({ messages: z.enum(['keep', 'delete']).default('keep') }),
    headers,
    response: OperationWithResults,
    status: 202,
    problems: [...accepting, 'folder_not_empty', 'folder_protected'],
  }),
}
