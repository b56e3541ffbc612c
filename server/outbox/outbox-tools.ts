/**
 * The outbox for models, under the same rules as REST. They see and cancel what they sent themselves, and decide
 * nothing.
 */
import { z } from 'zod'
import type { Submission } from '../../contract/submission.ts'
import { Problem } from '../platform/problem.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import type { OutboxService } from './outbox-service.ts'

export interface OutboxToolsOptions {
  outbox: Pick<OutboxService, 'list' | 'get' | 'cancel'>
  /** The public URL of this server. */
  baseUrl(): string
}

const listed = 20
const namedRecipients = 3

export function outboxTools({ outbox, baseUrl }: OutboxToolsOptions): Tool[] {
  const toItem = (submission: Submission) => itemOf(submission, baseUrl())
  const tool = defineTool({
    name: 'mail_outbox',
    title: 'Outbox',
    description: 'Lists what you sent, gets one, or cancels (undo: same) a waiting one.',
    scope: 'mail:draft',
    effect: 'write',
    hints: {
      submission_not_found:
        'List shows the ids. Changes of mail (undo in their results) are undone by a person, or over REST.',
      not_possible_now: 'It is being sent or has ended. Tell the user.',
    },
    input: z.strictObject({
      op: z.enum(['list', 'get', 'cancel', 'undo']),
      id: z
        .string()
        .regex(/^\w{1,40}$/, 'is not an id of mail_outbox')
        .optional(),
    }),
    output: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          kind: z.enum(['message']),
          status: z.string(),
          summary: z.string(),
        }),
      ),
    }),
    run: async ({ principal, input: { op, id }, note }) => {
      if (op === 'list') {
        const { items } = await outbox.list(principal, { limit: listed })
        return { items: items.map(toItem) }
      }
      if (id === undefined) throw new Problem('bad_request', 'id: is required unless op is list')
      if (op === 'get') return { items: [toItem(await outbox.get(principal, id))] }
      const cancelled = await outbox.cancel(principal, id)
      note({ submission_id: id, account_id: cancelled.account_id, state: cancelled.state })
      return { items: [toItem(cancelled)] }
    },
  })
  return [tool]
}

/** Summarises a submission without untrusted text: the responses of mail servers are shown to people only. */
function itemOf(submission: Submission, baseUrl: string) {
  const { id, state, recipients, subject, error, send_at: sendAt, is_frozen: isFrozen } = submission
  const { approval_id: approvalId } = submission
  const named = recipients.slice(0, namedRecipients).map(({ email }) => email)
  const others = recipients.length - named.length
  const bounced = recipients.filter(recipient => recipient.state === 'bounced').length
  const notes = [
    ...(state === 'held' && approvalId !== null ? [`a person decides at ${baseUrl}/approvals?open=${approvalId}`] : []),
    ...(sendAt !== null && state === 'scheduled' ? [`leaves at ${sendAt}`] : []),
    ...(isFrozen ? ['stopped by a human'] : []),
    ...(error ? [`${error.code}: ${error.why}`] : []),
    ...(bounced > 0 ? [`${bounced} bounced`] : []),
  ]
  const to = `To ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}: ${subject}`
  return { id, kind: 'message' as const, status: state, summary: [to, ...notes].join('; ') }
}
