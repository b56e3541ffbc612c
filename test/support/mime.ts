/** Messages made of parts: serialised as a mail program does for a real server, and as a tree for the in-memory one. */
import type { Address } from '../../contract/mail.ts'
import type { Delivery } from '../../server/imap/adapters/memory-message.ts'
import type { PartNode } from '../../server/imap/body-structure.ts'

export interface Mime {
  /** The media type, as `text/plain`. */
  type: string
  parameters?: Record<string, string>
  disposition?: 'inline' | 'attachment'
  fileName?: string
  contentId?: string
  /** Transfer encoding, base64 unless given; `raw` omits the header and sends the bytes unchanged. */
  encoding?: 'base64' | 'quoted-printable' | 'raw'
  body?: string | Buffer
  parts?: Mime[]
  message?: MimeMessage
}

export interface MimeMessage {
  subject: string
  from?: Address
  root: Mime
}

type Options = Omit<Partial<Mime>, 'type' | 'body'>

const nobody: Address = { name: 'Bob', email: 'bob@test.local' }
const utf8 = { charset: 'utf-8' }

export const text = (body: string | Buffer, options: Options = {}): Mime => ({
  type: 'text/plain',
  parameters: utf8,
  body,
  ...options,
})
export const html = (body: string | Buffer, options: Options = {}): Mime => ({
  ...text(body, options),
  type: 'text/html',
})
export const leaf = (type: string, body: string | Buffer = 'abc', options: Options = {}): Mime => ({
  type,
  body,
  ...options,
})
export const file = (type: string, fileName: string, body: string | Buffer = 'abc'): Mime => ({
  type,
  disposition: 'attachment',
  fileName,
  body,
})
export const multipart = (kind: string, parts: Mime[], parameters: Record<string, string> = {}): Mime => ({
  type: `multipart/${kind}`,
  parts,
  parameters,
})
export const attached = (message: MimeMessage, options: Options = {}): Mime => ({
  type: 'message/rfc822',
  message,
  ...options,
})

/** Serialises a message with CRLF line ends. */
export function toRaw({ subject, from = nobody, root }: MimeMessage): Buffer {
  const head = `From: ${from.name} <${from.email}>\r\nTo: alice@test.local\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n`
  return Buffer.concat([Buffer.from(head), written(root, '1')])
}

function written(mime: Mime, number: string): Buffer {
  const {
    type,
    parameters = {},
    disposition,
    fileName,
    contentId,
    encoding = 'base64',
    parts,
    message,
    body = '',
  } = mime
  const boundary = `=_${number}`
  const all = parts ? { ...parameters, boundary } : parameters
  const quoted = Object.entries(all).map(([name, value]) => `; ${name}="${value.replaceAll('"', '\\"')}"`)
  const isEncoded = !parts && !message && encoding !== 'raw'
  const kind = disposition ?? (fileName === undefined ? undefined : 'inline')
  const lines = [
    `Content-Type: ${type}${quoted.join('')}`,
    ...(kind ? [`Content-Disposition: ${kind}${fileName === undefined ? '' : `; filename="${fileName}"`}`] : []),
    ...(contentId ? [`Content-ID: <${contentId}>`] : []),
    ...(isEncoded ? [`Content-Transfer-Encoding: ${encoding}`] : []),
    '',
    '',
  ]
  const head = Buffer.from(lines.join('\r\n'))
  if (message) return Buffer.concat([head, toRaw(message)])
  if (!parts) return Buffer.concat([head, encoded(Buffer.from(body), encoding)])
  const inner = parts.flatMap((part, index) => [
    Buffer.from(`--${boundary}\r\n`),
    written(part, `${number}.${index + 1}`),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([head, ...inner, Buffer.from(`--${boundary}--\r\n`)])
}

function encoded(body: Buffer, encoding: NonNullable<Mime['encoding']>): Buffer {
  if (encoding === 'raw') return body
  if (encoding === 'base64') return Buffer.from(body.toString('base64').replaceAll(/.{76}(?=.)/g, '$&\r\n'))
  const hex = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  const letters = [...body].map(byte =>
    byte === 10 || (byte > 31 && byte < 127 && byte !== 61) ? String.fromCharCode(byte) : hex(byte),
  )
  const lines = letters.join('').split('\n')
  return Buffer.from(
    lines
      .map(line => line.replaceAll(/.{60}(?=.)/g, piece => (/=.?$/.test(piece) ? piece : `${piece}=\r\n`)))
      .join('\r\n'),
  )
}

/** Converts a message for the in-memory server. */
export function toDelivery(message: MimeMessage): Delivery {
  const { subject, from = nobody, root } = message
  const parts: Record<string, Buffer> = {}
  const heads: Record<string, Delivery> = {}
  const structure = rootOf(root, '', parts, heads)
  const to = [{ name: null, email: 'alice@test.local' }]
  return { subject, from: [from], to, structure, parts, attached: heads, raw: toRaw(message) }
}

function rootOf(mime: Mime, of: string, parts: Record<string, Buffer>, heads: Record<string, Delivery>): PartNode {
  return toNode(mime, mime.parts ? of : of === '' ? '1' : `${of}.1`, parts, heads)
}

function toNode(mime: Mime, id: string, parts: Record<string, Buffer>, heads: Record<string, Delivery>): PartNode {
  const { type, parameters = {}, disposition, fileName, contentId, message, body = '' } = mime
  if (message) {
    parts[id] = toRaw(message)
    heads[id] = {
      subject: message.subject,
      from: [message.from ?? nobody],
      to: [{ name: null, email: 'alice@test.local' }],
    }
  } else if (!mime.parts) parts[id] = Buffer.from(body)
  return {
    id,
    section: id,
    type: type.toLowerCase(),
    parameters,
    name: fileName ?? parameters.name ?? null,
    disposition: disposition ?? (fileName === undefined ? null : 'inline'),
    contentId: contentId ?? null,
    encoding: 'binary',
    sizeBytes: parts[id]?.length ?? 0,
    children: (mime.parts ?? []).map((part, index) =>
      toNode(part, id === '' ? `${index + 1}` : `${id}.${index + 1}`, parts, heads),
    ),
    message: message && rootOf(message.root, id, parts, heads),
  }
}
