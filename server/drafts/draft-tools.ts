/** Drafts for models. Nothing here sends. */
import { z } from 'zod'
import { type Draft, DraftMode, draftBounds } from '../../contract/draft.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import { line } from '../../contract/wire.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { onlyAccount } from '../accounts/only-account.ts'
import { fromToolRef, ToolRef } from '../mail/read-message.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { defineAccountTool, type Tool, type ToolCall } from '../tools/tool.ts'
import type { DraftAttachments } from './draft-attachments.ts'
import { noDraft } from './draft-rights.ts'
import type { DraftService } from './draft-service.ts'

export interface DraftToolsOptions {
  drafts: Pick<DraftService, 'create' | 'change' | 'get'>
  attachments: Pick<DraftAttachments, 'addFromMessage'>
  accounts: Pick<AccountService, 'list'>
  /** The public URL of this server. */
  baseUrl(): string
}

const hints: Partial<Record<ProblemCode, string>> = {
  account_not_found: 'mail_accounts lists the accounts that you may use.',
  message_not_found: 'Search again with mail_search for new refs.',
  stale_ref: 'Search again with mail_search for new refs.',
  draft_changed: 'Someone else changed it: call again without rev to change it anyway.',
}
/** Validated closely by the service; every word in this schema costs every client tokens. */
const people = z.array(line.max(620)).max(draftBounds.recipients).optional()
const input = z.strictObject({
  mode: z.enum(DraftMode.options).optional(),
  ref: ToolRef.optional(),
  draft: z.string().max(70).optional(),
  rev: z.int().min(1).optional(),
  account: z.string().max(40).optional(),
  to: people,
  cc: people,
  bcc: people,
  subject: line.max(draftBounds.subject).optional(),
  body: z.string().max(draftBounds.body).optional().describe('Markdown'),
  attach: z.array(z.string().max(800)).max(draftBounds.attachments).optional().describe('ref#attachment id'),
})
type Input = z.infer<typeof input>
const output = z.object({
  draft: z.string(),
  rev: z.int(),
  to: z.array(z.string()),
  warnings: z.array(z.string()).optional(),
  proposed: z.string().optional(),
  review_url: z.string(),
})
/** Recipients that the answer lists. */
const mostTold = 50
/** `#` separates the two: neither can contain it. */
const attachment = /^((?:[\w-]{1,40}\.)?[\w-]{8,700})#([\w.-]{1,100})$/

export function draftTools({ drafts, attachments, accounts, baseUrl }: DraftToolsOptions): Tool[] {
  const accountOf = async (principal: Principal, given: Input): Promise<string> => {
    if (given.draft !== undefined && !ToolDraft.safeParse(given.draft).success) throw noDraft()
    const named = [
      ...(given.account ? [given.account] : []),
      ...(given.draft ? [fromToolDraft(given.draft).accountId] : []),
      ...(given.ref ? [fromToolRef(given.ref).accountId] : []),
      ...attachmentsIn(given).map(({ accountId }) => accountId),
    ]
    // A call that names no account uses the only one.
    const [first, ...others] = new Set(named.filter(each => each !== undefined))
    if (others.length > 0) throw new Problem('bad_request', 'A draft and all that it names must be of one account.')
    return first ?? onlyAccount(accounts, principal)
  }
  const write = async (call: ToolCall<Input> & { accountId: string }): Promise<Draft> => {
    const { principal, accountId, input: given, signal } = call
    const { mode = 'new', ref, draft, rev, to, cc, bcc, subject, body } = given
    const wanted = {
      ...(to && { to }),
      ...(cc && { cc }),
      ...(bcc && { bcc }),
      ...(subject !== undefined && { subject }),
      ...(body !== undefined && { body: { format: 'markdown' as const, content: body } }),
    }
    if (draft === undefined) {
      if ((mode === 'new') === (ref !== undefined)) {
        throw new Problem('bad_request', 'ref: is required for replies and forwards, and for them only')
      }
      const message = ref === undefined ? {} : { message: fromToolRef(ref).ref }
      const attach = attachmentsIn(given).map(({ message: of, attachmentId }) => ({
        message: of,
        attachment_id: attachmentId,
      }))
      return drafts.create(principal, accountId, { mode, ...message, ...wanted, attach }, signal)
    }
    if (given.mode !== undefined || ref !== undefined) {
      throw new Problem('bad_request', 'mode, ref: are for new drafts; a draft keeps what it answers.')
    }
    const { draftId } = fromToolDraft(draft)
    let now = await drafts.get(principal, accountId, draftId)
    if (rev !== undefined || Object.keys(wanted).length > 0) {
      now = await drafts.change(principal, accountId, draftId, { rev: rev ?? now.rev, ...wanted })
    }
    for (const named of attachmentsIn(given)) {
      now = await attachments.addFromMessage({ principal, accountId, draftId }, now.rev, named, signal)
    }
    return now
  }
  const tool = defineAccountTool({
    name: 'mail_draft',
    title: 'Draft',
    description:
      'Creates or changes a draft, reply or forward; never sends. ref: the message it answers; gives people, subject, quotation.',
    scope: 'mail:draft',
    effect: 'write',
    hints,
    input,
    output,
    accountOf,
    run: async call => {
      const { id, rev, to, cc, bcc, warnings, proposal_id: proposed } = await write(call)
      call.note({ draft_id: id, rev: String(rev) })
      const all = [...to, ...cc, ...bcc].map(({ email }) => email)
      const url = `${baseUrl()}/mail?compose=${call.accountId}.${id}`
      return {
        draft: toToolDraft({ accountId: call.accountId, draftId: id }),
        rev,
        to: all.length > mostTold ? [...all.slice(0, mostTold), `and ${all.length - mostTold} more`] : all,
        ...(warnings.length > 0 && { warnings: warnings.slice(0, 20) }),
        ...(proposed !== null && { proposed }),
        review_url: url,
      }
    },
  })
  return [tool]
}

function attachmentsIn({ attach = [] }: Input) {
  return attach.map(text => {
    const [, ref = '', attachmentId] = attachment.exec(text) ?? []
    if (attachmentId === undefined) {
      throw new Problem('bad_request', 'attach: must be ref#id, with the ref of a message and the id of its attachment')
    }
    const { accountId, ref: message } = fromToolRef(ref)
    return { accountId, message, attachmentId }
  })
}

const ToolDraft = z.string().regex(/^[\w-]{1,40}\.d[\w-]{21}$/, 'is not a draft of mail_draft')

function toToolDraft({ accountId, draftId }: { accountId: string; draftId: string }): string {
  return `${accountId}.${draftId}`
}

/** @param text A `ToolDraft`. */
function fromToolDraft(text: string): { accountId: string; draftId: string } {
  const [accountId = '', draftId = ''] = text.split('.')
  return { accountId, draftId }
}
