/**
 * Files of a message: a part, the raw message, or all attachments as a zip. Each piece borrows a connection separately,
 * so that slow readers hold none.
 */
import { wholeMessage } from '../imap/gateway-capabilities.ts'
import type { MailConnection, PackedPlace, PartInfo } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { DistinctFileNames } from '../platform/safe-file-name.ts'
import { parseRange } from './byte-range.ts'
import type { PartRequest } from './mail-queries.ts'
import { type OpenPart, PartDownloads, type PartSource, tagOf } from './part-download.ts'
import { type Lend, partName, partSource } from './part-source.ts'
import { zipOf } from './zip-files.ts'

/** The message that a file belongs to, and the caller. */
export interface FileOwner {
  principal: Principal
  accountId: string
  ref: string
}

/** The content of a zip. */
export interface Attachments {
  subject: string
  /** ISO 8601. */
  date: string
  attachments: readonly PartInfo[]
  attachmentCount: number
}

export interface MessageFilesOptions {
  /** Runs work at the message's place, for a principal that may see the account. */
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

/** File extensions for parts without a name. */
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

  /** Opens a part as a file. */
  async openPart(owner: FileOwner, partId: string, request: PartRequest): Promise<OpenPart & { tag: string }> {
    if (partId === wholeMessage) throw new Problem('message_not_found', 'The message has no such part.')
    return this.#at(owner, request.signal, place => this.#open(owner, place, partId, request))
  }

  /** Opens content packed in a part as a file. */
  async openPacked(
    owner: FileOwner,
    place: MessagePlace,
    { id, name, type }: PartInfo,
    within: PackedPlace,
    request: PartRequest,
  ): Promise<OpenPart & { tag: string }> {
    const tag = tagOf(partName(owner.accountId, place, id))
    const asked = parseRange(request.range, request.ifRange, tag)
    const source = this.#sourceOf(owner, place, within.carrier, request)
    const carrier = partName(owner.accountId, place, within.carrier)
    const part = await this.#downloads.open(limitKeyOf(owner.principal), carrier, source, asked, within)
    return { ...part, name, type, tag }
  }

  /** Reads packed content over the caller's connection; undefined when it is longer than `maxBytes`. */
  async readPacked(
    accountId: string,
    place: MessagePlace,
    within: PackedPlace,
    { maxBytes, connection }: { maxBytes: number; connection: MailConnection },
  ): Promise<Buffer | undefined> {
    if (within.length > maxBytes) return undefined
    const source = partSource(
      work => work(connection),
      place,
      within.carrier,
      () => undefined,
    )
    const name = partName(accountId, place, within.carrier)
    const bytes: Buffer[] = []
    for await (const piece of await this.#downloads.readWhole(name, source, within)) bytes.push(piece)
    return Buffer.concat(bytes)
  }

  /** Reads a whole part for further processing; counts as a download. */
  async readPart(
    owner: FileOwner,
    place: MessagePlace,
    partId: string,
    request: PartRequest,
  ): Promise<AsyncIterable<Buffer>> {
    const source = this.#sourceOf(owner, place, partId, request)
    const pieces = await this.#downloads.readWhole(partName(owner.accountId, place, partId), source)
    return this.#downloads.openAll(limitKeyOf(owner.principal), pieces)
  }

  /** Opens the raw message; for an attached message, that part. */
  async openRaw(owner: FileOwner, request: PartRequest): Promise<OpenPart & { tag: string; fileName: string }> {
    const open = (place: MessagePlace) => this.#open(owner, place, place.part ?? wholeMessage, request)
    const part = await this.#at(owner, request.signal, open)
    return { ...part, fileName: nameOfMessage(part.name, '.eml') }
  }

  /** Opens all attachments as a zip, in sequence and uncompressed, since most are compressed already. */
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
    const ids = attachments.map(({ id, within }) => within?.carrier ?? id)
    const describe = ({ parts }: MailConnection) => parts.describeAll(folder, uid, ids)
    const described = await this.#ask(owner.principal, owner.accountId, describe, request.signal, folder)
    checkValidity(place, described.uidValidity)
    for (const [index, { id, name, type, within }] of attachments.entries()) {
      const part = described.parts[index]
      const carrier = within?.carrier ?? id
      const source = { ...this.#sourceOf(owner, place, carrier, request), describe: async () => part }
      const input = await this.#downloads.readWhole(partName(owner.accountId, place, carrier), source, within)
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
    const name = partName(owner.accountId, place, partId)
    const tag = tagOf(name)
    const asked = parseRange(request.range, request.ifRange, tag)
    const source = this.#sourceOf(owner, place, partId, request)
    return { ...(await this.#downloads.open(limitKeyOf(owner.principal), name, source, asked)), tag }
  }

  #sourceOf(
    { principal, accountId }: FileOwner,
    place: MessagePlace,
    partId: string,
    request: PartRequest,
  ): PartSource {
    const { signal, checkAgain } = request
    const lend: Lend = (work, isUnderWay) => this.#ask(principal, accountId, work, signal, place.folder, isUnderWay)
    return partSource(lend, place, partId, checkAgain)
  }
}

export function nameOfPart(partId: string, type: string): string {
  return `part-${partId}${endings.get(type.toLowerCase()) ?? ''}`
}

function nameOfMessage(subject: string | null, ending: string): string {
  return `${(subject ?? '').slice(0, maxSubject).toWellFormed() || 'message'}${ending}`
}
