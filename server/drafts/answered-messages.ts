/** Reads the message that a reply or forward is about: recipients, subject, thread, and the quoted text. */
import type { DraftMode } from '../../contract/draft.ts'
import type { Address, Message } from '../../contract/mail.ts'
import { readFields } from '../imap/header-fields.ts'
import type { MailService } from '../mail/mail-service.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import type { Requester } from '../reading/job-cache.ts'
import type { OutgoingBodies } from '../reading/outgoing-bodies.ts'
import { cleanText, cutText, oneLine } from '../reading/stranger-text.ts'
import type { Beginning, Quote } from './draft-tables.ts'
import { OwnAddresses, replyRecipients } from './reply-recipients.ts'
import { forwardSubject, replySubject } from './reply-subject.ts'
import { threadHeaders } from './thread-headers.ts'

export interface AnsweredMessagesOptions {
  mail: Pick<MailService, 'getMessage'> & { files: Pick<MailService['files'], 'openRaw'> }
  bodies: Pick<OutgoingBodies, 'write'>
}

/** The message to answer, the caller, and how. */
export interface Answering {
  principal: Principal
  accountId: string
  mode: Exclude<DraftMode, 'new'>
  /** Message id or reference. */
  message: string
  /** Addresses of the account's owner. */
  own: readonly string[]
}

/** Bytes of the message that are searched for its header. */
const headBytes = 128 * 1024
/** Delivery fields (`Delivered-To` and the like) that are considered. */
const mostNoted = 20
/** Characters that are quoted: text is cut there; longer HTML is quoted as text. */
const [mostText, mostHtml] = [200_000, 500_000]

export class AnsweredMessages {
  readonly #options: AnsweredMessagesOptions

  constructor(options: AnsweredMessagesOptions) {
    this.#options = options
  }

  async read({ principal, accountId, mode, message: name, own }: Answering, signal: AbortSignal): Promise<Beginning> {
    const { mail } = this.#options
    const message = await mail.getMessage(principal, accountId, name, signal)
    const head = await this.#readHead(principal, accountId, name, signal)
    const fields = readFields(head)
    const { messageId, references, followupTo, listPost } = threadHeaders(fields)
    const sentTo = addressesOf(message, fields)
    const answered = {
      id: message.id ?? null,
      ref: message.ref,
      threadId: message.thread_id ?? null,
      messageId,
      references,
      leftOut: [],
      omitted: mode === 'reply_all' ? message.to_count + message.cc_count - message.to.length - message.cc.length : 0,
    }
    const quote = await this.#quote(mode, message, { key: limitKeyOf(principal), signal })
    if (mode === 'forward') {
      const attachmentIds = message.attachments.map(({ id }) => id)
      return { content: { subject: forwardSubject(message.subject) }, sentTo, answered, quote, attachmentIds }
    }
    const recipients = replyRecipients(mode, { ...message, followupTo, listPost }, new OwnAddresses(own))
    const subject = replySubject(message.subject)
    return { content: { ...recipients, subject }, sentTo, answered, quote, attachmentIds: [] }
  }

  async #readHead(principal: Principal, accountId: string, ref: string, signal: AbortSignal): Promise<string> {
    const request = { signal, checkAgain: () => undefined }
    const { bytes } = await this.#options.mail.files.openRaw({ principal, accountId, ref }, request)
    const pieces: Buffer[] = []
    let length = 0
    // Breaking off ends the download: the rest of the message is not read.
    for await (const piece of bytes) {
      pieces.push(piece)
      length += piece.length
      if (length >= headBytes) break
    }
    return Buffer.concat(pieces).toString('latin1', 0, headBytes)
  }

  async #quote(mode: Answering['mode'], message: Message, requester: Requester): Promise<Quote> {
    const html = await this.#quotedHtml(message.html, requester)
    const text = cutText(cleanText(message.text ?? '').trim(), mostText)
    if (mode === 'forward') return { kind: 'forward', lines: forwardLines(message), text, html }
    return { kind: 'reply', lines: [attribution(message)], text, html }
  }

  /** Returns the quoted HTML; null to quote the text instead. */
  async #quotedHtml(html: string | null, requester: Requester): Promise<string | null> {
    if (html === null) return null
    const written = await this.#options.bodies.write({ format: 'html', content: html }, requester)
    return typeof written === 'string' || written.html.length > mostHtml ? null : written.html
  }
}

/**
 * Returns the addresses that the message was sent to: its recipients, then the delivery fields of a blind copy or
 * mailing list; and its sender, in case the owner wrote it.
 */
function addressesOf({ from, to, cc }: Message, fields: ReturnType<typeof readFields>): string[] {
  const noted = fields
    .filter(({ name }) => /^(delivered-to|x-original-to|envelope-to)$/i.test(name))
    .slice(0, mostNoted)
  return [
    ...[...to, ...cc, ...from].map(({ email }) => email),
    ...noted.map(({ value }) => value.trim().replace(/^<|>$/g, '')),
  ]
}

function attribution({ from, sent_at, date }: Message): string {
  const writer = from[0] ? person(from[0]) : 'Somebody'
  return `On ${timeOf(sent_at ?? date)}, ${writer} wrote:`
}

function forwardLines({ from, to, cc, subject, sent_at, date }: Message): string[] {
  const people = (label: string, list: readonly Address[]) =>
    list.length === 0 ? [] : [`${label}: ${list.map(person).join(', ')}`]
  return [
    '---------- Forwarded message ----------',
    ...people('From', from),
    `Date: ${timeOf(sent_at ?? date)}`,
    `Subject: ${oneLine(cleanText(subject))}`,
    ...people('To', to),
    ...people('Cc', cc),
  ]
}

function person({ name, email }: Address): string {
  const words = oneLine(cleanText(name ?? ''))
  return words === '' ? oneLine(cleanText(email)) : `${words} <${oneLine(cleanText(email))}>`
}

/** `Sun, 22 Nov 2026 18:14 UTC`: independent of any locale. */
function timeOf(iso: string): string {
  return new Date(iso).toUTCString().replace(/:\d\d GMT$/, ' UTC')
}
