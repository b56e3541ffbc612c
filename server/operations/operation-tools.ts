/** Tools by which models mark, label and move mail, with the same operations as REST. */
import { z } from 'zod'
import { MessageActions, type OperationWithResults } from '../../contract/operations.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { accountOfRefs, fromToolRef, ToolRef } from '../mail/read-message.ts'
import { faultWords } from '../platform/fault-words.ts'
import { Problem } from '../platform/problem.ts'
import { defineAccountTool, type Tool, type ToolCall } from '../tools/tool.ts'
import type { OperationService, Wanted } from './operation-service.ts'

export interface OperationToolsOptions {
  operations: Pick<OperationService, 'accept' | 'settled'>
  accounts: Pick<AccountService, 'list'>
  /** The public URL of this server. */
  baseUrl(): string
}

/** How long a tool waits for the outcome of its operation, so that the model learns it. */
export const waitMs = 15_000
const mostRefs = 100
export const operationHints: Partial<Record<ProblemCode, string>> = {
  account_not_found: 'mail_accounts lists the accounts that you may use.',
  account_disabled: 'Only an administrator can enable it, on the dashboard.',
  folder_not_found: 'mail_folders lists the folders.',
  folder_not_selectable: 'mail_folders lists the folders in it.',
}
const refs = z.array(ToolRef).min(1).max(mostRefs)
/** Names used by the search (`is:read`) and other programs, with hints; as labels they would have no effect. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['read', 'use the flag seen: add it to mark as read, remove it to mark as unread'],
  ['unread', 'use the flag seen: remove it to mark as unread'],
  ['unseen', 'use the flag seen: remove it to mark as unread'],
  ['starred', 'use the flag flagged for a star'],
  ['unflagged', 'use the flag flagged: remove it to remove the star'],
])
const FlagOrLabel = z
  .string()
  .max(100)
  .refine(name => !otherNames.has(name.toLowerCase()), {
    error: ({ input }) => otherNames.get(String(input).toLowerCase()) ?? '',
  })
const output = z.object({
  ok: z.int(),
  failed: z.array(z.object({ ref: z.string(), why: z.string() })).optional(),
  pending: z.int().optional(),
  proposed: z.string().optional(),
  review_url: z.string().optional(),
  undo: z.string(),
})
type Output = z.infer<typeof output>

export function operationTools({ operations, accounts, baseUrl }: OperationToolsOptions): Tool[] {
  const run = async (call: ToolCall<{ refs: string[] }> & { accountId: string }, wanted: Wanted): Promise<Output> => {
    const { principal, accountId, signal, note } = call
    const { id } = await operations.accept(principal, accountId, wanted, signal)
    note({ operation_id: id, kind: wanted.kind, messages: String(wanted.ids.length) })
    const settled = await operations.settled(principal, id, waitMs, signal)
    return toOutput(call.input.refs, settled, baseUrl())
  }
  const update = defineAccountTool({
    name: 'mail_update',
    title: 'Mark and label',
    description: 'Adds and removes flags (seen, flagged, answered) and labels.',
    scope: 'mail:organize',
    effect: 'write',
    hints: operationHints,
    input: z.strictObject({
      refs,
      add: z.array(FlagOrLabel).max(20).optional(),
      remove: z.array(FlagOrLabel).max(20).optional(),
    }),
    output,
    accountOf: (principal, input) => accountOfRefs(accounts, principal, input.refs),
    run: call => {
      const { add, remove } = call.input
      const ids = namesOf(call.input.refs)
      // Validated by the same rules as in REST.
      const checked = MessageActions.safeParse({ ids, add, remove }, { error: faultWords })
      if (!checked.success) throw badInput(checked.error)
      return run(call, { kind: 'flags', ids, add, remove })
    },
  })
  const move = defineAccountTool({
    name: 'mail_move',
    title: 'Move',
    description: 'Moves messages to a folder.',
    scope: 'mail:organize',
    effect: 'write',
    hints: operationHints,
    input: z.strictObject({
      refs,
      to: z.string().min(1).max(1_000).describe('Path or role (archive, trash, junk)'),
    }),
    output,
    accountOf: (principal, input) => accountOfRefs(accounts, principal, input.refs),
    run: call => {
      const ids = namesOf(call.input.refs)
      return run(call, { kind: 'move', ids, to: { name: call.input.to } })
    },
  })
  return [update, move]
}

function namesOf(toolRefs: readonly string[]): string[] {
  const names = toolRefs.map(ref => fromToolRef(ref).ref)
  if (new Set(names).size === names.length) return names
  throw new Problem('bad_request', 'refs: must not repeat')
}

function badInput({ issues }: z.ZodError): Problem {
  const words = issues.map(({ path, message }) => `${path.map(String).join('.') || 'input'}: ${message}`)
  return new Problem('bad_request', words.join('; ').slice(0, 500))
}

/** Returns the fields of a proposed change: its proposal, and the page where a human decides on it. */
export function proposedAs(proposalId: string, baseUrl: string) {
  return { proposed: proposalId, review_url: `${baseUrl}/approvals?open=${proposalId}` }
}

function toOutput(
  asked: readonly string[],
  { id, state, counts, results, proposal_id: proposalId }: OperationWithResults,
  baseUrl: string,
): Output {
  const proposed = state === 'proposed' && proposalId !== null ? proposedAs(proposalId, baseUrl) : {}
  const failed = results.flatMap(({ state, why }, position) => {
    if (state === 'done' || state === 'waiting' || state === 'sent') return []
    return [{ ref: asked[position]!, why: why ?? state }]
  })
  return {
    ok: counts.done,
    ...(failed.length > 0 && { failed }),
    ...(counts.waiting > 0 && { pending: counts.waiting }),
    ...proposed,
    undo: id,
  }
}
