/**
 * Composes drafts: the bytes to send, made once per revision and stored in a blob, so that what is shown, approved and
 * sent is the same. Attachments are streamed.
 */

import { draftBounds } from '../../contract/draft.ts'
import type { Address } from '../../contract/mail.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { type Blobs, BlobTooLarge } from '../blobs/blobs.ts'
import type { EventHub } from '../events/event-hub.ts'
import { domainOf } from '../mail/ascii-address.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { limitKeyOf } from '../platform/principal.ts'
import { SharedJobs } from '../reading/job-cache.ts'
import type { OutgoingBodies } from '../reading/outgoing-bodies.ts'
import { accountBytes, tooLarge } from './blob-bounds.ts'
import { type ComposedMessage, submissionHash } from './composed-message.ts'
import { envelopeAddress, keyOf } from './draft-recipients.ts'
import { draftChanged, ownerOf } from './draft-rights.ts'
import type { DraftService } from './draft-service.ts'
import type { DraftStore } from './draft-store.ts'
import type { DraftAttachmentRow, DraftContent, DraftRow, Quote } from './draft-tables.ts'
import { answeredBy, contentOf } from './draft-view.ts'
import { writeBodies } from './message-bodies.ts'

export interface DraftComposerOptions {
  drafts: Pick<DraftService, 'getRow'>
  store: DraftStore
  blobs: Blobs
  bodies: Pick<OutgoingBodies, 'write'>
  hub: Pick<EventHub, 'transact'>
  accounts: Pick<AccountService, 'get'>
}

/** Base64 makes 4 bytes of 3, with a line end after every 76; the remainder is for texts and headers. */
const messageBytes = Math.ceil(draftBounds.attachmentBytes * 1.4) + 8 * 1024 * 1024

export class DraftComposer {
  readonly #options: DraftComposerOptions
  readonly #underWay = new SharedJobs<ComposedMessage>()

  constructor(options: DraftComposerOptions) {
    this.#options = options
  }

  /** Composes a revision, with its taint and where replies go. @throws Problem when the draft has another revision by now. */
  async compose(
    principal: Principal,
    accountId: string,
    draftId: string,
    rev: number,
    signal: AbortSignal,
  ): Promise<ComposedMessage & Pick<DraftRow, 'taint_ms'> & Pick<DraftContent, 'replyTo'>> {
    const row = await this.#options.drafts.getRow(principal, accountId, draftId)
    if (row.rev !== rev) throw draftChanged(row.rev)
    const { email } = await this.#options.accounts.get(principal, accountId)
    const composed = await this.composeRow(row, { email, requester: limitKeyOf(principal) }, signal)
    return { ...composed, taint_ms: row.taint_ms, replyTo: contentOf(row).replyTo }
  }

  /** Composes a row without checks of rights. @param by The account's address, and the caller whose work it is. */
  async composeRow(
    row: DraftRow,
    by: { email: string; requester: string },
    signal: AbortSignal,
  ): Promise<ComposedMessage> {
    const known = read(await this.#options.store.composed(row.id, row.rev))
    if (known && isBy(known, row, by.email)) return known
    const key = JSON.stringify([row.id, row.rev, by.email])
    return this.#underWay.run(key, signal, wanted => this.#compose(row, by, wanted))
  }

  /** Composes a revision that is not stored yet. The blob is deleted unless `keep` is called within an hour. */
  async composePlanned(principal: Principal, row: DraftRow, signal: AbortSignal): Promise<ComposedMessage> {
    const { email } = await this.#options.accounts.get(principal, row.account_id)
    return this.#write(row, { email, requester: limitKeyOf(principal) }, signal)
  }

  /** Keeps a planned message, in the transaction that stores the revision. */
  async keep(transaction: Database, composed: ComposedMessage): Promise<void> {
    const { store, blobs } = this.#options
    const { draftId, rev, blobId } = composed
    await store.keepComposed(transaction, { draftId, rev, blobId, composed: JSON.stringify(composed) })
    await blobs.use(transaction, blobId, ownerOf(draftId))
  }

  async #compose(
    row: DraftRow,
    by: { email: string; requester: string },
    signal: AbortSignal,
  ): Promise<ComposedMessage> {
    const { store, blobs, hub } = this.#options
    const composed = await this.#write(row, by, signal)
    return hub.transact(async transaction => {
      // Another process composed it in the meantime: its message counts.
      const other = read(await store.composed(row.id, row.rev, transaction))
      const now = await store.find(row.id, transaction)
      if (other && isBy(other, now ?? row, by.email)) return other
      if (now?.rev !== row.rev) throw draftChanged(now?.rev ?? row.rev + 1)
      for (const blobId of await store.forgetComposed(transaction, row.id)) {
        await blobs.release(transaction, ownerOf(row.id), blobId)
      }
      await this.keep(transaction, composed)
      return composed
    })
  }

  async #write(
    row: DraftRow,
    { email, requester }: { email: string; requester: string },
    signal: AbortSignal,
  ): Promise<ComposedMessage> {
    const { store, blobs, bodies } = this.#options
    const content = contentOf(row)
    const quote = row.quote === null ? null : (JSON.parse(row.quote) as Quote)
    const written = await writeBodies(bodies, content, quote, { key: requester, signal })
    const attachments = await store.attachments([row.id])
    const from: Address = { email: content.fromEmail ?? email, name: content.fromName }
    const messageId = messageIdOf(row, from.email)
    const answered = answeredBy(row)
    const isReply = row.mode === 'reply' || row.mode === 'reply_all'
    // Loaded when first needed: many servers send little or nothing.
    const { writeMessage } = await import('./write-message.ts')
    const stream = writeMessage({
      ...{ from, messageId, ...written },
      ...{ to: content.to, cc: content.cc, replyTo: content.replyTo, subject: content.subject },
      date: new Date(row.updated_at),
      inReplyTo: isReply ? (answered?.messageId ?? null) : null,
      references: answered?.references ?? [],
      boundary: row.key,
      attachments: attachments.map(({ name, type, blob_id }) => ({ name, type, open: () => blobs.read(blob_id) })),
    })
    const abort = () => stream.destroy(new Error('the caller no longer waits for it'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      const bounds = { bytes: messageBytes, accountBytes: accountBytes }
      const blob = await blobs.write(row.account_id, stream, bounds)
      return toComposed({ row, content, from, messageId, blob, attachments })
    } catch (error) {
      if (error instanceof BlobTooLarge) throw tooLarge(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
      stream.destroy()
    }
  }
}

function read(composed: string | undefined): ComposedMessage | undefined {
  return composed === undefined ? undefined : (JSON.parse(composed) as ComposedMessage)
}

/** The account's address may have changed since. A submitted message stays as it is. */
function isBy({ from }: ComposedMessage, row: Pick<DraftRow, 'state' | 'content'>, email: string): boolean {
  return row.state !== 'open' || from.email === (contentOf(row).fromEmail ?? email)
}

interface Parts {
  row: DraftRow
  content: DraftContent
  from: Address
  messageId: string
  blob: { id: string; sizeBytes: number; sha256: string }
  attachments: readonly DraftAttachmentRow[]
}

function toComposed({ row, content, from, messageId, blob, attachments }: Parts): ComposedMessage {
  const recipients = recipientsOf(content)
  const envelope = { from: envelopeAddress(from.email), to: recipients.map(({ email }) => email) }
  const answered = answeredBy(row)
  return {
    draftId: row.id,
    rev: row.rev,
    accountId: row.account_id,
    envelope,
    from,
    recipients,
    subject: content.subject,
    messageId,
    blobId: blob.id,
    sizeBytes: blob.sizeBytes,
    attachmentBytes: attachments.reduce((sum, { size_bytes }) => sum + Number(size_bytes), 0),
    sha256: blob.sha256,
    hash: submissionHash(envelope, blob.sha256),
    answers: answered && {
      messageId: answered.messageId,
      ref: answered.ref,
      threadId: answered.threadId,
      isForward: row.mode === 'forward',
    },
  }
}

/** A recipient in several lists is kept once, in the first of them. */
function recipientsOf({ to, cc, bcc }: DraftContent): ComposedMessage['recipients'] {
  const seen = new Set<string>()
  return Object.entries({ to, cc, bcc }).flatMap(([kind, list]) =>
    list.flatMap(({ email }) => {
      const key = keyOf(email)
      if (seen.has(key)) return []
      seen.add(key)
      return [{ email: envelopeAddress(email), kind: kind as 'to' | 'cc' | 'bcc' }]
    }),
  )
}

/** Uses the domain of the account, so that the id cannot collide with a message of others. */
export function messageIdOf({ key }: Pick<DraftRow, 'key'>, email: string): string {
  return `<${key}@${domainOf(email) ?? 'localhost.invalid'}>`
}
