/** Mail as programs see it: folders, lists, one message, all read-only. Connections are the pool's business. */
import type { Folder, Message, MessageSummary } from '../../contract/mail.ts'
import { limitKeyOf, maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { HtmlCleaner } from '../reading/html-cleaner.ts'
import type { NoOutcome } from '../reading/job-cache.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import type { MessageParts, ReadParts } from '../reading/read-text.ts'
import { borderOf, type NamedAuthServer } from './auth-servers.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { embedPictures, namesPictures } from './embed-pictures.ts'
import type { MailConnection, MessageContent, MessageHeader } from './mail-gateway.ts'
import { toFolders, toMessage, toSummary } from './message-bounds.ts'
import { renderMessageHtml, renderMessageText } from './message-html.ts'
import { previewOf, readPreviews } from './message-preview.ts'
import { type ListPlace, type MessagePlace, type MessageRefs, searchList } from './message-ref.ts'
import { inFolder } from './search-folder.ts'
import { parseSearchQuery } from './search-query.ts'
import { senderAuth } from './sender-auth.ts'
import { warningsOf } from './sender-warnings.ts'

export interface MailServiceOptions {
  pool: Pick<ConnectionPool, 'run'>
  refs: MessageRefs
  cleaner: Pick<HtmlCleaner, 'clean'>
  parts: Pick<PartsReader, 'read' | 'differ'>
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<Owner>
  /** Mail servers that are believed when they say who a message is from, beside the known ones. */
  authServers?: readonly NamedAuthServer[]
}

/** Whose mailbox it is, and where. */
export interface Owner {
  email: string
  imapHost: string
}

/** A message whose two parts are not compared yet. */
export type UncomparedMessage = Omit<Message, 'parts_differ'>

export interface ListQuery {
  folder: string
  limit: number
  cursor?: string | undefined
  preview?: 'true' | 'false' | undefined
}

export interface FindQuery {
  q: string
  limit: number
  cursor?: string | undefined
  preview?: 'true' | 'false' | undefined
}

/** Parts of a message are cut here; the contract says so. */
const maxPartBytes = 1024 * 1024

export class MailService {
  readonly #pool: Pick<ConnectionPool, 'run'>
  readonly #refs: MessageRefs
  readonly #cleaner: Pick<HtmlCleaner, 'clean'>
  readonly #parts: MailServiceOptions['parts']
  readonly #ownerOf: MailServiceOptions['ownerOf']
  readonly #authServers: readonly NamedAuthServer[]

  constructor({ pool, refs, cleaner, parts, ownerOf, authServers = [] }: MailServiceOptions) {
    this.#pool = pool
    this.#refs = refs
    this.#cleaner = cleaner
    this.#parts = parts
    this.#ownerOf = ownerOf
    this.#authServers = authServers
  }

  async listFolders(
    principal: Principal,
    accountId: string,
    signal: AbortSignal,
  ): Promise<{ items: Folder[]; next_cursor: null; omitted: number }> {
    const folders = await this.#ask(principal, accountId, connection => connection.listFolders(), signal)
    return { ...toFolders(folders), next_cursor: null }
  }

  /** Newest first. Throws `stale_cursor` when the folder was made anew since the cursor was given. */
  async listMessages(
    principal: Principal,
    accountId: string,
    { folder, limit, cursor, preview }: ListQuery,
    signal: AbortSignal,
  ): Promise<{ items: MessageSummary[]; next_cursor: string | null; total: number }> {
    this.#checkFolder(folder)
    const place = cursor === undefined ? undefined : this.#refs.decodeCursor(accountId, folder, cursor)
    const list = async (connection: MailConnection) => {
      const page = await connection.listMessages(folder, limit, place?.beforeUid)
      return { page, previews: await previewsFor(principal, preview, connection, folder, page.messages) }
    }
    const { page, previews } = await this.#ask(principal, accountId, list, signal)
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
    }
  }

  /**
   * What a query (see `search-query.ts`) finds, newest first. Who may not read mail does not search the text of it either: to search is
   * to read, one guess at a time. Throws `stale_cursor` as `listMessages` does.
   */
  async searchMessages(
    principal: Principal,
    accountId: string,
    { q, limit, cursor, preview }: FindQuery,
    signal: AbortSignal,
  ): Promise<{ items: MessageSummary[]; next_cursor: string | null; total: number }> {
    const { folder: wanted, terms } = parseSearchQuery(q, { inBody: principal.scopes.has('mail:read') })
    this.#checkFolder(wanted)
    const list = searchList(q)
    const place = cursor === undefined ? undefined : this.#refs.decodeCursor(accountId, list, cursor)
    const search = (connection: MailConnection) =>
      inFolder(connection, wanted, async folder => {
        this.#checkFolder(folder)
        const page = await connection.search(folder, terms, limit, place?.beforeUid)
        return { folder, ...page, previews: await previewsFor(principal, preview, connection, folder, page.messages) }
      })
    const { folder, previews, uidValidity, total, messages, nextBeforeUid } = await this.#ask(
      principal,
      accountId,
      search,
      signal,
    )
    checkCursor(place, uidValidity)
    const owner = await this.#ownerOf(principal, accountId)
    const next = nextBeforeUid === undefined ? undefined : { uidValidity, beforeUid: nextBeforeUid }
    return {
      items: messages.map(header => ({
        ...this.#summary(accountId, owner, { folder, uidValidity, uid: header.uid }, header),
        ...(previews ? { preview: previewOf(previews.get(header.uid)) } : {}),
      })),
      next_cursor: next ? this.#refs.encodeCursor(accountId, list, next) : null,
      total,
    }
  }

  /** Throws `message_not_found` for a reference that is none of this account. */
  placeOf(accountId: string, ref: string): MessagePlace {
    return this.#refs.decode(accountId, ref)
  }

  /** Throws `stale_ref` when the folder was made again since the reference was given. */
  async getMessage(principal: Principal, accountId: string, ref: string, signal: AbortSignal): Promise<Message> {
    const message = await this.getUncompared(principal, accountId, ref, signal)
    const differ = await this.#parts.differ(message, { key: limitKeyOf(principal), signal })
    return { ...message, parts_differ: typeof differ === 'string' ? null : differ }
  }

  /** The same for whoever calls `readParts` himself, or needs no body. */
  async getUncompared(
    principal: Principal,
    accountId: string,
    ref: string,
    signal: AbortSignal,
  ): Promise<UncomparedMessage> {
    const place = this.#refs.decode(accountId, ref)
    const message = await this.#ask(principal, accountId, connection => getContent(connection, place), signal)
    const owner = await this.#ownerOf(principal, accountId)
    const sender = otherSender(message)
    return {
      ...this.#placed(accountId, place),
      ...toMessage({ ...message, sender }),
      sender_warnings: warningsOf([...message.from, ...sender, ...message.replyTo], owner.email),
      auth: senderAuth(message.head, message.from, borderOf(owner.imapHost, this.#authServers)),
    }
  }

  /** What a model reads of a message that the principal was given; work for the text worker, in turn with the jobs of others. */
  readParts(principal: Principal, parts: MessageParts, signal: AbortSignal): Promise<ReadParts | NoOutcome> {
    return this.#parts.read(parts, { key: limitKeyOf(principal), signal })
  }

  /**
   * One message, cleaned, with the pictures that it carries, as a document for a sandboxed frame; answer it with
   * `strangerHeaders` and with nothing less.
   * @param remote Whether it may name pictures from outside.
   */
  async messageHtml(
    principal: Principal,
    accountId: string,
    ref: string,
    remote: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    const place = this.#refs.decode(accountId, ref)
    const read = (connection: MailConnection) => getContent(connection, place)
    const { html, text, attachments } = await this.#ask(principal, accountId, read, signal)
    if (html === null) return renderMessageText(text)
    // Without a connection: others can use it meanwhile.
    const clean = await this.#cleaner.clean(html, remote, { key: limitKeyOf(principal), signal })
    if (typeof clean === 'string') return renderMessageText(text, clean)
    if (!namesPictures(clean, attachments)) return renderMessageHtml(await embedPictures(clean, [], findNothing))
    const embed = (connection: MailConnection) =>
      embedPictures(clean, attachments, (id, maxBytes) => {
        signal.throwIfAborted()
        return findPart(connection, place, id, maxBytes)
      })
    return renderMessageHtml(await this.#ask(principal, accountId, embed, signal))
  }

  async #ask<T>(
    principal: Principal,
    accountId: string,
    work: (connection: MailConnection) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (!maySeeAccount(principal, accountId)) throw new Problem('account_not_found', 'There is no such account.')
    return this.#pool.run(accountId, 'interactive', work, signal)
  }

  #checkFolder(folder: string): void {
    if (/\p{Cc}/u.test(folder) || !this.#refs.canName(folder)) {
      throw new Problem('folder_not_found', 'No folder can have such a name.')
    }
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

/** Undefined where nobody asked, or who asks may not read: how a mail begins is part of it. */
async function previewsFor(
  principal: Principal,
  preview: ListQuery['preview'],
  connection: MailConnection,
  folder: string,
  messages: readonly MessageHeader[],
): Promise<ReadonlyMap<number, string> | undefined> {
  if (preview !== 'true' || !principal.scopes.has('mail:read')) return undefined
  return readPreviews(connection, folder, messages)
}

async function getContent(connection: MailConnection, place: MessagePlace): Promise<MessageContent> {
  const { uidValidity, message } = await connection.getMessage(place.folder, place.uid, maxPartBytes)
  checkValidity(place, uidValidity)
  if (!message) throw new Problem('message_not_found', 'The message is gone: moved or deleted on the mail server.')
  return message
}

async function findPart(
  connection: MailConnection,
  place: MessagePlace,
  id: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const { uidValidity, bytes } = await connection.findPart(place.folder, place.uid, id, maxBytes)
  checkValidity(place, uidValidity)
  return bytes
}

async function findNothing(): Promise<undefined> {}

function checkCursor(place: ListPlace | undefined, uidValidity: number): void {
  if (place === undefined || place.uidValidity === uidValidity) return
  throw new Problem('stale_cursor', 'The folder was made anew on the mail server; list it from the beginning.')
}

function checkValidity(place: MessagePlace, uidValidity: number): void {
  if (uidValidity === place.uidValidity) return
  throw new Problem('stale_ref', 'The folder was made anew on the mail server; list it again for new references.')
}

/** Servers answer From where there is no such header. */
function otherSender({ sender, from }: MessageContent): Message['sender'] {
  const known = new Set(from.map(({ email }) => email.toLowerCase()))
  return sender.filter(({ email }) => !known.has(email.toLowerCase()))
}
