/** The tables of drafts, as Kysely sees them, and what is kept in them as JSON. */
import type { Draft, DraftBody, DraftMode, DraftState, SentCopyChoice } from '../../contract/draft.ts'
import type { Address } from '../../contract/mail.ts'
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    drafts: DraftRow
    draft_attachments: DraftAttachmentRow
    draft_messages: DraftMessageRow
    draft_copies: DraftCopyRow
    draft_keys: DraftKeyRow
    signatures: SignatureRow
  }
}

export interface DraftRow {
  id: string
  account_id: string
  rev: number
  state: DraftState
  submission_id: string | null
  mode: DraftMode
  /** `DraftContent` */
  content: string
  /** `AnsweredMessage` */
  source: string | null
  /** `Quote` */
  quote: string | null
  /** Of this revision, and of no other: its Message-ID and boundaries are made of it. */
  key: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  /** As an item of which it waits for a human, or waited. */
  proposal_id: string | null
  /**
   * How long before one of its revisions the program that wrote it had read mail of a stranger, at the least; 0 for what repeats mail of others, and
   * for drafts of an earlier version. Null for own words: of people, and of programs that had read none for as long as a policy can ask.
   */
  taint_ms: number | null
  /** `Draft['changed_by']` */
  changed_by: string
  created_at: string
  updated_at: string
}

export interface DraftAttachmentRow {
  id: string
  draft_id: string
  position: number
  blob_id: string
  name: string
  type: string
  size_bytes: number
  sha256: string
}

interface DraftMessageRow {
  draft_id: string
  rev: number
  blob_id: string
  /** `ComposedMessage` */
  composed: string
}

export interface DraftCopyRow {
  draft_id: string
  account_id: string
  state: Draft['saved']['state']
  wanted_rev: number | null
  saved_rev: number | null
  path: string | null
  uid_validity: number | null
  uid: number | null
  /** JSON: Message-IDs of copies that are there, or may be there. */
  message_ids: string
  why: string | null
  attempts: number
  due_at: string
}

export interface DraftKeyRow {
  principal_id: string
  key: string
  digest: string
  at: string
  draft_id: string
}

export interface SignatureRow {
  account_id: string
  format: DraftBody['format']
  content: string
  /** Beside the address of the account, where a draft names none. */
  from_name: string | null
  /** JSON: further addresses of the owner, as `Address`, or text alone where they were stored before they had names. */
  aliases: string
  /** One of them that new messages are from; null for that of the account. */
  default_from: string | null
  /** Null: `auto`. */
  sent_copy: SentCopyChoice | null
  /** Null: the folder with the role. */
  sent_folder: string | null
  updated_at: string
}

/** What its writer decides. */
export interface DraftContent {
  /** An alias of the account; null, or left out in drafts of before, for its own address. */
  fromEmail?: string | null
  fromName: string | null
  replyTo: Address[]
  to: Address[]
  cc: Address[]
  bcc: Address[]
  subject: string
  body: DraftBody
  includeQuote: boolean
  includeSignature: boolean
  /** As it was when it was included. */
  signature: DraftBody | null
}

/** What is known of the message that is answered or forwarded, for as long as the draft is there. */
export interface AnsweredMessage {
  id: string | null
  ref: string | null
  threadId: string | null
  /** With angle brackets; null where it has none that may be written into a header. */
  messageId: string | null
  references: string[]
  /** Names of attachments of a forwarded message for which there was no room. */
  leftOut: string[]
  /** Recipients of it that a reply to all leaves out, since there are too many. */
  omitted: number
}

/** What stands below the text of a reply or forward. */
export interface Quote {
  kind: 'reply' | 'forward'
  /** Above the quoted text: who wrote it and when, or the header block of a forward. */
  lines: string[]
  text: string
  /** Cleaned; null where it had none. */
  html: string | null
}

/** What a draft begins with. */
export interface Beginning {
  content: Partial<DraftContent>
  /** Addresses to which the answered message was sent, or from which, where the owner wrote it. */
  sentTo?: readonly string[]
  answered: AnsweredMessage | null
  quote: Quote | null
  /** Of the message, that go along. */
  attachmentIds: readonly string[]
}
