/** Sending for models: a revision of a draft, and the outcome. No tool takes a recipient and a text and sends. */
import { z } from 'zod'
import type { ProblemCode } from '../../contract/problem.ts'
import type { Submission } from '../../contract/submission.ts'
import { GivenTime } from '../../contract/wire.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { defineAccountTool, type Tool } from '../tools/tool.ts'
import type { SendService } from './send-service.ts'

export interface SendToolsOptions {
  sending: Pick<SendService, 'send'>
  outbox: Pick<OutboxService, 'get'>
  hub: Pick<EventHub, 'listen'>
  /** @throws Problem for drafts that the principal may not see. */
  accountOf(principal: Principal, draftId: string): Promise<string>
  /** Returns the proposal that has a held message as an item. */
  proposalOf(submissionId: string): Promise<string | undefined>
  /** Returns the URL of an approval's page. */
  urlOf(approvalId: string): string
}

/** How long a call waits for the outcome. */
const waitMs = 10_000
const hints: Partial<Record<ProblemCode, string>> = {
  draft_changed: 'Read the draft again, and send the revision that you mean.',
  draft_submitted: 'It was submitted already: mail_outbox shows its state.',
  policy_denied: 'Change the draft as the policy allows, or leave sending to a person.',
}
const output = z.object({
  id: z.string(),
  status: z.enum(['sent', 'scheduled', 'pending', 'denied', 'failed', 'unknown']),
  why: z.string().optional(),
  proposed: z.string().optional(),
  approve_url: z.string().optional(),
})
type Output = z.infer<typeof output>
const approvalMessage =
  'A person has to approve this message before it is sent. Open the page, sign in, review exactly what will be sent, and approve or deny it there.'
const moving = new Set<Submission['state']>(['queued', 'sending'])

export function sendTools({ sending, outbox, hub, accountOf, proposalOf, urlOf }: SendToolsOptions): Tool[] {
  const settled = async (principal: Principal, first: Submission, signal: AbortSignal): Promise<Submission> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = hub.listen('delivery_changed', ({ submission_id: id, state }) => {
      if (id === first.id && !moving.has(state)) resolve()
    })
    const timer = setTimeout(resolve, waitMs)
    const abort = () => resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const now = await outbox.get(principal, first.id)
      if (moving.has(now.state) && !signal.aborted) await promise
      return await outbox.get(principal, first.id)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      stop()
    }
  }
  const send = defineAccountTool({
    name: 'mail_send',
    title: 'Send',
    description:
      'Sends exactly this revision of a draft; the policy may require a person to approve it first (pending).',
    scope: 'mail:send',
    effect: 'send',
    hints,
    input: z.strictObject({
      // The draft as `mail_draft` returns it, or the bare id.
      draft: z.string().regex(/^([\w-]{1,40}\.)?[\w-]{1,70}$/, 'is not a draft of mail_draft'),
      rev: z.int().min(1),
      at: GivenTime.optional(),
    }),
    output,
    asks: ({ id, status, approve_url: url }) =>
      status === 'pending' && url !== undefined ? { id, url, message: approvalMessage } : undefined,
    accountOf: (principal, { draft }) => accountOf(principal, idOf(draft)),
    run: async ({ principal, accountId, input: { draft: named, rev, at }, signal, note, waiting }) => {
      const draft = idOf(named)
      // Submitted by an earlier call: whatever a client claims that a human said, it is only looked up.
      const sent =
        waiting === undefined
          ? await sending.send(principal, accountId, draft, { rev, at }, signal)
          : await outbox.get(principal, waiting)
      if (sent.draft_id !== draft) throw new Problem('draft_not_found', 'The waiting message is of another draft.')
      note({ submission_id: sent.id, draft_id: draft, state: sent.state, hash: sent.hash })
      const proposed = sent.state === 'held' ? await proposalOf(sent.id) : undefined
      const answer = toOutput(await settled(principal, sent, signal), urlOf)
      return { ...answer, ...(proposed !== undefined && { proposed }) }
    },
  })
  return [send]
}

/** Strips the account: the draft itself names it. */
function idOf(draft: string): string {
  return draft.slice(draft.indexOf('.') + 1)
}

function toOutput({ id, state, error, approval_id: approvalId }: Submission, urlOf: (id: string) => string): Output {
  const why = error?.why
  return {
    id,
    status: statusOf(state),
    ...(why !== undefined && { why }),
    ...(state === 'held' && approvalId !== null && { approve_url: urlOf(approvalId) }),
  }
}

function statusOf(state: Submission['state']): Output['status'] {
  if (state === 'sent' || state === 'partial') return 'sent'
  if (state === 'held') return 'pending'
  if (state === 'failed' || state === 'unknown' || state === 'denied') return state
  return state === 'cancelled' || state === 'expired' ? 'denied' : 'scheduled'
}
