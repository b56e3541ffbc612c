/** A message that is being written, as data: what it holds, and what callers may change. */
import { z } from 'zod'
import { Address, MessageRef, mailBounds } from './mail.ts'
import { MessageId } from './message-id.ts'
import { AccountId, line, Timestamp } from './wire.ts'

export const draftBounds = {
  /** Recipients of a message, `to`, `cc` and `bcc` together. */
  recipients: 500,
  /** Characters of its subject (RFC 5322, section 2.1.1: a line). */
  subject: 900,
  /** Characters of its body as it is written. */
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

/** Of what is written: each list may have all recipients, as objects, and of a few too many the path is told. */
export const largeBody = { bodyLimit: 4 * 1024 * 1024, bodyShape: { names: 4_000, values: 12_000 } } as const

export const DraftId = z
  .string()
  .regex(/^d[0-9A-Za-z_-]{21}$/, 'is not a draft id')
  .describe('Draft id')
  .meta({ examples: ['d5kT0a9ZqW2cXbV7mR1LyE'] })

export const DraftMode = z
  .enum(['new', 'reply', 'reply_all', 'forward'])
  .describe('What the draft is to the message that it answers')
export type DraftMode = z.infer<typeof DraftMode>

/** One address, also internationalised (RFC 6531); the server looks closer. */
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
        'A text part is made from each; `markdown` and `html` are sent with an HTML part, cleaned of what is active',
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
    sha256: z.string().describe('Of its bytes, in hex'),
  })
  .meta({ id: 'DraftAttachment' })
export type DraftAttachment = z.infer<typeof DraftAttachment>

export const ActingPrincipal = z
  .object({ kind: z.enum(['session', 'token', 'api_key']), id: z.string(), name: z.string() })
  .describe('Who did it')
export type ActingPrincipal = z.infer<typeof ActingPrincipal>

export const DraftState = z
  .enum(['open', 'submitted', 'sent'])
  .describe('`submitted`: it was handed over to be sent, and is there as long as that can be cancelled')
export type DraftState = z.infer<typeof DraftState>

const MessageName = z.union([MessageId, MessageRef])

export const Draft = z
  .object({
    id: DraftId,
    account_id: AccountId,
    rev: z.int().describe('Rises with each change; a change names the one that it is based on'),
    state: DraftState,
    submission_id: z.string().nullable().describe('Of the latest attempt to send it'),
    mode: DraftMode,
    message: z
      .object({ id: MessageId.nullable(), ref: MessageRef.nullable() })
      .nullable()
      .describe('The message that it answers or forwards'),
    from: Address,
    reply_to: z.array(Address),
    to: z.array(Address),
    cc: z.array(Address),
    bcc: z.array(Address),
    subject: z.string(),
    body: DraftBody,
    include_quote: z.boolean().describe('The message that it answers is quoted below the text'),
    include_signature: z.boolean(),
    attachments: z.array(DraftAttachment),
    in_reply_to: z.string().nullable().describe('Message-ID of the message that it answers'),
    warnings: z.array(z.string()).describe('What somebody who sends it should know; empty in lists'),
    saved: z
      .object({
        state: z.enum(['none', 'waiting', 'saved', 'failed']),
        folder: z.string().nullable(),
        ref: MessageRef.nullable(),
        why: z.string().nullable(),
      })
      .describe('Its copy in the Drafts folder of the account'),
    proposal_id: z
      .string()
      .nullable()
      .describe('The proposal that it is an item of: until it is applied it is not put into the Drafts folder'),
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
      'One of the addresses of the account; null: its own. By default the one to which the answered message was sent, else the default one',
    ),
  from_name: line.max(mailBounds.name).nullable().optional().describe('Beside the address in From'),
  subject: line.max(draftBounds.subject).optional(),
  body: DraftBody.optional(),
  include_quote: z.boolean().optional(),
  include_signature: z.boolean().optional(),
}

export const NewDraft = z
  .strictObject({
    mode: DraftMode.default('new'),
    message: MessageName.optional().describe('What it answers or forwards; required unless `mode` is `new`'),
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
    'Whether a copy of what is sent is put into the folder of sent messages. `auto`: unless the provider does so by itself (Gmail, Outlook)',
  )
export type SentCopyChoice = z.infer<typeof SentCopyChoice>

export const SignatureInput = z
  .strictObject({
    format: DraftBody.shape.format.default('markdown'),
    content: z.string().max(draftBounds.signature).describe('Below each new message, behind `-- `; empty for none'),
    from_name: line.max(mailBounds.name).nullable().optional().describe('In From, beside the address of the account'),
    aliases: z
      .array(RecipientInput)
      .max(draftBounds.aliases)
      .default([])
      .describe(
        'Further addresses of the owner, each with the name to send as, if it is another: messages can be sent from them, and replies to all leave them out',
      ),
    default_from: EmailAddress.nullable()
      .optional()
      .describe('Which of these addresses new messages are from; null: that of the account'),
    sent_copy: SentCopyChoice.default('auto'),
    sent_folder: z
      .string()
      .min(1)
      .max(mailBounds.path)
      .nullable()
      .optional()
      .describe('Where copies of sent messages are put; null: the folder with the role `sent`'),
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

/** The message as it would leave: made from the bytes themselves. */
export const MessageContent = z
  .object({
    sha256: z.string().describe('Of the bytes of the message, in hex'),
    size_bytes: z.int(),
    envelope: z.object({ from: z.string(), to: z.array(z.string()) }).describe('As told to the mail server (RFC 5321)'),
    headers: z.array(z.object({ name: z.string(), value: z.string() })).describe('In order, as they are written'),
    text: z.string().nullable().describe('The text part'),
    html: z.string().nullable().describe('The HTML part, cleaned for showing'),
    unseen_words: z
      .string()
      .nullable()
      .describe(
        'Words of the HTML part, and of the text part beside it, that nobody who looks at the HTML is shown, those of what it quotes too; empty where there are none, null where that could not be found out',
      ),
    attachments: z.array(DraftAttachment),
  })
  .meta({ id: 'MessageContent' })
export type MessageContent = z.infer<typeof MessageContent>
