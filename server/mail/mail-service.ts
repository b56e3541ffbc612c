/** Read-only access to mail for programs: folders, lists and messages. Connections are managed by the pool. */
import type { Calendar, Message, MessageSummary } from '../../contract/mail.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import { FolderCounter } from '../imap/folder-counter.ts'
import type { MailConnection, MessageHeader } from '../imap/mail-gateway.ts'
import { toMessage, toSummary } from '../imap/message-bounds.ts'
import { checkCursor, checkValidity, type MessagePlace, type MessageRefs } from '../imap/message-ref.ts'
import { limitKeyOf, maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { HtmlCleaner } from '../reading/html-cleaner.ts'
import { type NoOutcome, type Requester, SharedJobs } from '../reading/job-cache.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import type { BodyItem, ReadParts } from '../reading/read-text.ts'
import { AnswerTurns } from './answer-turns.ts'
import { chooseText } from './chosen-text.ts'
import { embedPictures, namesPictures } from './embed-pictures.ts'
import { type AnsweredFolders, FolderLists, type FolderQuery } from './folder-lists.ts'
import type { IndexedFolders } from './indexed-folders.ts'
import { unsubscribeOf } from './list-unsubscribe.ts'
import type { ListQuery, MessagePage, Owner, PartRequest } from './mail-queries.ts'
import type { CachedMessage } from './message-cache.ts'
import { type FileOwner, MessageFiles } from './message-files.ts'
import { documentOf, renderMessageHtml, renderMessageText } from './message-html.ts'
import { MessagePlaces } from './message-places.ts'
import { previewOf, previewsFor } from './message-preview.ts'
import { OpenMessages } from './open-messages.ts'
import { isPackedId, packedParts, type Unpacked, unpack, withUnpacked } from './packed-files.ts'
import { borderOf, type NamedAuthServer, senderAuth } from './sender-auth.ts'
import { otherSender, warningsOf } from './sender-warnings.ts'

export type { ListQuery, MessagePage, Owner, PartRequest } from './mail-queries.ts'

export interface MailServiceOptions {
  pool: Pick<ConnectionPool, 'run'>
  refs: MessageRefs
  cleaner: Pick<HtmlCleaner, 'clean'>
  parts: Pick<PartsReader, 'read' | 'readCalendar' | 'decode' | 'readRtf'>
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<Owner>
  /** Mail servers trusted to authenticate senders, besides the well-known ones. */
  authServers?: readonly NamedAuthServer[]
  /** Resolves message ids; without it messages are named by references only. */
  places?: Pick<MessagePlaces, 'at' | 'flagsOf'>
  /** Absent where nothing is indexed. */
  folders?: Pick<IndexedFolders, 'find'> | undefined
  /** Milliseconds that a list of folders waits for counts. */
  countsGraceMs?: number | undefined
}

/** A message whose parts are not read and compared yet: `text` contains its text parts. */
export type UncomparedMessage = Omit<Message, 'parts_differ' | 'text_from'> & {
  textBody?: readonly BodyItem[]
  htmlBody?: readonly BodyItem[]
}

/** A message, and what a model reads of it: the latter is a job of the text worker, queued with others. */
export interface OpenedMessage {
  message: UncomparedMessage
  place: MessagePlace
  parts(): Promise<ReadParts | NoOutcome>
}

export class MailService {
  readonly files: MessageFiles
  readonly #pool: Pick<ConnectionPool, 'run'>
  readonly #refs: MessageRefs
  readonly #cleaner: Pick<HtmlCleaner, 'clean'>
  readonly #parts: MailServiceOptions['parts']
  readonly #messages: OpenMessages
  readonly #turns = new AnswerTurns()
  readonly #unpacking = new SharedJobs<Unpacked | NoOutcome>()
  readonly #ownerOf: MailServiceOptions['ownerOf']
  readonly #authServers: readonly NamedAuthServer[]
  readonly #folders: FolderLists
  readonly #indexed: Pick<IndexedFolders, 'find'> | undefined
  readonly #places: Pick<MessagePlaces, 'at' | 'flagsOf'>

  constructor(options: MailServiceOptions) {
    const { pool, refs, cleaner, parts, ownerOf, authServers = [], places, folders, countsGraceMs } = options
    this.#pool = pool
    this.#refs = refs
    this.#cleaner = cleaner
    this.#parts = parts
    this.#messages = new OpenMessages(parts)
    this.#ownerOf = ownerOf
    this.#authServers = authServers
    this.#indexed = folders
    this.#places = places ?? new MessagePlaces({ refs, index: undefined, indexerOf: () => undefined })
    this.files = new MessageFiles({
      at: ({ principal, accountId, ref }, signal, work) => {
        this.#checkAccount(principal, accountId)
        return this.#places.at(accountId, ref, signal, work)
      },
      ask: (...asked) => this.#ask(...asked),
    })
    this.#folders = new FolderLists({
      counter: new FolderCounter({ pool }),
      canName: path => refs.canName(path),
      graceMs: countsGraceMs,
    })
  }

  /** Returns the list; counts that a server makes folder by folder arrive with later responses. */
  async listFolders(
    principal: Principal,
    accountId: string,
    query: FolderQuery,
    signal: AbortSignal,
  ): Promise<AnsweredFolders> {
    const indexed = maySeeAccount(principal, accountId) ? await this.#indexed?.find(principal, accountId) : undefined
    const source = indexed ? 'index' : 'mail_server'
    const as_of = indexed?.asOf ?? new Date().toISOString()
    const ask = () => this.#ask(principal, accountId, connection => connection.listFolders(query.counts), signal)
    const folders = indexed?.folders ?? (await ask())
    return { ...(await this.#folders.page(accountId, folders, query, signal, indexed?.counts)), source, as_of }
  }

  /** Newest first. Throws `stale_cursor` when the folder was recreated after the cursor was issued. */
  async listMessages(
    principal: Principal,
    accountId: string,
    { folder, limit, cursor, preview }: ListQuery,
    signal: AbortSignal,
  ): Promise<MessagePage> {
    this.#checkFolder(folder)
    const as_of = new Date().toISOString()
    const place = cursor === undefined ? undefined : this.#refs.decodeCursor(accountId, folder, cursor)
    const list = async (connection: MailConnection) => {
      const page = await connection.listMessages(folder, limit, place?.beforeUid)
      return { page, previews: await previewsFor(principal, preview, connection, folder, page.messages) }
    }
    const { page, previews } = await this.#ask(principal, accountId, list, signal, folder)
    const { uidValidity, total, messages, hasMore } = page
    const owner = await this.#ownerOf(principal, accountId)
    checkCursor(place, uidValidity)
    const last = messages.at(-1)
    const next = last && hasMore ? { uidValidity, beforeUid: last.uid } : undefined
    return {
      items: messages.map(header => ({
        ...this.#summary(accountId, owner, { folder, uidValidity, uid: header.uid }, header),
        ...(previews ? { preview: previewOf(previews.get(header.uid)) } : {}),
      })),
      next_cursor: next ? this.#refs.encodeCursor(accountId, folder, next) : null,
      total,
      source: 'mail_server',
      as_of,
    }
  }

  /** Called after an account was deleted or changed: evicts its messages. */
  forget(accountId: string): void {
    this.#messages.forget(accountId)
  }

  /** Throws `stale_ref` when the folder was recreated after the reference was issued. */
  async getMessage(principal: Principal, accountId: string, ref: string, signal: AbortSignal): Promise<Message> {
    const { message: uncompared, parts } = await this.getUncompared(principal, accountId, ref, signal)
    const { textBody, htmlBody, ...message } = uncompared
    const { text, html } = message
    const bodies = { text, html, ...(textBody && { textBody }), ...(htmlBody && { htmlBody }) }
    const told = await chooseText(bodies, parts)
    await this.#turns.wait(limitKeyOf(principal), (told.text?.length ?? 0) + (html?.length ?? 0))
    return { ...message, ...told }
  }

  /**
   * Like `getMessage`, without reading the body until `parts` is called.
   * @param isBegun True for the rest of a message whose beginning was read: its existence is not checked again.
   */
  async getUncompared(
    principal: Principal,
    accountId: string,
    ref: string,
    signal: AbortSignal,
    isBegun = false,
  ): Promise<OpenedMessage> {
    const { place, owner, message, content, isBusy } = await this.#open(principal, accountId, ref, signal, !isBegun)
    const asker = { key: limitKeyOf(principal), signal }
    const sender = otherSender(content)
    // With two From headers it is unknown which one the mail server verified.
    const certainFrom = content.isFromRepeated ? [] : content.from
    const { text, html, textBody, htmlBody, calendars = [] } = content
    const { part, ...carrier } = place
    const refOf = (partId: string) =>
      this.#refs.canNamePart(partId) ? this.#refs.encode(accountId, { ...place, part: partId }) : null
    const calendar = await this.#messages.once(message, 'calendar', () => this.#readCalendar(calendars, asker))
    const bodies = { ...(textBody && { textBody }), ...(htmlBody && { htmlBody }) }
    const uncompared: UncomparedMessage = {
      ...this.#placed(accountId, place),
      ...toMessage({ ...content, ...this.#places.flagsOf(accountId, place, content), sender }, refOf),
      sender_warnings: warningsOf([...content.from, ...sender, ...content.replyTo], owner.email),
      // The attaching sender may have forged an attached message.
      auth:
        part === undefined ? senderAuth(content.head, certainFrom, borderOf(owner.imapHost, this.#authServers)) : null,
      unsubscribe: unsubscribeOf(content.head),
      attached_to: part === undefined ? null : this.#refs.encode(accountId, carrier),
      calendar: typeof calendar === 'string' ? null : calendar,
      ...bodies,
    }
    const read = () => this.#parts.read({ text, html, ...bodies }, asker)
    // Content that could not be unpacked now may be included the next time.
    const parts = () => (isBusy ? read() : this.#messages.once(message, 'parts', read))
    return { message: uncompared, place, parts }
  }

  /**
   * Renders a sanitised message with its embedded pictures for a sandboxed frame; responses must have at least the
   * headers of `strangerHeaders`.
   * @param remote Whether remote pictures may be referenced.
   */
  async messageHtml(
    principal: Principal,
    accountId: string,
    ref: string,
    remote: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    const { place, message, content } = await this.#open(principal, accountId, ref, signal, false)
    const { text } = content
    const turn = (length: number) => this.#turns.wait(limitKeyOf(principal), length)
    if (content.html === null) {
      await turn(text?.length ?? 0)
      return renderMessageText(text)
    }
    // Holds no connection meanwhile.
    const clean = () => documentOf(this.#cleaner, content, remote, { key: limitKeyOf(principal), signal })
    const document = await this.#messages.once(message, remote ? 'html with pictures' : 'html', clean)
    await turn(content.html.length)
    if (typeof document === 'string') return renderMessageText(text, document)
    const { html, pictures } = document
    if (!namesPictures(html, pictures)) return renderMessageHtml(await embedPictures(html, [], async () => undefined))
    const embed = (connection: MailConnection) =>
      embedPictures(html, pictures, async (id, maxBytes) => {
        signal.throwIfAborted()
        const { within } = pictures.find(picture => picture.id === id) ?? {}
        if (within) return this.files.readPacked(accountId, place, within, { maxBytes, connection })
        const { uidValidity, bytes } = await connection.findPart(place.folder, place.uid, id, maxBytes)
        checkValidity(place, uidValidity)
        return bytes
      })
    return renderMessageHtml(await this.#ask(principal, accountId, embed, signal, place.folder))
  }

  /** Returns all attachments of a message as one zip. */
  async openAttachments(
    principal: Principal,
    accountId: string,
    ref: string,
    request: PartRequest,
  ): ReturnType<MessageFiles['openAll']> {
    const { place, content } = await this.#open(principal, accountId, ref, request.signal, false)
    return this.files.openAll({ principal, accountId, ref }, place, content, request)
  }

  /** Opens an attachment as a file, including those packed in another one. */
  async openAttachment(owner: FileOwner, id: string, request: PartRequest): ReturnType<MessageFiles['openPart']> {
    if (!isPackedId(id)) return this.files.openPart(owner, id, request)
    const { principal, accountId, ref } = owner
    const { place, content, isBusy } = await this.#open(principal, accountId, ref, request.signal, false)
    const file = content.attachments.find(each => each.id === id)
    if (file?.within) return this.files.openPacked(owner, place, file, file.within, request)
    if (isBusy)
      throw new Problem('too_many_requests', 'Too many attachments are being downloaded. Try again in a moment.')
    throw new Problem('message_not_found', 'The message has no such part.')
  }

  async #open(principal: Principal, accountId: string, ref: string, signal: AbortSignal, isLookedAt: boolean) {
    this.#checkAccount(principal, accountId)
    const owner = await this.#ownerOf(principal, accountId)
    return this.#places.at(accountId, ref, signal, async place => {
      const message = await this.#messages.open({
        accountId,
        revision: owner.revision === undefined ? '' : owner.revision,
        place,
        requester: { key: limitKeyOf(principal), signal },
        ask: (work, gone) => this.#ask(principal, accountId, work, gone, place.folder),
        isLookedAt,
      })
      const { content } = message
      if (packedParts(content).length === 0) return { place, owner, message, content, isBusy: false }
      const unpacked = await this.#unpack({ principal, accountId, ref }, place, message, signal)
      const isUnpacked = typeof unpacked === 'object'
      const whole = isUnpacked ? withUnpacked(content, unpacked) : content
      return { place, owner, message, content: whole, isBusy: !isUnpacked }
    })
  }

  /** Shared by callers with the same key only, since their downloads are counted. */
  #unpack(owner: FileOwner, place: MessagePlace, message: CachedMessage, signal: AbortSignal) {
    const key = limitKeyOf(owner.principal)
    const start = (wanted: AbortSignal) => {
      const request: PartRequest = { signal: wanted, checkAgain: () => undefined }
      const read = (partId: string) => this.files.readPart(owner, place, partId, request)
      return unpack(message.content, read, this.#parts, { key, signal: wanted })
    }
    const name = JSON.stringify([key, owner.accountId, place])
    return this.#messages.once(message, 'packed', () => this.#unpacking.run(name, signal, start))
  }

  /** Returns the first valid one. */
  async #readCalendar(sources: readonly string[], requester: Requester): Promise<Calendar | null | NoOutcome> {
    let why: NoOutcome | undefined
    for (const source of sources) {
      const calendar = await this.#parts.readCalendar(source, requester)
      if (calendar !== null && typeof calendar === 'object') return calendar
      if (calendar === 'busy') why = calendar
    }
    return why ?? null
  }

  async #ask<T>(
    principal: Principal,
    accountId: string,
    work: (connection: MailConnection) => Promise<T>,
    signal: AbortSignal,
    folder?: string,
    isUnderWay = false,
  ): Promise<T> {
    this.#checkAccount(principal, accountId)
    return this.#pool.run(accountId, 'interactive', work, signal, folder, isUnderWay)
  }

  #checkAccount(principal: Principal, accountId: string): void {
    if (!maySeeAccount(principal, accountId)) throw new Problem('account_not_found', 'There is no such account.')
  }

  #checkFolder(folder: string): void {
    if (/\p{Cc}/u.test(folder)) throw new Problem('folder_not_found', 'This is not a valid folder name.')
    if (!this.#refs.canName(folder)) throw new Problem('folder_not_found', 'The path is too long.')
  }

  #summary(accountId: string, owner: Owner, place: MessagePlace, header: MessageHeader): MessageSummary {
    return {
      ...this.#placed(accountId, place),
      ...toSummary(header),
      sender_warnings: warningsOf(header.from, owner.email),
    }
  }

  #placed(accountId: string, place: MessagePlace): Pick<MessageSummary, 'ref' | 'uid_validity'> {
    return { ref: this.#refs.encode(accountId, place), uid_validity: place.uidValidity }
  }
}
