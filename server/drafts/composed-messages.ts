/**
 * Shows composed messages to people before they are sent: parsed from the bytes themselves, whatever their writer
 * claims.
 */
import { createHash, type Hash } from 'node:crypto'
import type { DraftAttachment, MessageContent } from '../../contract/draft.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { embedPictures } from '../mail/embed-pictures.ts'
import { renderMessageHtml } from '../mail/message-html.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { decodeWords } from '../reading/encoded-words.ts'
import type { HtmlCleaner } from '../reading/html-cleaner.ts'
import type { ComposedMessage } from './composed-message.ts'
import { fieldOf, type PartSink, paramsOf, type RawField, readParts } from './message-parts.ts'

export interface ComposedMessagesOptions {
  blobs: Pick<Blobs, 'read'>
  cleaner: Pick<HtmlCleaner, 'clean' | 'unseenWords'>
}

/** Bytes of a text that is shown; a body and its quotation together are smaller. */
const maxTextBytes = 8 * 1024 * 1024

export class ComposedMessages {
  readonly #options: ComposedMessagesOptions

  constructor(options: ComposedMessagesOptions) {
    this.#options = options
  }

  async read(
    { blobId, sha256, sizeBytes, envelope }: Pick<ComposedMessage, 'blobId' | 'sha256' | 'sizeBytes' | 'envelope'>,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<MessageContent> {
    const { blobs, cleaner } = this.#options
    const found = new FoundParts()
    await readParts(blobs.read(blobId), found)
    const { headers, text, html, attachments } = found
    const asker = { key: limitKeyOf(principal), signal }
    const clean = html === null ? null : await cleaner.clean(html, false, asker)
    const unseen = html === null ? '' : await cleaner.unseenWords(html, text, asker)
    const shown = typeof clean === 'object' && clean !== null
    return {
      sha256,
      size_bytes: sizeBytes,
      envelope: { from: envelope.from, to: [...envelope.to] },
      headers,
      people: await peopleIn(headers),
      text,
      html: shown ? renderMessageHtml(await embedPictures(clean, [], async () => undefined)) : null,
      unseen_words: unseen ?? null,
      attachments: await Promise.all(attachments.map(async each => ({ ...each, name: await decodeWords(each.name) }))),
    }
  }
}

const peopleFields = { from: 'from', 'reply-to': 'reply_to', to: 'to', cc: 'cc' } as const
/** An address as we write it: bare, or after a name that may be quoted or encoded. */
const person = /(?:"((?:[^"\\]|\\.)*)"|([^<>,"]*?))[ \t]*<([^<>]*)>|([^\s<>,]+)/g

async function peopleIn(headers: readonly RawField[]): Promise<MessageContent['people']> {
  const people: MessageContent['people'] = []
  for (const { name: header, value } of headers) {
    const key = header.toLowerCase()
    if (!Object.hasOwn(peopleFields, key)) continue
    const field = peopleFields[key as keyof typeof peopleFields]
    for (const [, quoted, plain = '', email, bare = ''] of value.matchAll(person)) {
      const name = (await decodeWords(quoted?.replaceAll(/\\(.)/g, '$1') ?? plain)).trim()
      people.push({ field, name: name || null, email: email ?? bare })
    }
  }
  return people
}

class FoundParts implements PartSink {
  headers: RawField[] = []
  text: string | null = null
  html: string | null = null
  readonly attachments: DraftAttachment[] = []
  #part: { type: string; name: string | undefined; hash: Hash; size: number; texts: Buffer[] } | undefined
  #count = 0

  begin(fields: readonly RawField[]): void {
    if (this.headers.length === 0) this.headers = [...fields]
    const type = fieldOf(fields, 'content-type')
    const disposition = fieldOf(fields, 'content-disposition')
    const isAttachment = /^attachment\b/i.test(disposition)
    const name = isAttachment
      ? (paramsOf(disposition).get('filename') ?? paramsOf(type).get('name') ?? 'attachment')
      : undefined
    const bare = type.split(';', 1)[0]?.trim().toLowerCase() || 'text/plain'
    this.#part = { type: bare, name, hash: createHash('sha256'), size: 0, texts: [] }
  }

  take(bytes: Buffer): void {
    if (!this.#part) return
    this.#part.hash.update(bytes)
    this.#part.size += bytes.length
    if (this.#part.name === undefined && this.#part.size <= maxTextBytes) this.#part.texts.push(bytes)
  }

  end(): void {
    if (!this.#part) return
    const { type, name, hash, size, texts } = this.#part
    this.#part = undefined
    this.#count++
    if (name !== undefined) {
      const sha256 = hash.digest('hex')
      this.attachments.push({ id: String(this.#count), name, type, size_bytes: size, sha256 })
      return
    }
    const text = Buffer.concat(texts).toString('utf8').replaceAll('\r\n', '\n')
    if (type === 'text/html') this.html = text
    else this.text = text
  }
}
