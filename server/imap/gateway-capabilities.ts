/**
 * PORT: what connections can do beside listing and reading messages, each as an interface of its own. How it is done is up to the adapter and
 * to what the mail server offers; what comes of it is the same.
 */
import type { Address, Folder, FolderRole } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import type { MessageHeader } from './message-header.ts'
import type { UidRange } from './uid-ranges.ts'

/** A part that is to be read piece by piece. */
export interface PartToRead {
  name: string | null
  type: string
  /** Its transfer encoding, in small letters. */
  encoding: string
  /** With it, as the mail server says. */
  sizeBytes: number
  /** For `PartReader.read`. */
  section: string
}

/** The section of a message that is all of it, as it was sent. */
export const wholeMessage = ''

/** Parts are read piece by piece: between two of them others may have the connection. */
export interface PartReader {
  /** What is known of a part before it is read; undefined when there is no such message or part. */
  describe(path: string, uid: number, partId: string): Promise<{ uidValidity: number; part: PartToRead | undefined }>
  /** The same of several parts, in their order, for the price of one. */
  describeAll(
    path: string,
    uid: number,
    partIds: readonly string[],
  ): Promise<{ uidValidity: number; parts: (PartToRead | undefined)[] }>
  /** The same of the whole message: its name is its subject, and its section `wholeMessage`. */
  describeWhole(path: string, uid: number): Promise<{ uidValidity: number; part: PartToRead | undefined }>
  /** A piece, in its transfer encoding; shorter than `length` at the end of the part, and undefined when the message is gone. */
  read(
    path: string,
    uid: number,
    piece: { section: string; start: number; length: number },
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }>
}

/** What somebody knows of a folder who wants to know what changed. */
export interface KnownFolder {
  uidValidity: number
  /** HIGHESTMODSEQ (RFC 7162) of the time; undefined where the server keeps none, or nobody asked yet. */
  modseq: bigint | undefined
  /** Rising, and without what overlaps. New messages are not among them: `listArrivals` finds those. */
  uids: readonly UidRange[]
}

export interface ChangedMessage {
  uid: number
  /** As the server writes them: `\Seen`, `$Forwarded`. */
  flags: string[]
}

export interface FolderChanges {
  /** When it is not the one that was known, the folder is another and the rest is empty. */
  uidValidity: number
  /** For the next time. What changes from now on is past it. */
  modseq: bigint | undefined
  /** By rising UID. Where the server keeps no MODSEQ, all that were known: the caller compares. */
  changed: ChangedMessage[]
  vanished: UidRange[]
}

/** What the index and threads need of a message; lists of addresses hold at most their first 100. */
export interface IndexHeader extends MessageHeader {
  /** EMAILID (RFC 8474) or X-GM-MSGID: the same wherever the message is. Null where the server has neither. */
  emailId: string | null
  inReplyTo: string | null
  /** The newest are the last; at most 100. */
  references: string[]
  cc: Address[]
  ccCount: number
  bcc: Address[]
  bccCount: number
  /** At most 100. */
  attachmentNames: string[]
}

/** How a folder stands without opening it. */
export interface FolderStanding {
  path: string
  role: FolderRole | null
  isSelectable: boolean
  /** Undefined where the server did not say it in time, or refuses. */
  status: { uidValidity: number; uidNext: number; modseq: bigint | undefined; total: number } | undefined
  /** As lists show it, without counts; left out where the account also sees folders of others, which are not among these. */
  listing?: Folder
}

/** The text parts of one message as they are on the wire. */
export interface MessageTexts {
  uid: number
  parts: {
    type: string
    charset: string | null
    isFlowed: boolean
    deletesSpace: boolean
    encoding: string
    bytes: Buffer
  }[]
}

/** Which messages are there, and which of them have a flag, by the flag. */
export interface FlagStanding {
  there: readonly UidRange[]
  having: ReadonlyMap<string, readonly UidRange[]>
}

/** Tells what is different since the last time: by QRESYNC, by CONDSTORE, or by asking for all flags, as the server has it. */
export interface ChangeReader {
  /** All folders of one's own: with one LIST-STATUS (RFC 5819), else one STATUS for each, as many as the budget allows, from those named in `first` on. */
  listStandings(budgetMs: number, first?: readonly string[]): Promise<FolderStanding[]>
  changesSince(path: string, known: KnownFolder): Promise<FolderChanges>
  /** Opens it for the `flagStanding` that is about to come: that one sees all that happened before this. */
  ready(path: string): Promise<void>
  /** Of these messages, as the folder is now: a few lines for a thousand. @param flags At most 20, as servers write them. */
  flagStanding(
    path: string,
    uids: readonly UidRange[],
    flags: readonly string[],
  ): Promise<FlagStanding & { uidValidity: number }>
  /**
   * By falling UID, at most `limit` of the newest, or of the oldest; messages that cannot be read are rows with a fault.
   * `hasMore` says whether the range holds others.
   */
  listHeaders(
    path: string,
    uids: UidRange,
    limit: number,
    end?: 'newest' | 'oldest',
  ): Promise<{ uidValidity: number; headers: IndexHeader[]; hasMore: boolean }>
  /** By falling UID; those that are gone are left out. @param uids At most 200. */
  headersOf(path: string, uids: readonly number[]): Promise<{ uidValidity: number; headers: IndexHeader[] }>
  /**
   * What is read of each: at most four texts, each cut at `maxBytes` on the wire. A message without a text has no parts; one that is gone is left out.
   * @param uids At most 200.
   */
  listTexts(
    path: string,
    uids: readonly number[],
    maxBytes: number,
  ): Promise<{ uidValidity: number; texts: MessageTexts[] }>
}

/** Where messages are that are to be changed. Under another UIDVALIDITY they are others: that is the Problem `stale_ref`. */
export interface WriteTarget {
  path: string
  uidValidity: number
  /** At most 1,000. Those that are gone are passed over. */
  uids: readonly number[]
  /** Hears when the first command that changes them has left. */
  sent?(): void
}

/** Where messages are now: their UIDs by the old ones, without those that were gone before, or undefined where the server does not say it (it has no UIDPLUS). */
export type NewPlaces = { uidValidity: number; uids: ReadonlyMap<number, number> } | undefined

export interface MovedMessages {
  places: NewPlaces
  /** These are still here. Of those that `places` has, the server could not remove them: they are marked as deleted, but for `twice`. */
  left: number[]
  /** Of these nothing was removed and nothing marked, and their copies could not be removed again: they are in both folders. */
  twice: number[]
}

/** As with messages: each is sent once, and `UnknownOutcome` when it is not known what came of it. */
export interface FolderWriter {
  /** And subscribes to it. @param role Where the server can keep what a folder is for. */
  createFolder(path: string, role?: FolderRole): Promise<void>
  /** With the folders in it, and what is subscribed to. */
  renameFolder(path: string, to: string): Promise<void>
  /** With whatever is in it. */
  deleteFolder(path: string): Promise<void>
  setSubscribed(path: string, isSubscribed: boolean): Promise<void>
}

/**
 * Changes mail. Nothing is tried twice: each method sends its commands once, and throws `UnknownOutcome` when the connection was lost before
 * all of them were answered. Every other error says that the server did nothing.
 */
export interface MessageWriter extends FolderWriter {
  /** A change in this folder is about to come: it is opened meanwhile. Nobody waits for it, and what goes wrong the change finds out. */
  prepare(path: string): void
  /** @returns The flags that each message has then, of those that are there. */
  setFlags(target: WriteTarget, change: 'add' | 'remove', flags: readonly string[]): Promise<ChangedMessage[]>
  /** Both, and how it stands then: not every server takes every flag. */
  changeFlags(target: WriteTarget, change: { add: readonly string[]; remove: readonly string[] }): Promise<FlagStanding>
  copy(target: WriteTarget, to: string): Promise<NewPlaces>
  /** By MOVE, else by COPY, STORE and UID EXPUNGE. */
  move(target: WriteTarget, to: string): Promise<MovedMessages>
  /** For good, and these alone: where the server has no UIDPLUS it is refused. @returns Those that are gone. */
  expunge(target: WriteTarget): Promise<number[]>
  append(
    path: string,
    message: Buffer,
    options?: { flags?: readonly string[]; date?: Date },
  ): Promise<{ uidValidity: number; uid: number } | undefined>
}

/** How much of a mailbox is taken, of what its mail server limits (RFC 9208): the roots that are nearest to their limits. */
export interface QuotaFigures {
  bytes: { used: number; limit: number } | undefined
  messages: { used: number; limit: number } | undefined
}

/** The mail server has no room for a message. */
export class MailboxFull extends Problem {
  constructor(serverResponse: string) {
    const detail = 'The mailbox is full: its mail server has no room for this.'
    super('mail_server_refused', detail, { part: 'imap', ...(serverResponse && { server_response: serverResponse }) })
    this.name = 'MailboxFull'
  }
}

/** Another program deleted or moved some of the messages right before the command: the server refused it. How they are has to be looked at again. */
export class MessagesVanished extends Problem {
  constructor(serverResponse: string) {
    const detail =
      'Another program keeps removing messages while they are changed: the mail server refused the command.'
    super('mail_server_refused', detail, { part: 'imap', ...(serverResponse && { server_response: serverResponse }) })
    this.name = 'MessagesVanished'
  }
}

/** The server may or may not have done what it was told. To say it again could do it twice: somebody has to look first. */
export class UnknownOutcome extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before the mail server confirmed the change', { cause })
    this.name = 'UnknownOutcome'
  }
}
