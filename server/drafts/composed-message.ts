/** A message as it would leave: its bytes, to whom the mail server is told to deliver it, and the hash that names both. */
import { createHash } from 'node:crypto'
import type { Address } from '../../contract/mail.ts'

/** As told to the mail server (RFC 5321), which is not what the headers say: recipients of blind copies are in no header. */
export interface Envelope {
  from: string
  /** In the order in which they were named, without repetition. */
  to: readonly string[]
}

export interface ComposedMessage {
  /** Of what a draft was at this revision. */
  draftId: string
  rev: number
  accountId: string
  envelope: Envelope
  from: Address
  recipients: readonly { email: string; kind: 'to' | 'cc' | 'bcc' }[]
  subject: string
  /** With angle brackets, as in the header. */
  messageId: string
  /** Of the blob that holds the bytes, which nobody changes. */
  blobId: string
  sizeBytes: number
  /** Of all attachments, before they are encoded. */
  attachmentBytes: number
  /** SHA-256 of the bytes, in hex. */
  sha256: string
  /** See `submissionHash`. */
  hash: string
  /** What it answers. */
  answers: { messageId: string | null; ref: string | null; threadId: string | null; isForward?: boolean } | undefined
}

/** What an approval is bound to: the bytes and the envelope, nothing else. SHA-256 in hex. */
export function submissionHash({ from, to }: Envelope, sha256: string): string {
  return createHash('sha256')
    .update(JSON.stringify([1, from, [...to].sort(), sha256]))
    .digest('hex')
}
