/** The tables of drafts for Kysely, and the types of their JSON columns. */
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
  /** Random, unique to this revision: its Message-ID and boundaries derive from it. */
  key: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  /** The latest proposal that had this draft as an item. */
  proposal_id: string | null
  /**
   * Taint: the shortest time between reading a stranger's mail and writing one of the revisions, in milliseconds. 0 for
   * drafts that quote others, and for drafts of an earlier version; null for untainted text, written by people or by
   * programs that had read no such mail within the longest time that a policy can ask for.
   */
  taint_ms: number | null
  /** `Draft['changed_by']`, with its `user_id`; drafts of earlier versions have none. */
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
  /** JSON: Message-IDs of copies that exist, or may exist. */
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
  /** Sender name for drafts that name none. */
  from_name: string | null
  /** JSON: the owner's further addresses, as `Address`, or as plain strings from the time before they had names. */
  aliases: string
  /** The alias that new messages are from; null for the account's own address. */
  default_from: string | null
  /** Null for `auto`. */
  sent_copy: SentCopyChoice | null
  /** Null for the folder with the role `sent`. */
  sent_folder: string | null
  updated_at: string
}

/** The part of a draft that its writer decides. */
export interface DraftContent {
  /** An alias of the account; null for its own address, or missing in older drafts. */
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
  /** The signature as it was when it was included. */
  signature: DraftBody | null
}

/** Facts about the answered or forwarded message, kept as long as the draft. */
export interface AnsweredMessage {
  id: string | null
  ref: string | null
  threadId: string | null
  /** With angle brackets; null if it has none that is safe in a header. */
  messageId: string | null
  references: string[]
  /** Names of attachments of the forwarded message for which there was no room. */
  leftOut: string[]
  /** Recipients of the message that a reply to all leaves out, since there are too many. */
  omitted: number
}

/** The quotation below the text of a reply or forward. */
export interface Quote {
  kind: 'reply' | 'forward'
  /** Lines above the quoted text: who wrote it and when, or the header block of a forward. */
  lines: string[]
  text: string
  /** Cleaned HTML; null if the message had none. */
  html: string | null
}

/** The initial content of a draft. */
export interface Beginning {
  content: Partial<DraftContent>
  /** Addresses to which the answered message was sent; and its sender, in case the owner wrote it. */
  sentTo?: readonly string[]
  answered: AnsweredMessage | null
  quote: Quote | null
  /** Attachments of the message that are forwarded. */
  attachmentIds: readonly string[]
}
