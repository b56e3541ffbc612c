/**
 * The tool by which models create, rename and delete folders: the same operations as REST, but only empty deletions.
 */
import { z } from 'zod'
import { line } from '../../contract/wire.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { onlyAccount } from '../accounts/only-account.ts'
import { Problem } from '../platform/problem.ts'
import { defineAccountTool, type Tool } from '../tools/tool.ts'
import type { FolderService, WantedOfFolder } from './folder-service.ts'
import type { OperationService } from './operation-service.ts'
import { operationHints, proposedAs, waitMs } from './operation-tools.ts'

export interface FolderToolOptions {
  folders: Pick<FolderService, 'accept'>
  operations: Pick<OperationService, 'settled'>
  accounts: Pick<AccountService, 'list'>
  /** The public URL of this server. */
  baseUrl(): string
}

export function folderTool({ folders, operations, accounts, baseUrl }: FolderToolOptions): Tool {
  return defineAccountTool({
    name: 'mail_folder_edit',
    title: 'Edit folders',
    description: 'Creates, renames, or deletes a folder (empty only).',
    scope: 'mail:organize',
    effect: 'write',
    hints: operationHints,
    input: z.strictObject({
      op: z.enum(['create', 'rename', 'delete']),
      path: line.min(1).max(1_000),
      to: line.min(1).max(1_000).optional(),
      account: z
        .string()
        .regex(/^[\w-]{1,40}$/, 'is not an id of mail_accounts')
        .optional(),
    }),
    output: z.object({
      path: z.string().optional(),
      failed: z.string().optional(),
      pending: z.literal(true).optional(),
      proposed: z.string().optional(),
      review_url: z.string().optional(),
      undo: z.string(),
    }),
    accountOf: (principal, { account }) => account ?? onlyAccount(accounts, principal),
    run: async ({ principal, accountId, input: { op, path, to }, signal, note }) => {
      const wanted = wantedOf(op, path, to)
      const { id } = await folders.accept(principal, accountId, wanted, signal)
      note({ operation_id: id, kind: wanted.kind, folder: path })
      const { state, results, proposal_id } = await operations.settled(principal, id, waitMs, signal)
      if (state === 'done') return { ...(op !== 'delete' && { path: to ?? path }), undo: id }
      if (state === 'proposed') return { pending: true as const, undo: id, ...proposedAs(proposal_id ?? '', baseUrl()) }
      if (state === 'pending') return { pending: true as const, undo: id }
      return { failed: results[0]?.why ?? state, undo: id }
    },
  })
}

function wantedOf(op: 'create' | 'rename' | 'delete', folder: string, to: string | undefined): WantedOfFolder {
  if ((op === 'rename') !== (to !== undefined)) throw new Problem('bad_request', 'to: is for rename only')
  if (op === 'rename') return { kind: 'rename_folder', folder, to: to! }
  return op === 'create' ? { kind: 'create_folder', folder } : { kind: 'delete_folder', folder, isEmptied: false }
}
