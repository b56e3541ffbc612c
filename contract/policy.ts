/** What a token may send and change beyond its scopes, as data: enforced by the server, edited on the page, stated in plain words. */
import { z } from 'zod'
import { lowerAscii } from './ascii-case.ts'
import { endpoint } from './endpoint.ts'
import { mailBounds } from './mail.ts'
import { line, Timestamp } from './wire.ts'

export const policyBounds = {
  recipients: 200,
  folders: 100,
  perHour: 10_000,
  perDay: 100_000,
  taintMinutes: 1_440,
  /** Under every policy: minutes after a read of a stranger’s mail during which a human must approve messages to non-contacts. */
  outsidersMinutes: 60,
} as const

/** `anne@example.com`, or `@example.com` for every address of that domain. */
const RecipientRule = line
  .trim()
  .overwrite(lowerAscii)
  .max(mailBounds.email)
  .regex(/^[^@\s]*@[^@\s]+$/, 'is neither an address nor @domain')

const WorkingHours = z.strictObject({
  days: z.array(z.int().min(1).max(7)).min(1).max(7).describe('1: Monday'),
  from: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 08:00')
    .meta({ examples: ['08:00'] }),
  to: z
    .string()
    .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time such as 18:00, or 24:00')
    .meta({ examples: ['18:00'] }),
  time_zone: line.min(1).max(60).describe('As in the IANA database: `Europe/Vienna`'),
})

export const SendingPolicy = z.strictObject({
  recipients: z
    .union([z.literal('anyone'), z.array(RecipientRule).max(policyBounds.recipients)])
    .describe('`anyone`, or addresses and `@domain`; an empty list allows nobody'),
  only_known_in_thread: z.boolean().describe('Only replies, to people who are already in the thread'),
  max_per_hour: z.int().min(0).max(policyBounds.perHour).nullable().describe('Number of messages'),
  max_per_day: z.int().min(0).max(policyBounds.perDay).nullable(),
  max_recipients_per_hour: z.int().min(0).max(policyBounds.perHour).nullable(),
  max_recipients_per_day: z.int().min(0).max(policyBounds.perDay).nullable(),
  max_attachment_bytes: z.int().min(0).nullable().describe('Total size per message'),
  hours: WorkingHours.nullable().describe('Nothing is sent outside these hours'),
  approval: z
    .strictObject({
      always: z.boolean(),
      strangers: z.boolean().describe('A recipient to whom the account never wrote'),
      tainted_minutes: z
        .int()
        .min(1)
        .max(policyBounds.taintMinutes)
        .nullable()
        .describe(
          'The token has read a stranger’s mail within this many minutes: its message may contain the stranger’s words',
        ),
    })
    .describe(
      `When a human must approve. Without any of these, only messages to anyone except contacts, people in a thread with one and recipients that the policy names, within ${policyBounds.outsidersMinutes} minutes after the token has read a stranger’s mail`,
    ),
})

export const OrganizingPolicy = z.strictObject({
  folders: z
    .union([z.literal('all'), z.array(line.min(1).max(mailBounds.path)).max(policyBounds.folders)])
    .describe('Folders in which messages may be changed, and to which they may be moved'),
  max_per_hour: z.int().min(0).max(100_000).nullable().describe('Number of messages changed'),
  may_delete: z.boolean().describe('Whether it may delete permanently; requires `mail:delete` as well'),
})

export const TokenPolicy = z
  .strictObject({
    mode: z
      .enum(['act', 'propose'])
      .describe('`propose`: its requests are stored as a proposal, which a human applies'),
    sending: SendingPolicy,
    organizing: OrganizingPolicy,
  })
  .meta({ id: 'TokenPolicy' })
export type TokenPolicy = z.infer<typeof TokenPolicy>

/** The default policy of a token: a human approves each message. */
export const defaultPolicy: TokenPolicy = {
  mode: 'act',
  sending: {
    recipients: 'anyone',
    only_known_in_thread: false,
    max_per_hour: 60,
    max_per_day: 300,
    max_recipients_per_hour: 200,
    max_recipients_per_day: 1_000,
    max_attachment_bytes: null,
    hours: null,
    approval: { always: true, strangers: true, tainted_minutes: null },
  },
  organizing: { folders: 'all', max_per_hour: null, may_delete: true },
}

/** The policy of an autonomous agent: it sends without approval, within low rate limits, to contacts while it reads no strangers’ mail. */
export const cappedPolicy: TokenPolicy = {
  ...defaultPolicy,
  sending: {
    ...defaultPolicy.sending,
    ...{ max_per_hour: 10, max_per_day: 50, max_recipients_per_hour: 20, max_recipients_per_day: 100 },
    approval: { always: false, strangers: true, tainted_minutes: policyBounds.outsidersMinutes },
  },
  organizing: { folders: 'all', max_per_hour: 500, may_delete: false },
}

export const policyRules = [
  'recipients',
  'only_known_in_thread',
  'max_per_hour',
  'max_per_day',
  'max_recipients_per_hour',
  'max_recipients_per_day',
  'max_attachment_bytes',
  'hours',
  'approval_always',
  'approval_strangers',
  'approval_tainted',
  'folders',
  'max_changes_per_hour',
  'may_delete',
] as const

/** One reason why a message or change is held or denied. */
export const PolicyFinding = z
  .object({
    rule: z.enum(policyRules),
    effect: z.enum(['hold', 'deny']),
    why: z.string().describe('In plain words'),
    recipients: z.array(z.string()).optional().describe('The recipients concerned'),
  })
  .meta({ id: 'PolicyFinding' })
export type PolicyFinding = z.infer<typeof PolicyFinding>

const params = z.object({ token_id: z.string().min(1).max(40) })
const shared = { tag: 'Tokens', scope: 'signed_in', path: '/api/dashboard/tokens/{token_id}/policy', params } as const
export const PolicyAnswer = z.object({
  token_id: z.string(),
  policy: TokenPolicy,
  is_default: z.boolean(),
  words: z.array(z.string()).describe('The policy in plain words'),
  changed_at: Timestamp.nullable(),
  changed_by: z.string().nullable(),
  used: z.object({
    sent_hour: z.int(),
    sent_day: z.int(),
    recipients_hour: z.int(),
    recipients_day: z.int(),
    changes_hour: z.int(),
  }),
})
export type PolicyAnswer = z.infer<typeof PolicyAnswer>

export const policyApi = {
  getTokenPolicy: endpoint({
    ...shared,
    method: 'GET',
    summary: 'Get the policy of a token, with its current usage of the rate limits',
    description: 'For its owner, administrators, and the token itself.',
    effect: 'read',
    response: PolicyAnswer,
    problems: ['token_not_found'],
  }),
  setTokenPolicy: endpoint({
    ...shared,
    callers: 'session',
    method: 'PUT',
    summary: 'Set the policy of a token; takes effect immediately, also for messages that wait for approval',
    description: 'For its owner and administrators; never for a token.',
    effect: 'write',
    limit: 'access',
    body: TokenPolicy.meta({ examples: [defaultPolicy] }),
    response: PolicyAnswer,
    problems: ['token_not_found', 'session_needed'],
  }),
}
