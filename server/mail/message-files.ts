/** Files of a message: one part, the message as it was sent, or all that hangs on it as a zip. Each piece borrows a connection for itself, so that a slow reader holds none. */
import { wholeMessage } from '../imap/gateway-capabilities.ts'
import type { MailConnection, PartInfo } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { DistinctFileNames } from '../platform/safe-file-name.ts'
import { askedRange } from './byte-range.ts'
import type { PartRequest } from './mail-queries.ts'
import { type OpenPart, PartDownloads, type PartSource, tagOf } from './part-download.ts'
import { zipOf } from './zip-files.ts'

/** Whose, and which. */
export interface FileOwner {
  principal: Principal
  accountId: string
  ref: string
}

/** What a zip is made of. */
export interface Attachments {
  subject: string
  /** ISO 8601. */
  date: string
  attachments: readonly PartInfo[]
  attachmentCount: number
}

export interface MessageFilesOptions {
  /** Does the work where the message is, for a principal that may see the account. */
  at<T>(owner: FileOwner, signal: AbortSignal, work: (place: MessagePlace) => Promise<T>): Promise<T>
  /** Lends a connection to a principal that may see the account. */
  ask<T>(
    principal: Principal,
    accountId: string,
    work: (connection: MailConnection) => Promise<T>,
    signal: AbortSignal,
    folder: string,
    isUnderWay?: boolean,
  ): Promise<T>
}

/** Of parts that come without a name: those that programs know by their endings. */
const endings: ReadonlyMap<string, string> = new Map([
  ['message/rfc822', '.eml'],
  ['text/calendar', '.ics'],
  ['text/plain', '.txt'],
])
const maxSubject = 100

export class MessageFiles {
  readonly #at: MessageFilesOptions['at']
  readonly #ask: MessageFilesOptions['ask']
  readonly #downloads = new PartDownloads()

  constructor({ at, ask }: MessageFilesOptions) {
    this.#at = at
    this.#ask = ask
  }

  /** One part as a file. */
  async openPart(owner: FileOwner, partId: string, request: PartRequest): Promise<OpenPart & { tag: string }> {
    if (partId === wholeMessage) throw new Problem('message_not_found', 'The message has no such part.')
    return this.#at(owner, request.signal, place => this.#open(owner, place, partId, request))
  }

  /** The message as it was sent; of one that is attached to another, that part. */
  async openRaw(owner: FileOwner, request: PartRequest): Promise<OpenPart & { tag: string; fileName: string }> {
    const open = (place: MessagePlace) => this.#open(owner, place, place.part ?? wholeMessage, request)
    const part = await this.#at(owner, request.signal, open)
    return { ...part, fileName: nameOfMessage(part.name, '.eml') }
  }

  /** All attachments, one after the other; nothing is compressed, since most of them are already. */
  async openAll(
    owner: FileOwner,
    place: MessagePlace,
    message: Attachments,
    request: PartRequest,
  ): Promise<OpenPart & { fileName: string }> {
    const bytes = await this.#downloads.openAll(
      limitKeyOf(owner.principal),
      zipOf(this.#files(owner, place, message, request)),
    )
    const fileName = nameOfMessage(message.subject, '.zip')
    return { name: null, type: 'application/zip', size: undefined, range: undefined, hasRanges: false, bytes, fileName }
  }

  async *#files(
    owner: FileOwner,
    place: MessagePlace,
    { attachments, attachmentCount, date }: Attachments,
    request: PartRequest,
  ): AsyncGenerator<{ name: string; lastModified: Date; input: AsyncIterable<Uint8Array> | string }> {
    const names = new DistinctFileNames()
    const lastModified = new Date(date)
    const { folder, uid } = place
    const ids = attachments.map(({ id }) => id)
    const describe = ({ parts }: MailConnection) => parts.describeAll(folder, uid, ids)
    const described = await this.#ask(owner.principal, owner.accountId, describe, request.signal, folder)
    checkValidity(place, described.uidValidity)
    for (const [index, { id, name, type }] of attachments.entries()) {
      const part = described.parts[index]
      const source = { ...this.#sourceOf(owner, place, id, request), describe: async () => part }
      const input = await this.#downloads.readWhole(nameOf(owner, place, id), source)
      yield { name: names.add(name ?? '', nameOfPart(id, type)), lastModified, input }
    }
    const left = attachmentCount - attachments.length
    if (left > 0) {
      const input = `This message has more attachments than RustyMail lists: ${left} of ${attachmentCount} are not in this archive.\n`
      yield { name: names.add('not in this archive.txt'), lastModified, input }
    }
  }

  async #open(
    owner: FileOwner,
    place: MessagePlace,
    partId: string,
    request: PartRequest,
  ): Promise<OpenPart & { tag: string }> {
    const name = nameOf(owner, place, partId)
    const tag = tagOf(name)
    const asked = askedRange(request.range, request.ifRange, tag)
    const source = this.#sourceOf(owner, place, partId, request)
    return { ...(await this.#downloads.open(limitKeyOf(owner.principal), name, source, asked)), tag }
  }

  #sourceOf(
    { principal, accountId }: FileOwner,
    { folder, uid, uidValidity }: MessagePlace,
    partId: string,
    { signal, checkAgain }: PartRequest,
  ): PartSource {
    const check = <T extends { uidValidity: number }>(answer: T): T => {
      checkValidity({ folder, uid, uidValidity }, answer.uidValidity)
      return answer
    }
    const describe = ({ parts }: MailConnection) =>
      partId === wholeMessage ? parts.describeWhole(folder, uid) : parts.describe(folder, uid, partId)
    return {
      describe: async () => check(await this.#ask(principal, accountId, describe, signal, folder)).part,
      read: async (section, start, length) => {
        const piece = (c: MailConnection) => c.parts.read(folder, uid, { section, start, length })
        const { bytes } = check(await this.#ask(principal, accountId, piece, signal, folder, start > 0))
        await checkAgain()
        return bytes
      },
    }
  }
}

/** Names the part among all parts that there are and will be. */
function nameOf({ accountId }: FileOwner, { folder, uidValidity, uid }: MessagePlace, partId: string): string {
  return [accountId, folder, uidValidity, uid, partId].join('\0')
}

export function nameOfPart(partId: string, type: string): string {
  return `part-${partId}${endings.get(type.toLowerCase()) ?? ''}`
}

function nameOfMessage(subject: string | null, ending: string): string {
  return `${(subject ?? '').slice(0, maxSubject).toWellFormed() || 'message'}${ending}`
}
