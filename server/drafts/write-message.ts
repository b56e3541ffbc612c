/**
 * Writes a message (RFC 5322, MIME) as a stream; the same input yields the same bytes. The only use of nodemailer's
 * MimeNode here; no field that it is given contains a line end.
 */
import { Readable } from 'node:stream'
import MimeNode from 'nodemailer/lib/mime-node'
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import type { Address } from '../../contract/mail.ts'
import { attachmentType, headerName, isMessageId } from './header-forms.ts'

export interface MessageToWrite {
  from: Address
  replyTo: readonly Address[]
  to: readonly Address[]
  cc: readonly Address[]
  subject: string
  date: Date
  /** With angle brackets, like all Message-IDs here. */
  messageId: string
  inReplyTo: string | null
  references: readonly string[]
  /** Unique to this message. */
  boundary: string
  text: string
  html: string | null
  attachments: readonly AttachmentToWrite[]
}

export interface AttachmentToWrite {
  name: string
  type: string
  open(): AsyncIterable<Uint8Array>
}

export function writeMessage(message: MessageToWrite): Readable {
  const root = partsOf(message)
  const { from, replyTo, to, cc, subject, date, messageId, inReplyTo, references } = message
  root.setHeader('From', toNode(from))
  if (replyTo.length > 0) root.setHeader('Reply-To', replyTo.map(toNode))
  if (to.length > 0) root.setHeader('To', to.map(toNode))
  if (cc.length > 0) root.setHeader('Cc', cc.map(toNode))
  root.setHeader('Subject', bare(subject))
  root.setHeader('Date', date)
  root.setHeader('Message-ID', idOf(messageId))
  if (inReplyTo !== null) root.setHeader('In-Reply-To', idOf(inReplyTo))
  if (references.length > 0) root.setHeader('References', references.map(idOf))
  return root.createReadStream()
}

function partsOf({ boundary: baseBoundary, text, html, attachments }: MessageToWrite): MimeNode {
  const options = { baseBoundary, boundaryPrefix: '=', disableFileAccess: true, disableUrlAccess: true }
  const plain = (node: MimeNode) => node.setContent(withLineEnds(text))
  const textType = 'text/plain; charset=utf-8'
  const both = (node: MimeNode) => {
    plain(node.createChild(textType, limits))
    node.createChild('text/html; charset=utf-8', limits).setContent(withLineEnds(html ?? ''))
    return node
  }
  if (attachments.length === 0) {
    return html === null ? plain(new MimeNode(textType, options)) : both(new MimeNode('multipart/alternative', options))
  }
  const root = new MimeNode('multipart/mixed', options)
  if (html === null) plain(root.createChild(textType, limits))
  else both(root.createChild('multipart/alternative', limits))
  for (const { name, type, open } of attachments) {
    const node = root.createChild(attachmentType(type), { ...limits, filename: bare(name) })
    node.setHeader('Content-Disposition', 'attachment')
    node.setHeader('Content-Transfer-Encoding', 'base64')
    node.setContent(Readable.from(open(), { objectMode: false }))
  }
  return root
}

/** Set on each part, since parts do not inherit these options. */
const limits = { disableFileAccess: true, disableUrlAccess: true } as const

function toNode({ email, name }: Address): { address: string; name: string } {
  return { address: bare(email), name: bare(headerName(name ?? '')) }
}

/** The last of several checks that nothing that ends a line gets into a field. */
function bare(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(hidden, '')
    .toWellFormed()
}

/** Invisible characters could carry words that nobody who approves the message sees. */
const hidden = new RegExp(`(?![\\t\\r\\n])${hiddenCharacter}`, 'gu')

function idOf(id: string): string {
  if (!isMessageId(id)) throw new Error('a Message-ID that may not be written')
  return id
}

/** Nor is NUL allowed in a message (RFC 5322, section 2.2.3 and RFC 5321, section 4.5.2). */
function withLineEnds(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(hidden, '')
    .replaceAll(/\r\n?|\n/g, '\r\n')
}
