/** Messages as a draft would be composed, and an in-memory store of their bytes, for tests of what sends them. */
import { createHash, randomBytes } from 'node:crypto'
import { type ComposedMessage, submissionHash } from '../../server/drafts/composed-message.ts'

export interface Written {
  accountId?: string
  draftId?: string
  to?: string[]
  bcc?: string[]
  subject?: string
  body?: string
  answers?: ComposedMessage['answers']
  /** The raw message, in place of one that is built from the other options. */
  raw?: Buffer
}

export class MessageBlobs {
  readonly held = new Map<string, Buffer>()

  write(written: Written = {}): ComposedMessage {
    const { accountId = 'a', to = ['anne@there.test'], bcc = [], subject = 'Lunch', body = 'At noon?' } = written
    const name = randomBytes(8).toString('hex')
    const messageId = `<${name}@here.test>`
    const header = `From: Me <me@here.test>\r\nTo: ${to.join(', ')}\r\nSubject: ${subject}\r\nMessage-ID: ${messageId}\r\n`
    const bytes = written.raw ?? Buffer.from(`${header}\r\n${body}\r\n`)
    const blobId = `b-${name}`
    this.held.set(blobId, bytes)
    const envelope = { from: 'me@here.test', to: [...to, ...bcc] }
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return {
      draftId: written.draftId ?? `d${name}abcde`,
      rev: 1,
      accountId,
      envelope,
      from: { email: 'me@here.test', name: 'Me' },
      recipients: [
        ...to.map(email => ({ email, kind: 'to' as const })),
        ...bcc.map(email => ({ email, kind: 'bcc' as const })),
      ],
      subject,
      messageId,
      blobId,
      sizeBytes: bytes.length,
      attachmentBytes: 0,
      sha256,
      hash: submissionHash(envelope, sha256),
      answers: written.answers,
    }
  }

  /** The blobs in use, by owner. */
  readonly used = new Map<string, string>()

  async use(_transaction: unknown, blobId: string, owner: string): Promise<void> {
    this.used.set(owner, blobId)
  }

  async release(_transaction: unknown, owner: string): Promise<void> {
    this.used.delete(owner)
  }

  async *read(blobId: string): AsyncGenerator<Uint8Array> {
    const bytes = this.held.get(blobId)
    if (!bytes) throw new Error('there is no such blob')
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
  }
}
