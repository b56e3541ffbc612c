/** PORT: how RustyMail reads mail from a mail server. Adapters translate their vendor's errors to Problems. */
import type { Address, Attachment, Folder, Protection } from '../../contract/mail.ts'
import type { SeenCertificate } from '../accounts/certificate-ends.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import type { Problem } from '../platform/problem.ts'
import type { DecodedBody, EncodedBody } from '../reading/decode-body.ts'
import type { ChangeReader, MessageWriter, PartReader, QuotaFigures } from './gateway-capabilities.ts'
import type { MessageHeader } from './message-header.ts'
import type { SearchTerm } from './search-term.ts'

export type { MessageHeader }

export interface ConnectOptions {
  /** Timeout of the whole connection attempt up to the login, and of each command afterwards. */
  timeoutMs: number
  /** Aborts the attempt; an established connection is ended with `close`. */
  signal: AbortSignal
  /** Called with the size of each chunk received or sent, in bytes of IMAP. */
  onTraffic?: ((received: number, sent: number) => void) | undefined
  /** Called with commands and status responses, without credentials and without the content of messages. */
  onLine?: LineListener | undefined
  /** Called with the certificate that the server presented; undefined when it presented none. */
  onCertificate?: ((certificate: SeenCertificate | undefined) => void) | undefined
}

/** Capabilities, namespaces, folders and quota, as a server reports them after the login. */
export interface ServerFacts {
  /** Upper-case capabilities, as advertised after the login. */
  capabilities: readonly string[]
  /** Name and version of the server's software; null where it does not reveal them (RFC 2971). */
  software: string | null
  /** Prefixes of the folders in each namespace. */
  namespaces: { personal: readonly string[]; other: readonly string[]; shared: readonly string[] }
  folders: readonly Folder[]
  /** Quota of INBOX (RFC 9208); undefined where the server has none or does not report it. */
  quota: QuotaFigures | undefined
}

/** The address of a mail server, independent of any login. */
export type MailPlace = Pick<MailLogin, 'host' | 'port' | 'tls'>

export interface MailGateway {
  /** Resolves when a mail server sends its greeting; does not log in. Throws a Problem whose `fault` says why not. */
  probe(place: MailPlace, options: ConnectOptions): Promise<void>
  /** Opens a logged-in connection; throws a Problem whose `fault` says why it failed. */
  connect(login: MailLogin, options: ConnectOptions): Promise<MailConnection>
}

/** A body part that can be read separately. */
export type PartInfo = Omit<Attachment, 'message_ref'> & {
  /** True for an attached message whose structure the mail server reports: it can be opened like any other message. */
  isMessage?: boolean
  /** The carrier of a part packed in another one, and the range of its bytes in there after transfer decoding. */
  within?: PackedPlace
}

export interface PackedPlace {
  /** The id of the part that contains it. */
  carrier: string
  offset: number
  length: number
}

export interface MessageContent extends MessageHeader, DecodedBody {
  cc: Address[]
  ccCount: number
  bcc: Address[]
  bccCount: number
  replyTo: Address[]
  replyToCount: number
  /** The Sender header; servers fill in From where it is missing (RFC 9051, section 7.5.2). */
  sender: Address[]
  /** The first 16 KiB of the message at most; they contain the headers that the last mail servers prepended. */
  head: string
  sentAt: string | null
  inReplyTo: string | null
  /**
   * The undecoded bodies, where decoding takes long: `text` and `html` are null then; `decodeBody` yields them on a
   * thread.
   */
  encoded?: EncodedBody
  isTruncated: boolean
  /** How the message is signed or encrypted, by its structure; empty unless given. */
  protections?: Protection[]
  /** True when there are several From headers, of which the first is shown. */
  isFromRepeated?: boolean
  /** The attachments, at least the first 100. */
  attachments: PartInfo[]
  attachmentCount: number
}

export interface MessagePage {
  uidValidity: number
  total: number
  /** A page of messages, newest first, that is by descending UID. */
  messages: MessageHeader[]
  /** True when the folder has older messages. */
  hasMore: boolean
}

/** The messages that a search found in a folder, without their content. */
export interface FoundMessages {
  uidValidity: number
  /** Number of matches with a UID below the one given. */
  total: number
  /** The newest matches by descending UID, without those expunged since; `date` is INTERNALDATE (ISO 8601 with ms). */
  found: { uid: number; date: string }[]
}

/** The new messages of a folder above a given UID. */
export interface Arrivals {
  uidValidity: number
  /** The lower bound of the next message's UID (UIDNEXT). */
  uidNext: number
  /** UIDs in ascending order, at most the requested number; the next call returns the rest. */
  uids: number[]
  /** Number of older messages that were skipped, since only the newest were requested. */
  passedOver: number
}

/** Returns the first `limit` of the newest UIDs, for adapters that know all of them. @param uids Ascending. */
export function newestArrivals(
  uids: readonly number[],
  limit: number,
  newest = uids.length,
): Pick<Arrivals, 'uids' | 'passedOver'> {
  const passedOver = Math.max(0, uids.length - newest)
  return { uids: uids.slice(passedOver, passedOver + limit), passedOver }
}

/** Message counts of a folder; null where the mail server does not report them. */
export type FolderCount = Pick<Folder, 'total' | 'unread'>

/** The data of a message that its announcement contains. */
export type MessageHead = Pick<MessageHeader, 'subject' | 'from'>

/** One IMAP connection. Commands run one at a time; the pool ensures that. */
export interface MailConnection {
  readonly parts: PartReader
  readonly changes: ChangeReader
  readonly writer: MessageWriter
  /** The folder that is selected; commands on it are the cheapest. */
  readonly openFolder: string | undefined
  /** True from `watch` until the connection ends, except while it is lent. */
  readonly isWatching: boolean
  /** The capabilities advertised after the login, in upper case: `IDLE`, `APPENDLIMIT=35651584`. */
  readonly offers: readonly string[]
  /** Returns the quota of INBOX; undefined where the server keeps none or does not report it. */
  quota(): Promise<QuotaFigures | undefined>
  /**
   * Lists the folders of all namespaces (RFC 2342), the personal one first.
   * @param withCounts False skips counts. A selectable folder's `total` is null where LIST cannot count: see
   * `countFolders`.
   */
  listFolders(withCounts?: boolean): Promise<Folder[]>
  /**
   * Counts each folder in turn until `budgetMs` have elapsed. A count is null for a folder that the server does not
   * count.
   */
  countFolders(
    paths: readonly string[],
    budgetMs: number,
    onCount: (path: string, count: FolderCount) => void,
  ): Promise<void>
  /**
   * Lists the newest messages; opens the folder read-only. An unreadable message is a row with the fault `unreadable`.
   * @param beforeUid Only messages with a lower UID are listed.
   */
  listMessages(path: string, limit: number, beforeUid: number | undefined): Promise<MessagePage>
  /**
   * Finds the messages that match the term; all of them without one. Opens the folder read-only.
   * @param limit Maximum number of messages returned, at most 1,000.
   * @param belowUid Only messages with a lower UID are searched.
   */
  search(path: string, term: SearchTerm | undefined, limit: number, belowUid?: number): Promise<FoundMessages>
  /**
   * Fetches a message, each kind of text cut at `maxBytes`; `message` is undefined when there is none with this UID.
   * @param attached Part number of an attached message to return instead; its headers are unverified.
   */
  getMessage(
    path: string,
    uid: number,
    maxBytes: number,
    attached?: string,
  ): Promise<{ uidValidity: number; message: MessageContent | undefined }>
  /** Returns the mutable data of a message; `found` is undefined when there is none with this UID. */
  findFlags(
    path: string,
    uid: number,
  ): Promise<{ uidValidity: number; found: Pick<MessageHeader, 'flags' | 'keywords'> | undefined }>
  /**
   * Fetches a part, transfer-decoded; `bytes` is undefined when it does not exist, is empty or is longer than
   * `maxBytes`.
   * @param partId The `id` of an attachment.
   */
  findPart(
    path: string,
    uid: number,
    partId: string,
    maxBytes: number,
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }>
  /** Maps UIDs to the start of their plain text, read from `maxBytes` of the part; at most 50, without empty ones. */
  listPreviews(path: string, uids: readonly number[], maxBytes: number): Promise<ReadonlyMap<number, string>>
  /**
   * Lists UIDs at or above `fromUid` (RFC 9051, section 6.4.9), at most `limit` of them.
   * @param newest When there are more than this number, the oldest are skipped; none are skipped unless given.
   */
  listArrivals(path: string, fromUid: number, limit: number, newest?: number): Promise<Arrivals>
  /** Maps UIDs to subject and senders; leaves out expunged and unreadable messages. */
  listHeads(path: string, uids: readonly number[]): Promise<ReadonlyMap<number, MessageHead>>
  /**
   * Stays in IDLE on the folder until closed and reports each change, including those before the first IDLE. No other
   * command is possible except between `pause` and `resume`.
   */
  watch(path: string, onChange: (change: WatchChange) => void): Promise<{ uidValidity: number; uidNext: number }>
  /** Checks whether the server still answers on a watching connection; a silent one ends soon. */
  check(): void
  /** Leaves IDLE, so that the connection can be lent. Throws when the connection has ended. */
  pause(): Promise<void>
  /** Re-enters IDLE immediately and reports what changed meanwhile. Never throws. */
  resume(): Promise<void>
  /** Queries what the server reports about itself and the mailbox; opens no folder. */
  inspect(): Promise<ServerFacts>
  /** Logs out, and drops the socket when that takes more than a second. Never throws. */
  close(): Promise<void>
  /** Resolves when the connection has ended, with the Problem that caused it unless we closed it. */
  readonly closed: Promise<Problem | undefined>
}

export type WatchChange =
  | { kind: 'exists'; count: number }
  | { kind: 'expunge' }
  | { kind: 'flags' }
  /** The server lacks or refused IDLE: it is polled every half minute from now on. */
  | { kind: 'polling' }
