/** Mail as programs see it: folders, message lists, one message. Reading never sets `\Seen`. Names as in JMAP (RFC 8621). */
import { z } from 'zod'
import { Calendar } from './calendar.ts'
import { endpoint } from './endpoint.ts'
import { Folder, FolderCounts, FolderRole } from './folder.ts'
import { Address, mailBounds } from './mail-bounds.ts'
import { Preview, PreviewQuery } from './mail-preview.ts'
import { MessageFault } from './message-fault.ts'
import { MessageId, ThreadId } from './message-id.ts'
import { Protection, Unsubscribe } from './message-marks.ts'
import { flagNames, maxProtections, senderWarnings } from './text-bounds.ts'
import { AccountId, Cursor, Limit, line, Timestamp, whole } from './wire.ts'

export type { Calendar, CalendarEvent, CalendarTime } from './calendar.ts'
export { Folder, FolderCounts, FolderRole } from './folder.ts'
export { hiddenCharacter } from './hidden-character.ts'
export { Address, mailBounds } from './mail-bounds.ts'
export { MessageFault } from './message-fault.ts'
export { Protection } from './message-marks.ts'

export const SenderWarning = z
  .enum(senderWarnings)
  .describe(
    'What is suspicious about the claimed sender: no valid address; invisible characters in name or address; a name ' +
      'that shows an address, or a known domain, other than the real one; letters of several alphabets in one word; a domain ' +
      'that looks like a well-known one or that of the account',
  )
export type SenderWarning = z.infer<typeof SenderWarning>

export const AuthResult = z.enum(['pass', 'fail', 'softfail', 'neutral', 'none', 'policy', 'temperror', 'permerror'])
export type AuthResult = z.infer<typeof AuthResult>

export const SenderAuth = z
  .object({
    verdict: z
      .enum(['verified', 'unverified', 'failed'])
      .describe(
        'About the domain in From: DMARC passed, or SPF or DKIM of exactly that domain where DMARC was not checked',
      ),
    domain: z.string().nullable().describe('The domain in From; null where there is not exactly one'),
    spf: AuthResult.nullable(),
    dkim: AuthResult.nullable(),
    dmarc: AuthResult.nullable(),
    unsigned: z
      .array(z.enum(['from', 'reply_to', 'to', 'cc', 'subject', 'body']))
      .describe(
        'Of a `verified` message, what the DKIM signature of the domain does not cover: anyone who passed it on may have added or changed it',
      ),
  })
  .meta({ id: 'SenderAuth' })
export type SenderAuth = z.infer<typeof SenderAuth>

export const Flag = z.enum(flagNames)
export type Flag = z.infer<typeof Flag>

export const MessageRef = z
  .string()
  .min(8)
  .max(700)
  .regex(/^[A-Za-z0-9_-]+$/, 'is not a message reference')
  .describe(
    'Opaque, signed reference: names account, folder, UIDVALIDITY and UID, and for an attached message its part. In paths the `id` of an indexed message, which is stable across moves, is accepted too',
  )

/** Which source answered, and as of when. */
const answered = {
  source: z
    .enum(['index', 'mail_server'])
    .describe('The local index answers if it is complete and was compared recently'),
  as_of: Timestamp.describe('The list includes everything that the mail server reported until this time'),
}

export const MessageSummary = z
  .object({
    ref: MessageRef,
    id: MessageId.optional().describe('Stable id, in lists from the index; accepted instead of a `ref`'),
    thread_id: ThreadId.optional().describe('Present with `id`'),
    uid: z.int(),
    uid_validity: z.int(),
    message_id: z.string().max(mailBounds.id).nullable(),
    subject: z.string().max(mailBounds.subject),
    from: z.array(Address).max(mailBounds.listed),
    from_count: z.int().describe('Number of authors; `from` has the first ones'),
    sender_warnings: z
      .array(SenderWarning)
      .describe('Warnings about From; for a single message also about Sender and Reply-To'),
    to: z.array(Address).max(mailBounds.listed),
    to_count: z.int().describe('Number of recipients; `to` has the first ones'),
    date: Timestamp.describe('When the mail server received it'),
    flags: z.array(Flag).describe('`deleted`: marked for deletion, but still there'),
    keywords: z
      .array(z.string().max(mailBounds.keyword))
      .max(mailBounds.keywords)
      .describe('Labels (IMAP keywords), as set by users and their programs; the first 50'),
    size_bytes: z.int(),
    has_attachments: z
      .boolean()
      .describe(
        'Parts beyond the 200th count as attachments; with a fault about the structure it may be false nevertheless',
      ),
    faults: z.array(MessageFault).describe('Empty for almost all messages'),
    preview: Preview,
  })
  .meta({ id: 'MessageSummary' })
export type MessageSummary = z.infer<typeof MessageSummary>

export const Attachment = z
  .object({
    id: z
      .string()
      .max(mailBounds.name)
      .describe(
        'Part number (RFC 9051, section 6.4.5); for a file packed in `winmail.dat` followed by its number there: `2-1`',
      ),
    name: z.string().max(mailBounds.name).nullable(),
    type: z.string().max(mailBounds.type),
    size_bytes: z.int().describe('Size as encoded in the message; for a packed file, the decoded size'),
    is_inline: z.boolean(),
    content_id: z.string().max(mailBounds.id).nullable(),
    message_ref: MessageRef.nullable().describe(
      'For an attached message (`message/rfc822`): opens it like any other message; otherwise null',
    ),
  })
  .meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>

const addresses = z.array(Address).max(mailBounds.addresses)
const count = z.int().describe('Number of entries; the list has the first ones')

export const Message = MessageSummary.extend({
  from: addresses,
  to: addresses,
  cc: addresses,
  cc_count: count,
  bcc: addresses,
  bcc_count: count,
  reply_to: addresses,
  reply_to_count: count,
  sender: addresses.describe('The Sender header, if it differs from From'),
  auth: SenderAuth.nullable().describe(
    'SPF, DKIM and DMARC (RFC 8601) as reported by the account’s mail server; null if that server is not known to report them, whatever the message itself claims',
  ),
  sent_at: Timestamp.nullable().describe('The Date header'),
  in_reply_to: z.string().max(mailBounds.id).nullable(),
  text: z
    .string()
    .nullable()
    .describe(
      'The message as text. Untrusted content. All text parts in order (`textBody` of RFC 8621); null if there is none, or if the HTML to derive it from could not be processed in time',
    ),
  text_from: z
    .enum(['text', 'html', 'both'])
    .nullable()
    .describe(
      'Source of `text`: text parts; HTML, because there is no text part or because it says far less than the HTML; or both, which ' +
        'follow one another',
    ),
  html: z
    .string()
    .nullable()
    .describe(
      'The message as HTML, as sent. Untrusted content: show it only in a sandboxed frame. Text parts in between are escaped ' +
        '(`htmlBody` of RFC 8621); null if there is only text',
    ),
  calendar: Calendar.nullable().describe(
    'The content of an invitation, untrusted; null if there is none or it is unreadable',
  ),
  protection: z
    .array(Protection)
    .max(maxProtections)
    .describe(
      'How the message claims to be signed or encrypted, the outermost first. RustyMail checks no signature and decrypts nothing',
    ),
  unsubscribe: Unsubscribe.nullable().describe(
    'How to leave the mailing list, as the sender says (`List-Unsubscribe`). RustyMail never calls these URLs; null if there are none',
  ),
  attached_to: MessageRef.nullable().describe(
    'For an attached message, the message that contains it. The author of an attached message is not verified: `auth` is null, `date` and `flags` are those of the containing message',
  ),
  parts_differ: z
    .boolean()
    .nullable()
    .describe(
      'The text part contains words that the HTML part does not show; null if they could not be compared in time',
    ),
  is_truncated: z.boolean().describe('A part was longer than 1 MiB and was truncated'),
  attachments: z.array(Attachment).max(mailBounds.attachments),
  attachment_count: z.int().describe('Number of attachments; `attachments` has the first ones'),
}).meta({ id: 'Message' })
export type Message = z.infer<typeof Message>

const account = z.object({ account_id: AccountId })
const message = account.extend({ ref: MessageRef })
/** Why a mail server cannot be used. */
export const mailServerProblems = [
  'mail_login_refused',
  'mail_server_refused',
  'mail_server_tls',
  'mail_server_starttls',
  'mail_server_unreachable',
  'mail_server_timeout',
] as const
const reading = ['account_not_found', 'account_disabled', ...mailServerProblems] as const
const tag = 'Mail'

export const maxSearchLength = 500
/**
 * A regular expression (flags `giu`) for a term of a search: a minus, a key with its colon, then a phrase with the quote that ends it, or
 * anything up to the next blank. It has five groups, and also matches the empty string.
 */
export const searchTerm = String.raw`(-?)(?:([a-z][a-z-]*):)?(?:"((?:\\.|[^"\\])*)("?)|(\S*))`

export const mailApi = {
  listFolders: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/folders',
    tag,
    summary: 'List folders with roles and counts',
    description: [
      'The list never waits for its counts. Many mail servers count all folders while listing; on others each folder is counted',
      'separately, and until then `total` and `unread` are null and `counts.pending` is the number of folders left: retry in a second.',
    ].join(' '),
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      counts: z.enum(['true', 'false']).default('true').describe('`false` does not request them from the mail server'),
      role: FolderRole.optional().describe('Only the folder with this role'),
      name: line
        .min(1)
        .max(mailBounds.name)
        .optional()
        .describe('Only folders whose path contains this, case-insensitive'),
      limit: whole(1, mailBounds.folders).default(mailBounds.folders),
      cursor: Cursor,
    }),
    response: z.object({
      items: z.array(Folder).max(mailBounds.folders),
      next_cursor: z.string().nullable(),
      omitted: z.int().describe('Folders that are not listed: beyond the 10,000th, or with a path that is too long'),
      counts: FolderCounts,
      ...answered,
    }),
    problems: [...reading, 'stale_cursor'],
  }),
  listMessages: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/messages',
    tag,
    summary: 'List the messages of a folder, newest first',
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      folder: z.string().min(1).max(mailBounds.path).default('INBOX').describe('Folder path'),
      limit: Limit,
      cursor: Cursor,
      preview: PreviewQuery,
    }),
    response: z.object({
      items: z.array(MessageSummary),
      next_cursor: z.string().nullable(),
      total: z.int().describe('Messages in the folder'),
      ...answered,
    }),
    problems: [...reading, 'folder_not_found', 'folder_not_selectable', 'stale_cursor'],
  }),
  getMessage: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/messages/{ref}',
    tag,
    summary: 'Get one message with text, HTML and its attachment list',
    scope: 'mail:read',
    effect: 'read',
    params: message,
    response: Message,
    problems: [...reading, 'message_not_found', 'stale_ref', 'folder_not_found', 'folder_not_selectable'],
  }),
}

/** One attachment as a file, its transfer encoding removed, whole or from a byte on. Not in the table of JSON endpoints. */
export const attachmentPath = '/api/v1/accounts/{account_id}/messages/{ref}/attachments/{attachment_id}'

/** The same attachment under its earlier path. */
export const messagePartPath = '/api/v1/accounts/{account_id}/messages/{ref}/parts/{part_id}'

/** The message as it was sent, as an `.eml` file. Not in the table of JSON endpoints. */
export const messageRawPath = '/api/v1/accounts/{account_id}/messages/{ref}/raw'

/** All attachments in one file. Not in the table of JSON endpoints. */
export const attachmentsZipPath = '/api/v1/accounts/{account_id}/messages/{ref}/attachments.zip'

/** The HTML part alone, for a sandboxed frame: no script, and nothing from outside unless `remote=true`. Not in the table of JSON endpoints. */
export const messageHtmlPath = '/api/v1/accounts/{account_id}/messages/{ref}/html'

export const MessageFrameQuery = z.strictObject({
  remote: z.enum(['true', 'false']).default('false').describe('Load remote images'),
})
