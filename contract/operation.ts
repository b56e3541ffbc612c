/** Operations on messages as data: the request, the outcome for each message, and the changes of an undo. */
import { z } from 'zod'
import { FolderRole, MessageRef, mailBounds } from './mail.ts'
import { MessageId } from './message-id.ts'
import { AccountId, line, Timestamp } from './wire.ts'
import { WorkSession } from './work-session.ts'

/** Bounds of one call. */
export const operationBounds = {
  messages: 1_000,
  flags: 20,
  /** Operations that one call of `undoOperations` covers. */
  undone: 200,
  /** Messages that one call of `undoOperations` covers. */
  undoneMessages: 10_000,
} as const

/** A system flag by its name, or a keyword as the mail server has it; RFC 9051, section 9: `flag-keyword`. */
const FlagName = z
  .string()
  .regex(/^[!#$&'+-[^-z|}~]{1,100}$/, 'is not a flag or keyword')
  .describe('`seen`, `flagged`, `answered` or `draft`, or a keyword (label)')
  .meta({ examples: ['seen'] })

export const OperationKind = z.enum([
  'flags',
  'move',
  'copy',
  'delete',
  'create_folder',
  'rename_folder',
  'delete_folder',
  'subscribe_folder',
  'unsubscribe_folder',
])
export type OperationKind = z.infer<typeof OperationKind>

export const OperationState = z
  .enum(['proposed', 'pending', 'done', 'partial', 'failed', 'unknown', 'declined'])
  .describe(
    '`proposed`: waits for a human to apply it; `declined`: it was not applied and changed nothing; `pending`: not finished; `partial`: done for some messages; `unknown`: the response of the mail server was lost, and for at least one message the effect cannot be determined. Nothing is retried then',
  )
export type OperationState = z.infer<typeof OperationState>

export const ItemState = z
  .enum(['waiting', 'sent', 'done', 'failed', 'gone', 'unknown'])
  .describe('`sent`: the command was sent, its response is pending; `gone`: the message no longer existed')
export type ItemState = z.infer<typeof ItemState>

export const OperationCounts = z.object({
  total: z.int(),
  waiting: z.int().describe('Includes those that are `sent`'),
  done: z.int(),
  failed: z.int(),
  gone: z.int(),
  unknown: z.int(),
})
export type OperationCounts = z.infer<typeof OperationCounts>

export const OperationId = z
  .string()
  .regex(/^[0-9a-z]{16}$/, 'is not an operation id')
  .describe('Later operations have greater ids')
  .meta({ examples: ['01k5r9w2m3c7x4aq'] })

export const Operation = z
  .object({
    id: OperationId,
    account_id: AccountId,
    principal: z.object({ kind: z.enum(['session', 'token', 'api_key']), id: z.string(), name: z.string() }),
    session: WorkSession.nullable(),
    at: Timestamp,
    kind: OperationKind,
    add: z.array(z.string()).describe('Flags to add; empty unless `kind` is `flags`'),
    remove: z.array(z.string()),
    folder: z
      .string()
      .optional()
      .describe('For an operation on a folder: its path. Such an operation has one result, without a message'),
    to: z
      .string()
      .nullable()
      .describe('Target folder of a move or a copy, or new path of a folder; null for an undo with several targets'),
    state: OperationState,
    counts: OperationCounts,
    settled_at: Timestamp.nullable(),
    waits_because: z.string().nullable().describe('Why the last attempt failed, while the operation is retried'),
    undo_of: OperationId.nullable().describe('The operation that this one undoes'),
    undone_by: OperationId.nullable().describe('The latest operation that undoes this one'),
    proposal_id: z.string().nullable().describe('The proposal that contains, or contained, the operation'),
  })
  .meta({ id: 'Operation' })
export type Operation = z.infer<typeof Operation>

const OperationResult = z
  .object({
    id: MessageId.nullable().describe('Id of the message, if it is known'),
    ref: MessageRef.nullable().describe('Reference of the message at its place when the operation began'),
    folder: z.string().max(mailBounds.path).nullable(),
    state: ItemState,
    code: z.string().nullable().describe('Code of the failure: `message_not_found`, `stale_ref`, `conflict`, …'),
    why: z.string().nullable().describe('The reason in words'),
    new_ref: MessageRef.nullable().describe('Current place of the message, or of its copy; null if unknown'),
  })
  .meta({ id: 'OperationResult' })
export type OperationResult = z.infer<typeof OperationResult>

export const OperationWithResults = Operation.extend({
  results: z.array(OperationResult).max(operationBounds.messages).describe('Results in the order of the request'),
}).meta({ id: 'OperationWithResults' })
export type OperationWithResults = z.infer<typeof OperationWithResults>

const Target = z
  .union([
    z.strictObject({ folder: line.min(1).max(mailBounds.path).describe('Path') }),
    z.strictObject({
      role: FolderRole.describe('The folder with this role'),
      create: z
        .boolean()
        .optional()
        .describe('If there is none, a folder `Archive`, `Junk`, `Trash`, `Drafts` or `Sent` is created first'),
    }),
  ])
  .meta({ examples: [{ role: 'archive' }] })
export type Target = z.infer<typeof Target>

export const MessageNames = z
  .array(z.union([MessageId, MessageRef]))
  .min(1)
  .max(operationBounds.messages)
  .refine(names => new Set(names).size === names.length, 'must not repeat')
  .describe('Ids or references of messages of this account')
const flags = z.array(FlagName).max(operationBounds.flags)

const actions = ['add or remove', 'move_to', 'copy_to']
export const MessageActions = z
  .strictObject({
    ids: MessageNames,
    add: flags.optional(),
    remove: flags.optional(),
    move_to: Target.optional(),
    copy_to: Target.optional(),
  })
  .refine(
    ({ add, remove, move_to, copy_to }) =>
      [(add?.length ?? 0) + (remove?.length ?? 0) > 0, move_to, copy_to].filter(Boolean).length === 1,
    `must have exactly one of ${actions.join(', ')}`,
  )
  .refine(({ add = [], remove = [] }) => !add.some(flag => remove.includes(flag)), {
    path: ['remove'],
    message: 'must not name a flag that is to be added',
  })
  .refine(({ add = [] }) => !add.some(flag => flag.toLowerCase() === 'deleted'), {
    path: ['add'],
    message: 'cannot mark messages as deleted: move them to the trash, or delete them with the scope mail:delete',
  })
  .meta({ examples: [{ ids: ['mT8Zq1cW0bVx-5RkYw3E'], move_to: { role: 'archive' } }] })
export type MessageActions = z.infer<typeof MessageActions>

export const UndoOutcome = z
  .enum(['will_change', 'nothing_to_do', 'conflict', 'impossible'])
  .describe(
    '`conflict`: the message was changed since, and is left as it is; `impossible`: it was deleted, or its current place is unknown',
  )

export type UndoOutcome = z.infer<typeof UndoOutcome>

const UndoChange = z
  .object({
    operation_id: OperationId.describe('The operation that is undone'),
    id: MessageId.nullable(),
    folder: z.string().nullable().describe('Current folder of the message; for an operation on a folder, that folder'),
    action: z.enum([
      'set_flags',
      'move_back',
      'remove_copy',
      'delete_folder',
      'rename_folder',
      'subscribe_folder',
      'unsubscribe_folder',
      'none',
    ]),
    add: z.array(z.string()),
    remove: z.array(z.string()),
    to: z.string().nullable(),
    outcome: UndoOutcome,
    why: z.string().nullable(),
  })
  .meta({ id: 'UndoChange' })
export type UndoChange = z.infer<typeof UndoChange>

/** Repeated in words below, since `toLocaleString` at start makes ICU load its data of every language. */
const shown = 1_000
export const UndoReport = z
  .object({
    dry_run: z.boolean(),
    undone: z
      .array(
        z.object({
          operation: Operation,
          undo: Operation.nullable().describe(
            'The operation that undoes it; null for a dry run, and if nothing can be undone',
          ),
          will_change: z.int(),
          nothing_to_do: z.int(),
          conflict: z.int(),
          impossible: z.int(),
        }),
      )
      .describe('Newest first, which is the order in which they are undone'),
    changes: z.array(UndoChange).max(shown).describe('The first 1,000'),
    changes_omitted: z.int(),
    has_more: z
      .boolean()
      .describe('There are older operations: undo these, wait until they are settled, then call again with `before`'),
  })
  .meta({ id: 'UndoReport' })
export type UndoReport = z.infer<typeof UndoReport>
/** Maximum changes in one report. */
export const shownChanges = shown
