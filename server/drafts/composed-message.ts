/** A message as it would be sent: its bytes, its SMTP envelope, and the hash that covers both. */
import { createHash } from 'node:crypto'
import type { Address } from '../../contract/mail.ts'

/** The SMTP envelope (RFC 5321), which differs from the headers: blind-copy recipients are in no header. */
export interface Envelope {
  from: string
  /** Recipients in the order in which they were named, without duplicates. */
  to: readonly string[]
}

export interface ComposedMessage {
  /** The draft and the revision that it was composed from. */
  draftId: string
  rev: number
  accountId: string
  envelope: Envelope
  from: Address
  recipients: readonly { email: string; kind: 'to' | 'cc' | 'bcc' }[]
  subject: string
  /** Message-ID with angle brackets, as in the header. */
  messageId: string
  /** The immutable blob that holds the bytes. */
  blobId: string
  sizeBytes: number
  /** Total size of the attachments before encoding. */
  attachmentBytes: number
  /** SHA-256 of the bytes, in hex. */
  sha256: string
  /** See `submissionHash`. */
  hash: string
  /** The message that it replies to or forwards. */
  answers: { messageId: string | null; ref: string | null; threadId: string | null; isForward?: boolean } | undefined
}

/** Returns the hash that an approval is bound to: SHA-256 in hex of bytes and envelope, and of nothing else. */
export function submissionHash({ from, to }: Envelope, sha256: string): string {
  return createHash('sha256')
    .update(JSON.stringify([1, from, [...to].sort(), sha256]))
    .digest('hex')
}
