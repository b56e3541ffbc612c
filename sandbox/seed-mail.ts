/** Types of the seeded mailbox, and how a letter is rendered into the bytes of a message. */
import { createHash } from 'node:crypto'
import MailComposer, { type MailComposerOptions } from 'nodemailer/lib/mail-composer'

export type FolderName = 'INBOX' | 'Archive' | 'Drafts' | 'Sent' | 'Junk' | 'Trash' | 'Projects/Apollo' | 'Fünf & Söhne'

export type MailFlag = '\\Seen' | '\\Flagged' | '\\Answered' | '\\Draft'

/** A message before rendering: nodemailer's options, or raw bytes where nodemailer would normalise too much. */
export interface Letter {
  folder: FolderName
  at: Date
  flags?: readonly MailFlag[]
  mail: MailComposerOptions | { bytes: Buffer }
}

export interface SeedMessage {
  raw: Buffer
  flags: readonly MailFlag[]
  at: Date
}

export interface SeedFolder {
  path: FolderName
  /** Special-use attribute (RFC 6154). */
  role?: '\\Archive' | '\\Drafts' | '\\Sent' | '\\Junk' | '\\Trash'
  /** Messages of the folder, oldest first. */
  messages: SeedMessage[]
}

/** Renders a letter; the same letter always gives the same bytes. */
export async function render({ mail, at }: Letter): Promise<Buffer> {
  if ('bytes' in mail) return mail.bytes
  const key = createHash('sha256').update(`${mail.subject}\n${at.toISOString()}`).digest('hex').slice(0, 16)
  const composer = new MailComposer({
    messageId: `<${key}@mail.example>`,
    date: at,
    ...mail,
    baseBoundary: key,
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return composer.compile().build()
}

/** Builds a raw message: the header lines verbatim, then the body. */
export function byHand(headers: readonly string[], body: string | Buffer): Buffer {
  const head = Buffer.from(`${headers.join('\r\n')}\r\n\r\n`)
  return Buffer.concat([head, typeof body === 'string' ? Buffer.from(body.replaceAll(/\r?\n/g, '\r\n')) : body])
}

/** Formats a `Date` header value. */
export function dateHeader(at: Date, zone = '+0000'): string {
  const hours = Number(zone.slice(0, 3))
  const local = new Date(at.getTime() + hours * 3_600_000)
  return `Date: ${local.toUTCString().replace('GMT', zone)}`
}

export function base64Lines(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n')
}
