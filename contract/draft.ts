/** A draft as data: its content, and the fields that callers may change. */
import { z } from 'zod'
import { Address, MessageRef, mailBounds } from './mail.ts'
import { MessageId } from './message-id.ts'
import { AccountId, line, Timestamp } from './wire.ts'

export const draftBounds = {
  /** Recipients of a message, `to`, `cc` and `bcc` together. */
  recipients: 500,
  /** Characters of its subject (RFC 5322, section 2.1.1: a line). */
  subject: 900,
  /** Characters of its body as written. */
  body: 1024 * 1024,
  attachments: 50,
  /** Bytes of all attachments of a message, before they are encoded. */
  attachmentBytes: 30 * 1024 * 1024,
  /** Characters of the name of an attachment. */
  fileName: 200,
  /** Characters of a signature. */
  signature: 10_000,
  /** Further addresses of the owner of an account. */
  aliases: 50,
  /** Drafts of an account that are neither sent nor discarded. */
  drafts: 1_000,
} as const

/** Bounds of the input: each list may have all recipients, as objects; slightly too many are reported with their path. */
export const largeBody = { bodyLimit: 4 * 1024 * 1024, bodyShape: { names: 4_000, values: 12_000 } } as const

export const DraftId = z
  .string()
  .regex(/^d[0-9A-Za-z_-]{21}$/, 'is not a draft id')
  .describe('Draft id')
  .meta({ examples: ['d5kT0a9ZqW2cXbV7mR1LyE'] })

export const DraftMode = z
  .enum(['new', 'reply', 'reply_all', 'forward'])
  .describe('Relation of the draft to the message that it answers')
export type DraftMode = z.infer<typeof DraftMode>

/** One address, possibly internationalized (RFC 6531); the server validates it further. */
const EmailAddress = line.min(3).max(mailBounds.email)

/** `{"email": "anne@example.com", "name": "Anne"}`, or `Anne <anne@example.com>` in one string. */
export const RecipientInput = z.union([
  line
    .min(3)
    .max(mailBounds.email + mailBounds.name)
    .describe('`anne@example.com` or `Anne <anne@example.com>`'),
  z.strictObject({ email: EmailAddress, name: line.max(mailBounds.name).nullable().optional() }),
])
export type RecipientInput = z.infer<typeof RecipientInput>
const recipients = z.array(RecipientInput).max(draftBounds.recipients)

export const DraftBody = z
  .strictObject({
    format: z
      .enum(['markdown', 'html', 'text'])
      .describe(
        'Each is sent with a text part; `markdown` and `html` also with an HTML part, cleaned of active content',
      ),
    content: z.string().max(draftBounds.body),
  })
  .meta({ id: 'DraftBody' })
export type DraftBody = z.infer<typeof DraftBody>

export const DraftAttachment = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string().describe('Media type'),
    size_bytes: z.int(),
    sha256: z.string().describe('SHA-256 of its bytes, in hex'),
  })
  .meta({ id: 'DraftAttachment' })
export type DraftAttachment = z.infer<typeof DraftAttachment>

export const ActingPrincipal = z
  .object({ kind: z.enum(['session', 'token', 'api_key']), id: z.string(), name: z.string() })
  .describe('The acting principal')
export type ActingPrincipal = z.infer<typeof ActingPrincipal>

export const DraftState = z
  .enum(['open', 'submitted', 'sent'])
  .describe('`submitted`: handed over for sending; the draft is kept as long as that can be cancelled')
export type DraftState = z.infer<typeof DraftState>

const MessageName = z.union([MessageId, MessageRef])

export const Draft = z
  .object({
    id: DraftId,
    account_id: AccountId,
    rev: z.int().describe('Revision, increased by each change; a change names the revision that it is based on'),
    state: DraftState,
    submission_id: z.string().nullable().describe('Submission of the latest attempt to send the draft'),
    mode: DraftMode,
    message: z
      .object({ id: MessageId.nullable(), ref: MessageRef.nullable() })
      .nullable()
      .describe('The message that the draft answers or forwards'),
    from: Address,
    reply_to: z.array(Address),
    to: z.array(Address),
    cc: z.array(Address),
    bcc: z.array(Address),
    subject: z.string(),
    body: DraftBody,
    include_quote: z.boolean().describe('Whether the answered message is quoted below the text'),
    include_signature: z.boolean(),
    attachments: z.array(DraftAttachment),
    in_reply_to: z.string().nullable().describe('Message-ID of the answered message'),
    warnings: z.array(z.string()).describe('Warnings for the sender; empty in lists'),
    saved: z
      .object({
        state: z.enum(['none', 'waiting', 'saved', 'failed']),
        folder: z.string().nullable(),
        ref: MessageRef.nullable(),
        why: z.string().nullable(),
      })
      .describe('State of the copy in the account’s Drafts folder'),
    proposal_id: z
      .string()
      .nullable()
      .describe('The proposal that contains the draft: until it is applied it is not stored in the Drafts folder'),
    created_by: ActingPrincipal,
    changed_by: ActingPrincipal,
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Draft' })
export type Draft = z.infer<typeof Draft>

const writable = {
  to: recipients.optional(),
  cc: recipients.optional(),
  bcc: recipients.optional(),
  reply_to: z.array(RecipientInput).max(10).optional(),
  from_email: EmailAddress.nullable()
    .optional()
    .describe(
      'The From address, one of the account’s; null: the account’s own. Default: the address to which the answered message was sent, else the account’s default',
    ),
  from_name: line.max(mailBounds.name).nullable().optional().describe('Display name in From'),
  subject: line.max(draftBounds.subject).optional(),
  body: DraftBody.optional(),
  include_quote: z.boolean().optional(),
  include_signature: z.boolean().optional(),
}

export const NewDraft = z
  .strictObject({
    mode: DraftMode.default('new'),
    message: MessageName.optional().describe('The message to answer or forward; required unless `mode` is `new`'),
    ...writable,
    attach: z
      .array(z.strictObject({ message: MessageName, attachment_id: z.string().min(1).max(100) }))
      .max(draftBounds.attachments)
      .optional()
      .describe('Attachments of other messages of this account'),
  })
  .refine(({ mode, message }) => (mode === 'new') === (message === undefined), {
    path: ['message'],
    message: 'is required for replies and forwards, and for them only',
  })
  .meta({
    examples: [
      {
        mode: 'new',
        to: ['anne@example.com'],
        subject: 'Lunch',
        body: { format: 'markdown', content: 'At **noon**?' },
      },
    ],
  })
export type NewDraft = z.infer<typeof NewDraft>

export const DraftChange = z
  .strictObject({ rev: z.int().min(1).describe('The revision that the change is based on'), ...writable })
  .meta({ examples: [{ rev: 1, subject: 'Lunch on Friday' }] })
export type DraftChange = z.infer<typeof DraftChange>

export const SentCopyChoice = z
  .enum(['auto', 'always', 'never'])
  .describe(
    'Whether a copy of each sent message is stored in the folder of sent messages. `auto`: unless the provider does so automatically (Gmail, Outlook)',
  )
export type SentCopyChoice = z.infer<typeof SentCopyChoice>

export const SignatureInput = z
  .strictObject({
    format: DraftBody.shape.format.default('markdown'),
    content: z.string().max(draftBounds.signature).describe('Below each new message, after `-- `; empty for none'),
    from_name: line.max(mailBounds.name).nullable().optional().describe('Name in From, for the account’s address'),
    aliases: z
      .array(RecipientInput)
      .max(draftBounds.aliases)
      .default([])
      .describe(
        'Further addresses of the owner, each with the name to send as, if it is another: messages can be sent from them, and replies to all leave them out',
      ),
    default_from: EmailAddress.nullable()
      .optional()
      .describe('Which of these addresses new messages are sent from; null: the account’s own'),
    sent_copy: SentCopyChoice.default('auto'),
    sent_folder: z
      .string()
      .min(1)
      .max(mailBounds.path)
      .nullable()
      .optional()
      .describe('Folder for copies of sent messages; null: the folder with the role `sent`'),
  })
  .meta({
    examples: [
      { format: 'markdown', content: 'Ann Berg', from_name: 'Ann Berg', aliases: ['Ann (sales) <sales@example.com>'] },
    ],
  })
export type SignatureInput = z.infer<typeof SignatureInput>

export const Signature = z
  .object({
    format: DraftBody.shape.format,
    content: z.string(),
    from_name: z.string().nullable(),
    aliases: z.array(Address),
    default_from: z.string().nullable(),
    sent_copy: SentCopyChoice,
    sent_folder: z.string().nullable(),
    updated_at: Timestamp.nullable(),
  })
  .meta({ id: 'Signature' })
export type Signature = z.infer<typeof Signature>

/** The composed message, read from its exact bytes. */
export const MeasuredFrame = z
  .literal('true')
  .optional()
  .describe('For a frame of the page that measures which words are in view: it keeps its origin, and follows no links')

export const MessageContent = z
  .object({
    sha256: z.string().describe('SHA-256 of the bytes of the message, in hex'),
    size_bytes: z.int(),
    envelope: z.object({ from: z.string(), to: z.array(z.string()) }).describe('SMTP envelope (RFC 5321)'),
    headers: z.array(z.object({ name: z.string(), value: z.string() })).describe('Header fields in their order'),
    people: z
      .array(
        z.object({ field: z.enum(['from', 'reply_to', 'to', 'cc']), name: z.string().nullable(), email: z.string() }),
      )
      .describe('The people in those fields, with their names decoded as recipients see them'),
    text: z.string().nullable().describe('The text part'),
    html: z.string().nullable().describe('The HTML part, cleaned for display'),
    unseen_words: z
      .string()
      .nullable()
      .describe(
        'Words that a reader of the HTML part is not shown, in it (including its quotations) or only in the text part; empty if there are none, null if they could not be determined',
      ),
    attachments: z.array(DraftAttachment),
  })
  .meta({ id: 'MessageContent' })
export type MessageContent = z.infer<typeof MessageContent>
