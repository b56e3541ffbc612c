/** Mail as programs see it: folders, message lists, one message. Reading never sets `\Seen`. Names as in JMAP (RFC 8621). */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Preview, PreviewQuery } from './mail-preview.ts'
import { AccountId, Cursor, Limit, line, Timestamp } from './wire.ts'

export const FolderRole = z.enum(['inbox', 'archive', 'drafts', 'flagged', 'junk', 'sent', 'trash', 'all', 'important'])
export type FolderRole = z.infer<typeof FolderRole>

/** What strangers decide the length of is bounded on its way to JSON; UTF-16 units, and a cut leaves `…` at the end. */
export const mailBounds = {
  /** Folders in one answer, and the length of a path that can be asked for. */
  folders: 10_000,
  path: 1_000,
  /** Addresses of each list: in a summary, and in a message. */
  listed: 20,
  addresses: 100,
  attachments: 100,
  subject: 1_000,
  name: 300,
  /** RFC 3696 (erratum 1690): no address is longer. */
  email: 320,
  /** A line of a message holds no more (RFC 5322, section 2.1.1): a longer id is none. */
  id: 998,
  type: 200,
} as const

export const Folder = z
  .object({
    path: z.string().max(mailBounds.path),
    name: z.string().max(mailBounds.path),
    delimiter: z.string().max(2).nullable(),
    role: FolderRole.nullable().describe('SPECIAL-USE (RFC 6154), or recognised by its name'),
    selectable: z.boolean(),
    subscribed: z.boolean(),
    total: z.int().nullable().describe('Messages; null where the folder cannot be selected'),
    unread: z.int().nullable(),
  })
  .meta({ id: 'Folder' })
export type Folder = z.infer<typeof Folder>

export const Address = z
  .object({
    name: z.string().max(mailBounds.name).nullable(),
    email: z.string().max(mailBounds.email).describe('Empty where there is none'),
  })
  .meta({ id: 'Address' })
export type Address = z.infer<typeof Address>

/**
 * A regular expression (flags `gu`) for characters that nobody sees and that may hide or turn round what stands beside them: controls of
 * direction, blanks without width, tags, fillers. Where a script or an emoji needs one of them, it is not found.
 */
export const hiddenCharacter = [
  // Marks that a line of Hebrew or Arabic needs.
  String.raw`(?![\u200e\u200f\u061c])`,
  // Emoji made of several, and those in colour; flags of parts of a country.
  String.raw`(?!(?<=[\p{Emoji}\ufe0f])\u200d(?=\p{Extended_Pictographic}))(?!(?<=\p{Emoji})[\ufe0e\ufe0f])`,
  String.raw`(?!(?<=\u{1f3f4}[\u{e0020}-\u{e007f}]{0,7})[\u{e0020}-\u{e007f}])`,
  // Variants of letters, and letters that join or do not.
  String.raw`(?!(?<=\p{Script=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}])(?!(?<=\p{Script=Mongolian})[\u180b-\u180d\u180f])`,
  String.raw`(?!(?<=[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Kannada}\p{Script=Telugu}\p{Script=Tamil}\p{Script=Sinhala}\p{Script=Khmer}])[\u200c\u200d])`,
  String.raw`[\p{Default_Ignorable_Code_Point}\p{Cc}\ufff9-\ufffb]`,
].join('')

export const SenderWarning = z
  .enum([
    'invalid_address',
    'unseen_characters',
    'name_shows_other_address',
    'mixed_alphabets',
    'looks_like_other_domain',
  ])
  .describe(
    'What is odd about who a message says it is from: no address by which one could be reached; characters in name or address that nobody ' +
      'sees; a name that shows an address, or a known domain, other than the true one; letters of several alphabets in one word; a domain ' +
      'that can be taken for a known one or for that of the account',
  )
export type SenderWarning = z.infer<typeof SenderWarning>

export const AuthResult = z.enum(['pass', 'fail', 'softfail', 'neutral', 'none', 'policy', 'temperror', 'permerror'])
export type AuthResult = z.infer<typeof AuthResult>

export const SenderAuth = z
  .object({
    verdict: z
      .enum(['verified', 'unverified', 'failed'])
      .describe(
        'Of the domain in From: DMARC passed, or an SPF or DKIM of that very domain where DMARC was not looked at',
      ),
    domain: z.string().nullable().describe('The domain in From; null where there is not exactly one'),
    spf: AuthResult.nullable(),
    dkim: AuthResult.nullable(),
    dmarc: AuthResult.nullable(),
  })
  .meta({ id: 'SenderAuth' })
export type SenderAuth = z.infer<typeof SenderAuth>

export const Flag = z.enum(['seen', 'flagged', 'answered', 'draft'])
export type Flag = z.infer<typeof Flag>

export const MessageFault = z
  .enum(['headers_too_large', 'structure_too_large', 'structure_missing', 'unreadable'])
  .describe(
    'Why not all of a message is known: its headers or its parts are too many or too long and were cut; the mail server does not say of ' +
      'which parts it is made; or what the server says of it cannot be read at all',
  )
export type MessageFault = z.infer<typeof MessageFault>

export const MessageRef = z
  .string()
  .min(8)
  .max(600)
  .regex(/^[A-Za-z0-9_-]+$/, 'is not a message reference')
  .describe('Opaque and signed; names account, folder, UIDVALIDITY and UID')

export const MessageSummary = z
  .object({
    ref: MessageRef,
    uid: z.int(),
    uid_validity: z.int(),
    message_id: z.string().max(mailBounds.id).nullable(),
    subject: z.string().max(mailBounds.subject),
    from: z.array(Address).max(mailBounds.listed),
    from_count: z.int().describe('Of which `from` holds the first'),
    sender_warnings: z.array(SenderWarning).describe('Of From; of one message also of Sender and Reply-To'),
    to: z.array(Address).max(mailBounds.listed),
    to_count: z.int().describe('Of which `to` holds the first'),
    date: Timestamp.describe('When the mail server received it'),
    flags: z.array(Flag),
    size_bytes: z.int(),
    has_attachments: z
      .boolean()
      .describe(
        'Parts past the 200th count as attachments; with a fault about the structure it may be false all the same',
      ),
    faults: z.array(MessageFault).describe('Empty for all but a few messages'),
    preview: Preview,
  })
  .meta({ id: 'MessageSummary' })
export type MessageSummary = z.infer<typeof MessageSummary>

export const Attachment = z
  .object({
    id: z.string().max(mailBounds.name).describe('Part number (RFC 9051, section 6.4.5)'),
    name: z.string().max(mailBounds.name).nullable(),
    type: z.string().max(mailBounds.type),
    size_bytes: z.int().describe('As encoded in the message'),
    is_inline: z.boolean(),
    content_id: z.string().max(mailBounds.id).nullable(),
  })
  .meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>

const addresses = z.array(Address).max(mailBounds.addresses)
const count = z.int().describe('Of which the first are in the list')

export const Message = MessageSummary.extend({
  from: addresses,
  to: addresses,
  cc: addresses,
  cc_count: count,
  bcc: addresses,
  bcc_count: count,
  reply_to: addresses,
  reply_to_count: count,
  sender: addresses.describe('The Sender header, where it names somebody else than From'),
  auth: SenderAuth.nullable().describe(
    'SPF, DKIM and DMARC (RFC 8601) as the mail server of the account found them; null where it is not known to say so, whatever the ' +
      'message says of itself',
  ),
  sent_at: Timestamp.nullable().describe('The Date header'),
  in_reply_to: z.string().max(mailBounds.id).nullable(),
  text: z.string().nullable().describe("The text part, in the sender's words: not to be trusted"),
  html: z.string().nullable().describe('The HTML part as sent: not to be trusted, show it only in a sandboxed frame'),
  parts_differ: z
    .boolean()
    .nullable()
    .describe('The text part says what the HTML part does not show; null where they could not be compared in time'),
  is_truncated: z.boolean().describe('A part was longer than 1 MiB and is cut'),
  attachments: z.array(Attachment).max(mailBounds.attachments),
  attachment_count: z.int().describe('Of which `attachments` holds the first'),
}).meta({ id: 'Message' })
export type Message = z.infer<typeof Message>

const account = z.object({ account_id: AccountId })
const message = account.extend({ ref: MessageRef })
const reading = [
  'account_not_found',
  'account_disabled',
  'mail_login_refused',
  'mail_server_refused',
  'mail_server_tls',
  'mail_server_unreachable',
  'mail_server_timeout',
] as const
const tag = 'Mail'

/** The keys of a search, as `key:value`. */
export const searchKeys = ['from', 'to', 'subject', 'in', 'is', 'after', 'before', 'larger'] as const
export const maxSearchLength = 500
/**
 * A regular expression (flags `giu`) for a term of a search: a minus, a key with its colon, then a phrase with the quote that ends it, or
 * whatever goes on to the next blank. It is in five groups, and fits nothing at all too.
 */
export const searchTerm = String.raw`(-?)(?:([a-z][a-z-]*):)?(?:"((?:\\.|[^"\\])*)("?)|(\S*))`

const searchLanguage = [
  'Terms stand beside each other and must all hold; `-` before a term means that it must not. A term is a word or a "quoted phrase"',
  '(`\\"` and `\\\\` inside it), which is looked for in subject, From, To and Cc, and by who holds `mail:read` in the text as well; or',
  '`from:`, `to:` (To and Cc) or `subject:` with a word or phrase; `in:` with the path or role of a folder, `INBOX` unless given; `is:` with',
  '`unread`, `read`, `flagged`, `answered` or `draft`; `after:` (that day or later) and `before:` with a day, `2026-11-22`, on which the',
  'server received it; `larger:` with bytes, `500k` or `5M`. At most 20 terms. The mail server does the searching: it decides whether parts',
  'of words count, and what case and accents mean.',
].join(' ')

export const mailApi = {
  listFolders: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/folders',
    tag,
    summary: 'Folders with roles and counts',
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    response: z.object({
      items: z.array(Folder).max(mailBounds.folders),
      next_cursor: z.null(),
      omitted: z
        .int()
        .describe('Folders that are not listed: past the 10,000th, or with a path too long to be asked for'),
    }),
    problems: reading,
  }),
  listMessages: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/messages',
    tag,
    summary: 'Messages of a folder, newest first',
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
    }),
    problems: [...reading, 'folder_not_found', 'stale_cursor'],
  }),
  searchMessages: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/search',
    tag,
    summary: 'Messages of a folder that a query finds, newest first',
    description: searchLanguage,
    scope: 'mail:meta',
    effect: 'read',
    limit: 'search',
    params: account,
    query: z.strictObject({
      q: line
        .min(1)
        .max(maxSearchLength)
        .describe('For example `from:anna "annual report" is:unread after:2026-01-01`'),
      limit: Limit,
      cursor: Cursor,
      preview: PreviewQuery,
    }),
    response: z.object({
      items: z.array(MessageSummary),
      next_cursor: z.string().nullable(),
      total: z.int().describe('Messages found'),
    }),
    problems: [...reading, 'folder_not_found', 'stale_cursor'],
  }),
  getMessage: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/messages/{ref}',
    tag,
    summary: 'One message with text, HTML and its attachment list',
    scope: 'mail:read',
    effect: 'read',
    params: message,
    response: Message,
    problems: [...reading, 'message_not_found', 'stale_ref', 'folder_not_found'],
  }),
}

/** The HTML part alone, for a sandboxed frame: no script, and nothing from outside unless `remote=true`. Not in the table of JSON endpoints. */
export const messageHtmlPath = '/api/v1/accounts/{account_id}/messages/{ref}/html'
