/** A submission (a message in the outbox) as data: what holds it, the outcome for each recipient, and its sent copy. */
import { z } from 'zod'
import { ActingPrincipal, DraftId } from './draft.ts'
import { Address } from './mail.ts'
import { AccountId, Timestamp } from './wire.ts'
import { WorkSession } from './work-session.ts'

export const SubmissionId = z
  .string()
  .regex(/^s[0-9a-z]{16}$/, 'is not a submission id')
  .describe('Later ones have greater ids')
  .meta({ examples: ['s01k5r9w2m3c7x4aq'] })

export const SubmissionState = z
  .enum([
    'held',
    'scheduled',
    'queued',
    'sending',
    'sent',
    'partial',
    'failed',
    'unknown',
    'cancelled',
    'denied',
    'expired',
  ])
  .describe(
    [
      '`held`: waits for an approval; `scheduled`: waits for its time, or for the end of the time in which sending can be undone; `queued`: waits for its turn or its next attempt;',
      '`partial`: accepted for some recipients; `unknown`: the response of the mail server was lost. It is not sent again automatically: a human decides; `denied`: by a human or a policy;',
      '`expired`: nobody approved it in time',
    ].join(' '),
  )
export type SubmissionState = z.infer<typeof SubmissionState>

/** Final states: nothing changes automatically any more. */
export const endStates = [
  'sent',
  'partial',
  'failed',
  'unknown',
  'cancelled',
  'denied',
  'expired',
] as const satisfies readonly SubmissionState[]

export const RecipientState = z
  .enum(['waiting', 'accepted', 'refused', 'unknown', 'bounced'])
  .describe('`accepted`: by the mail server of the account; `bounced`: a bounce reported that it was not delivered')
export type RecipientState = z.infer<typeof RecipientState>

const SubmissionRecipient = z
  .object({
    email: z.string(),
    kind: z.enum(['to', 'cc', 'bcc']),
    state: RecipientState,
    response: z.string().nullable().describe('Text of the mail server’s response, or of the bounce'),
    at: Timestamp.nullable(),
  })
  .meta({ id: 'SubmissionRecipient' })
export type SubmissionRecipient = z.infer<typeof SubmissionRecipient>

export const Submission = z
  .object({
    id: SubmissionId,
    account_id: AccountId,
    draft_id: DraftId,
    rev: z.int().describe('Revision of the draft'),
    principal: ActingPrincipal,
    session: WorkSession.nullable(),
    state: SubmissionState,
    hash: z.string().describe('SHA-256, in hex, of the envelope and the bytes: what an approval is bound to'),
    message_id: z.string().describe('Message-ID of the sent message and of its copy'),
    from: Address,
    recipients: z.array(SubmissionRecipient),
    subject: z.string(),
    size_bytes: z.int(),
    created_at: Timestamp,
    send_at: Timestamp.nullable().describe(
      'Earliest time of sending: the requested time, or the end of the undo window',
    ),
    attempts: z.int(),
    next_attempt_at: Timestamp.nullable(),
    error: z
      .object({ code: z.string(), why: z.string(), server_response: z.string().nullable() })
      .nullable()
      .describe('Error of the latest attempt, or the reason for the denial'),
    ended_at: Timestamp.nullable(),
    approval_id: z.string().nullable().describe('Id of the approval that it needed or needs'),
    is_frozen: z.boolean().describe('A human has frozen its sender or its account'),
    sent_copy: z.object({
      state: z.enum(['none', 'waiting', 'saved', 'by_provider', 'failed']),
      folder: z.string().nullable(),
      why: z.string().nullable(),
    }),
    can: z.array(z.enum(['cancel', 'retry', 'resolve'])).describe('What the caller may do now'),
  })
  .meta({ id: 'Submission' })
export type Submission = z.infer<typeof Submission>
