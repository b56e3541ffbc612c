/**
 * PORT: capabilities of connections beyond listing and reading messages, one interface each. Implementations differ by
 * adapter and server; their results do not.
 */
import type { Address, Folder, FolderRole } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import type { MessageHeader } from './message-header.ts'
import type { UidRange } from './uid-ranges.ts'

/** A part that is to be read in pieces. */
export interface PartToRead {
  name: string | null
  type: string
  /** Transfer encoding, in lower case. */
  encoding: string
  /** Size in its transfer encoding, as the mail server reports it. */
  sizeBytes: number
  /** The section to pass to `PartReader.read`. */
  section: string
}

/** The section that addresses a whole message in its raw form. */
export const wholeMessage = ''

/** Reads parts piece by piece; between two pieces other callers may use the connection. */
export interface PartReader {
  /** Returns the metadata of a part without reading it; undefined when there is no such message or part. */
  describe(path: string, uid: number, partId: string): Promise<{ uidValidity: number; part: PartToRead | undefined }>
  /** Describes several parts in one round trip, in the order given. */
  describeAll(
    path: string,
    uid: number,
    partIds: readonly string[],
  ): Promise<{ uidValidity: number; parts: (PartToRead | undefined)[] }>
  /** Describes the whole message: `name` is its subject, and `section` is `wholeMessage`. */
  describeWhole(path: string, uid: number): Promise<{ uidValidity: number; part: PartToRead | undefined }>
  /** Returns a piece in its transfer encoding, shorter than `length` at the end; undefined when the message is gone. */
  read(
    path: string,
    uid: number,
    piece: { section: string; start: number; length: number },
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }>
}

/** A caller's last known state of a folder, from which changes are computed. */
export interface KnownFolder {
  uidValidity: number
  /** HIGHESTMODSEQ (RFC 7162) at that time; undefined where the server keeps none or it was never requested. */
  modseq: bigint | undefined
  /** Known UIDs, ascending and without overlaps. New messages are not included: `listArrivals` finds those. */
  uids: readonly UidRange[]
}

export interface ChangedMessage {
  uid: number
  /** Flags as the server spells them: `\Seen`, `$Forwarded`. */
  flags: string[]
}

export interface FolderChanges {
  /** When it differs from the known one, the folder was recreated; `changed` and `vanished` are empty then. */
  uidValidity: number
  /** HIGHESTMODSEQ to pass to the next call; later changes are above it. */
  modseq: bigint | undefined
  /** Changes by ascending UID. Without MODSEQ these are all known messages, and the caller compares. */
  changed: ChangedMessage[]
  vanished: UidRange[]
}

/** Message data that the index and threading need; address lists hold at most their first 100 entries. */
export interface IndexHeader extends MessageHeader {
  /** EMAILID (RFC 8474) or X-GM-MSGID, which is the same in every folder; null where the server has neither. */
  emailId: string | null
  inReplyTo: string | null
  /** Message ids, the newest last; at most 100. */
  references: string[]
  cc: Address[]
  ccCount: number
  bcc: Address[]
  bccCount: number
  /** At most 100 file names. */
  attachmentNames: string[]
}

/** The state of a folder, as found without opening it. */
export interface FolderStanding {
  path: string
  role: FolderRole | null
  isSelectable: boolean
  /** Undefined where the server refused or did not answer in time. */
  status: { uidValidity: number; uidNext: number; modseq: bigint | undefined; total: number } | undefined
  /** The folder as lists show it, without counts; absent where the account also sees folders of other users. */
  listing?: Folder
}

/** The text parts of one message in their transfer encoding. */
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

export interface FetchedTexts {
  texts: MessageTexts[]
  /** Holds the bytes of all texts and nothing else, to be transferred to another thread; empty where it may not be. */
  memory: ArrayBuffer[]
}

/** The UIDs that exist, and by flag the UIDs that have it. */
export interface FlagStanding {
  there: readonly UidRange[]
  having: ReadonlyMap<string, readonly UidRange[]>
}

/** Reports what changed since a known state: by QRESYNC, by CONDSTORE, or by fetching all flags. */
export interface ChangeReader {
  /** Lists own folders by one LIST-STATUS (RFC 5819), else by one STATUS each within the budget, `first` leading. */
  listStandings(budgetMs: number, first?: readonly string[]): Promise<FolderStanding[]>
  changesSince(path: string, known: KnownFolder): Promise<FolderChanges>
  /** Opens the folder ahead of a `flagStanding`, which then sees everything that happened before this call. */
  ready(path: string): Promise<void>
  /** Returns which messages exist and have the flags; compact. @param flags At most 20, as servers spell them. */
  flagStanding(
    path: string,
    uids: readonly UidRange[],
    flags: readonly string[],
  ): Promise<FlagStanding & { uidValidity: number }>
  /**
   * Lists up to `limit` headers by descending UID from one end of the range, unreadable messages as rows with a fault.
   * `hasMore` is true when the range contains others.
   */
  listHeaders(
    path: string,
    uids: UidRange,
    limit: number,
    end?: 'newest' | 'oldest',
  ): Promise<{ uidValidity: number; headers: IndexHeader[]; hasMore: boolean }>
  /** Returns headers by descending UID; expunged messages are left out. @param uids At most 200. */
  headersOf(path: string, uids: readonly number[]): Promise<{ uidValidity: number; headers: IndexHeader[] }>
  /**
   * Fetches up to four texts of each message, each cut at `maxBytes` on the wire; leaves out expunged messages.
   * @param uids At most 200.
   */
  listTexts(path: string, uids: readonly number[], maxBytes: number): Promise<FetchedTexts & { uidValidity: number }>
}

/** The messages of a change, which throws the Problem `stale_ref` when the folder's UIDVALIDITY differs. */
export interface WriteTarget {
  path: string
  uidValidity: number
  /** At most 1,000 UIDs; expunged messages are skipped. */
  uids: readonly number[]
  /** Called once the first command that changes them was sent. */
  sent?(): void
}

/** New UIDs by old ones, without messages gone before; undefined where the server does not report them (no UIDPLUS). */
export type NewPlaces = { uidValidity: number; uids: ReadonlyMap<number, number> } | undefined

export interface MovedMessages {
  places: NewPlaces
  /** UIDs still in the source. Those in `places` could not be removed: they are marked deleted, except `twice`. */
  left: number[]
  /** UIDs neither removed nor marked, whose copies could not be deleted: these messages are in both folders. */
  twice: number[]
}

/** Changes folders; sends each command once, and throws `UnknownOutcome` when its result is unknown. */
export interface FolderWriter {
  /** Creates a folder and subscribes to it. @param role Set where the server supports special-use folders. */
  createFolder(path: string, role?: FolderRole): Promise<void>
  /** Renames a folder with its subfolders and subscriptions. */
  renameFolder(path: string, to: string): Promise<void>
  /** Deletes a folder with its messages. */
  deleteFolder(path: string): Promise<void>
  setSubscribed(path: string, isSubscribed: boolean): Promise<void>
}

/**
 * Changes mail without retries: throws `UnknownOutcome` when the connection was lost before all commands were answered.
 * Every other error means that the server changed nothing.
 */
export interface MessageWriter extends FolderWriter {
  /** Opens the folder ahead of a change. It is not awaited; any failure surfaces in the change itself. */
  prepare(path: string): void
  /** @returns The resulting flags of each message that exists. */
  setFlags(target: WriteTarget, change: 'add' | 'remove', flags: readonly string[]): Promise<ChangedMessage[]>
  /** Adds and removes flags, and returns the result, since not every server accepts every flag. */
  changeFlags(target: WriteTarget, change: { add: readonly string[]; remove: readonly string[] }): Promise<FlagStanding>
  copy(target: WriteTarget, to: string): Promise<NewPlaces>
  /** Moves messages by MOVE, else by COPY, STORE and UID EXPUNGE. */
  move(target: WriteTarget, to: string): Promise<MovedMessages>
  /** Permanently deletes only these messages; refused on servers without UIDPLUS. @returns The UIDs that are gone. */
  expunge(target: WriteTarget): Promise<number[]>
  append(
    path: string,
    message: Buffer,
    options?: { flags?: readonly string[]; date?: Date },
  ): Promise<{ uidValidity: number; uid: number } | undefined>
}

/** Usage and limits of a mailbox (RFC 9208), of the quota roots that are closest to their limits. */
export interface QuotaFigures {
  bytes: { used: number; limit: number } | undefined
  messages: { used: number; limit: number } | undefined
}

/** Thrown when the mailbox is over quota, so that the server rejected a message. */
export class MailboxFull extends Problem {
  constructor(serverResponse: string) {
    const detail = 'The mailbox is full: its mail server has no room for this.'
    super('mail_server_refused', detail, { part: 'imap', ...(serverResponse && { server_response: serverResponse }) })
    this.name = 'MailboxFull'
  }
}

/** Thrown when the server refused a command because another program removed messages: read their state again. */
export class MessagesVanished extends Problem {
  constructor(serverResponse: string) {
    const detail =
      'Another program keeps removing messages while they are changed: the mail server refused the command.'
    super('mail_server_refused', detail, { part: 'imap', ...(serverResponse && { server_response: serverResponse }) })
    this.name = 'MessagesVanished'
  }
}

/** Thrown when the server may or may not have executed a command. A blind retry could repeat it: check first. */
export class UnknownOutcome extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before the mail server confirmed the change', { cause })
    this.name = 'UnknownOutcome'
  }
}
