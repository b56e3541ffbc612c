/** PORT: what RustyMail asks of a mail server that is read. Adapters translate their vendor's errors to Problems. */
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
  /** Bounds the whole way to a logged-in connection, and each command on it. */
  timeoutMs: number
  /** Ends the attempt; a connection that stands is ended with `close`. */
  signal: AbortSignal
  /** Hears of each piece that comes in or goes out, in bytes of IMAP. */
  onTraffic?: ((received: number, sent: number) => void) | undefined
  /** Hears commands and status responses, without what logs in and without what messages hold. */
  onLine?: LineListener | undefined
  /** Hears what certificate the server showed, where it did. */
  onCertificate?: ((certificate: SeenCertificate | undefined) => void) | undefined
}

/** What a server says of itself and of one's mailbox, once logged in. */
export interface ServerFacts {
  /** In capitals, as it offers them after the login. */
  capabilities: readonly string[]
  /** Where it tells its software (RFC 2971). */
  software: string | null
  /** Prefixes of folders. */
  namespaces: { personal: readonly string[]; other: readonly string[]; shared: readonly string[] }
  folders: readonly Folder[]
  /** Of INBOX (RFC 9208); undefined where the server has none, or does not say. */
  quota: QuotaFigures | undefined
}

/** Where a mail server is, whatever the login. */
export type MailPlace = Pick<MailLogin, 'host' | 'port' | 'tls'>

export interface MailGateway {
  /** Resolves when a mail server greets there; throws a Problem whose `fault` says why not. Nobody logs in. */
  probe(place: MailPlace, options: ConnectOptions): Promise<void>
  /** A logged-in connection; throws a Problem whose `fault` says why not. */
  connect(login: MailLogin, options: ConnectOptions): Promise<MailConnection>
}

/** One part that can be read by itself. */
export type PartInfo = Omit<Attachment, 'message_ref'> & {
  /** An attached message, of which the mail server says what it is made of: it can be opened like any other. */
  isMessage?: boolean
  /** One that is packed in another part: which, and where in there without its transfer encoding. */
  within?: PackedPlace
}

export interface PackedPlace {
  /** The id of the part. */
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
  /** The Sender header; servers put From in where there is none (RFC 9051, section 7.5.2). */
  sender: Address[]
  /** How the message begins, some 16 KiB of it at most: in there is what the last mail servers wrote on top. */
  head: string
  sentAt: string | null
  inReplyTo: string | null
  /**
   * The bodies where they take long to decode; text and HTML are null then, and there is nothing else of them. `decodeBody` makes the
   * rest of it, on another thread.
   */
  encoded?: EncodedBody
  isTruncated: boolean
  /** By its structure; none unless given. */
  protections?: Protection[]
  /** There are several From headers, of which the first is shown. */
  isFromRepeated?: boolean
  /** At least the first 100. */
  attachments: PartInfo[]
  attachmentCount: number
}

export interface MessagePage {
  uidValidity: number
  total: number
  /** Newest first, that is by falling UID. */
  messages: MessageHeader[]
  /** Whether there are older ones. */
  hasMore: boolean
}

/** What a search found in a folder: which messages, and not yet what is in them. */
export interface FoundMessages {
  uidValidity: number
  /** All that the search finds below the UID. */
  total: number
  /** By falling UID, the newest of them; `date` is INTERNALDATE, ISO 8601 with milliseconds. Those that vanished meanwhile are left out. */
  found: { uid: number; date: string }[]
}

/** What is new in a folder since a UID. */
export interface Arrivals {
  uidValidity: number
  /** The lowest UID that the next message can have. */
  uidNext: number
  /** Rising; at most as many as asked for, the rest with the next call. */
  uids: number[]
  /** How many older ones are left out, since only the newest were asked for. */
  passedOver: number
}

/** The first of the newest, for adapters that know all. @param uids Rising. */
export function newestArrivals(
  uids: readonly number[],
  limit: number,
  newest = uids.length,
): Pick<Arrivals, 'uids' | 'passedOver'> {
  const passedOver = Math.max(0, uids.length - newest)
  return { uids: uids.slice(passedOver, passedOver + limit), passedOver }
}

/** How many messages a folder holds; null where the mail server does not say it. */
export type FolderCount = Pick<Folder, 'total' | 'unread'>

/** What is said of a message when it arrives. */
export type MessageHead = Pick<MessageHeader, 'subject' | 'from'>

/** One IMAP connection. Commands run one at a time; the pool sees to that. */
export interface MailConnection {
  readonly parts: PartReader
  readonly changes: ChangeReader
  readonly writer: MessageWriter
  /** The folder that it has open: what is asked of that one costs the server least. */
  readonly openFolder: string | undefined
  /** Between `watch` and its end, but for the time that it is lent. */
  readonly isWatching: boolean
  /** What the server said after the login that it can do, in capitals: `IDLE`, `APPENDLIMIT=35651584`. */
  readonly offers: readonly string[]
  /** Of INBOX; undefined where the server keeps none, or does not say it. */
  quota(): Promise<QuotaFigures | undefined>
  /**
   * Of all namespaces (RFC 2342), one's own first.
   * @param withCounts Unless false. Of a folder that can be selected `total` is null all the same where the server does not count in its list: then
   * `countFolders` does.
   */
  listFolders(withCounts?: boolean): Promise<Folder[]>
  /**
   * Calls `onCount` for one folder after the other, until `budgetMs` are over: then those that are left are not counted. Of a folder
   * that the server does not count, the numbers are null.
   */
  countFolders(
    paths: readonly string[],
    budgetMs: number,
    onCount: (path: string, count: FolderCount) => void,
  ): Promise<void>
  /**
   * A message that cannot be read is a row with the fault `unreadable`, and what bad mail costs is bounded.
   * @param beforeUid Only messages with a lower UID. Opens the folder read-only.
   */
  listMessages(path: string, limit: number, beforeUid: number | undefined): Promise<MessagePage>
  /**
   * The messages for which the term holds; all of them without one. Opens the folder read-only.
   * @param limit How many are told of, at most 1,000.
   * @param belowUid Only messages with a lower UID are searched.
   */
  search(path: string, term: SearchTerm | undefined, limit: number, belowUid?: number): Promise<FoundMessages>
  /**
   * `message` is undefined when there is none with this UID. `uidValidity` is what the folder has now. Each kind of text is cut at `maxBytes`.
   * @param attached The number of a part of it that is a message of its own: then that is answered, in words that nobody has checked.
   */
  getMessage(
    path: string,
    uid: number,
    maxBytes: number,
    attached?: string,
  ): Promise<{ uidValidity: number; message: MessageContent | undefined }>
  /** What may have changed of a message since it was read; undefined when there is none with this UID. */
  findFlags(
    path: string,
    uid: number,
  ): Promise<{ uidValidity: number; found: Pick<MessageHeader, 'flags' | 'keywords'> | undefined }>
  /**
   * What one part of a message holds, its transfer encoding removed. `bytes` is undefined when there is no such message
   * or part, and when the part is empty or longer than `maxBytes`: half a part is of no use.
   * @param partId The `id` of an attachment.
   */
  findPart(
    path: string,
    uid: number,
    partId: string,
    maxBytes: number,
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }>
  /** By UID, how the plain text of a message begins: what `maxBytes` of the part hold. Nothing of what has none, and of 50 messages at most. */
  listPreviews(path: string, uids: readonly number[], maxBytes: number): Promise<ReadonlyMap<number, string>>
  /**
   * UIDs at or above `fromUid` (RFC 9051, section 6.4.9), at most `limit` of them.
   * @param newest Where there are more than so many, the oldest are passed over; all unless given.
   */
  listArrivals(path: string, fromUid: number, limit: number, newest?: number): Promise<Arrivals>
  /** Subject and senders by UID; messages that are gone or cannot be read are left out. */
  listHeads(path: string, uids: readonly number[]): Promise<ReadonlyMap<number, MessageHead>>
  /**
   * Stays in IDLE on the folder until closed, and calls `onChange` when messages came, went or changed: also for those
   * that came between the answer and the first IDLE. From then on it can do nothing else but between `pause` and `resume`.
   */
  watch(path: string, onChange: (change: WatchChange) => void): Promise<{ uidValidity: number; uidNext: number }>
  /** Of a connection that watches: finds out now whether the server is there, and ends when it does not answer soon. */
  check(): void
  /** Steps out of IDLE, so that the connection can be lent. Throws when it has ended. */
  pause(): Promise<void>
  /** Watches again at once. Tells of what came meanwhile. Never throws. */
  resume(): Promise<void>
  /** Asks for what is known of the server and the mailbox; opens no folder. */
  inspect(): Promise<ServerFacts>
  /** Logs out politely within a second, then drops the socket. Never throws. */
  close(): Promise<void>
  /** Resolves when the connection has ended: with the Problem that says why when it was not us who ended it. */
  readonly closed: Promise<Problem | undefined>
}

export type WatchChange =
  | { kind: 'exists'; count: number }
  | { kind: 'expunge' }
  | { kind: 'flags' }
  /** The server has no IDLE, or refused it: from now on it is asked every half minute. */
  | { kind: 'polling' }
