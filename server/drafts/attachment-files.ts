/** Stores files for drafts, streamed from callers or other messages; they are attached with a new revision. */
import { randomBytes } from 'node:crypto'
import { draftBounds } from '../../contract/draft.ts'
import { type Blobs, BlobTooLarge } from '../blobs/blobs.ts'
import type { MailService } from '../mail/mail-service.ts'
import type { Database } from '../platform/database/database.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { safeFileName } from '../platform/safe-file-name.ts'
import { accountBytes, tooLarge } from './blob-bounds.ts'
import { ownerOf } from './draft-rights.ts'
import type { DraftStore } from './draft-store.ts'
import type { DraftAttachmentRow } from './draft-tables.ts'
import { attachmentType } from './header-forms.ts'

export interface AttachmentFilesOptions {
  store: DraftStore
  blobs: Pick<Blobs, 'write' | 'use'>
  mail: Pick<MailService, 'openAttachment'>
  /** Returns the maximum size of a message in bytes at the account's SMTP server; undefined if unknown. */
  sizeLimitOf?(accountId: string): number | undefined
}

export interface NewAttachment {
  name: string
  type: string | undefined
  bytes: AsyncIterable<Uint8Array>
}

/** Names an attachment of another message. */
export interface NamedAttachment {
  message: string
  attachmentId: string
}

/** A file that is stored but belongs to no draft yet. */
export type StoredAttachment = Omit<DraftAttachmentRow, 'draft_id' | 'position'>

/** Bytes of a message beside its attachments, roughly; and the growth by base64 with its line ends. */
const [restBytes, encodedShare] = [16 * 1024, 78 / 57]
/** Files written concurrently: per caller, and in total. */
const [mostOfOne, mostOfAll] = [4, 16]

export class AttachmentFiles {
  readonly #options: AttachmentFilesOptions
  /** Files being written, by caller. */
  readonly #writing = new Map<string, number>()
  #count = 0

  constructor(options: AttachmentFilesOptions) {
    this.#options = options
  }

  /** Opens an attachment of another message of the account as a stream. */
  async openNamed(
    principal: Principal,
    accountId: string,
    { message, attachmentId }: NamedAttachment,
    signal: AbortSignal,
  ): Promise<NewAttachment> {
    const request = { signal, checkAgain: () => undefined }
    const part = await this.#options.mail.openAttachment({ principal, accountId, ref: message }, attachmentId, request)
    return { name: part.name ?? `attachment-${attachmentId}`, type: part.type, bytes: part.bytes }
  }

  /** Stores attachments one by one. @param given `forwarded` files without room are skipped, `named` ones fail. */
  async storeNamed(
    principal: Principal,
    accountId: string,
    given: { forwarded: readonly NamedAttachment[]; named: readonly NamedAttachment[] },
    signal: AbortSignal,
  ): Promise<{ stored: StoredAttachment[]; leftOut: string[] }> {
    const stored: StoredAttachment[] = []
    const leftOut: string[] = []
    for (const one of given.named) {
      const file = await this.openNamed(principal, accountId, one, signal)
      try {
        stored.push(await this.store(principal, accountId, file, roomIn(stored)))
      } finally {
        await endFile(file)
      }
    }
    for (const one of given.forwarded) {
      const file = await this.openNamed(principal, accountId, one, signal)
      try {
        stored.push(await this.store(principal, accountId, file, roomIn(stored)))
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'too_large') throw error
        leftOut.push(safeFileName(file.name))
      } finally {
        await endFile(file)
      }
    }
    return { stored, leftOut }
  }

  /** Stores a file. It belongs to no draft yet, and is deleted within an hour unless it is attached. */
  async store(
    principal: Principal,
    accountId: string,
    { name, type, bytes }: NewAttachment,
    left: Room,
  ): Promise<StoredAttachment> {
    if (left.count <= 0) throw tooMany()
    const room = this.#roomOnServer(accountId, left)
    const key = limitKeyOf(principal)
    this.#begin(key)
    try {
      const blob = await this.#options.blobs.write(accountId, bytes, {
        bytes: Math.min(left.bytes, room.bytes),
        accountBytes,
      })
      return {
        id: randomBytes(9).toString('base64url'),
        blob_id: blob.id,
        name: safeFileName(name).slice(0, draftBounds.fileName),
        type: attachmentType(type),
        size_bytes: blob.sizeBytes,
        sha256: blob.sha256,
      }
    } catch (error) {
      if (!(error instanceof BlobTooLarge)) throw error
      const isServers = error.bound === 'bytes' && room.bytes < left.bytes
      throw isServers ? tooLargeFor(room.limit) : attachmentTooLarge(error)
    } finally {
      this.#end(key)
    }
  }

  /** Attaches files, in the revision's transaction. @throws Problem if they are now too many or too large. */
  async attach(transaction: Database, draftId: string, added: readonly StoredAttachment[]): Promise<void> {
    const { store, blobs } = this.#options
    const all = await store.attachments([draftId], transaction)
    let position = (all.at(-1)?.position ?? -1) + 1
    for (const stored of added) {
      const row = { ...stored, draft_id: draftId, position: position++ }
      all.push(row)
      const { count, bytes } = roomIn(all)
      if (count < 0) throw tooMany()
      if (bytes < 0) throw attachmentTooLarge(new BlobTooLarge('bytes'))
      await blobs.use(transaction, stored.blob_id, ownerOf(draftId))
      await store.addAttachment(transaction, row)
    }
  }

  /** Attachments grow by a third in a message (base64), with line ends. */
  #roomOnServer(accountId: string, left: Room): { bytes: number; limit: number } {
    const limit = this.#options.sizeLimitOf?.(accountId) ?? Number.POSITIVE_INFINITY
    const used = draftBounds.attachmentBytes - left.bytes
    return { bytes: Math.max(0, Math.floor((limit - restBytes) / encodedShare) - used), limit }
  }

  #begin(key: string): void {
    const mine = this.#writing.get(key) ?? 0
    if (mine >= mostOfOne || this.#count >= mostOfAll) {
      throw new Problem('too_many_requests', 'Too many attachments are being stored. Try again in a moment.')
    }
    this.#count++
    this.#writing.set(key, mine + 1)
  }

  #end(key: string): void {
    this.#count--
    const mine = (this.#writing.get(key) ?? 1) - 1
    if (mine > 0) this.#writing.set(key, mine)
    else this.#writing.delete(key)
  }
}

/** Closes a file that is not read; otherwise it would count as its caller's download for minutes. */
export async function endFile({ bytes }: NewAttachment): Promise<void> {
  await bytes[Symbol.asyncIterator]().return?.()
}

export interface Room {
  count: number
  bytes: number
}

/** Returns what may still be attached beside these. */
export function roomIn(attachments: readonly Pick<DraftAttachmentRow, 'size_bytes'>[]): Room {
  const used = attachments.reduce((sum, { size_bytes }) => sum + Number(size_bytes), 0)
  return { count: draftBounds.attachments - attachments.length, bytes: draftBounds.attachmentBytes - used }
}

function attachmentTooLarge(error: BlobTooLarge): Problem {
  if (error.bound === 'accountBytes') return tooLarge(error)
  return new Problem('too_large', 'The attachments of a draft may total 30 MiB at most.')
}

function tooLargeFor(limit: number): Problem {
  const detail = `The outgoing mail server takes messages of at most ${limit} bytes, and attachments grow by a third when encoded: this one does not fit.`
  return new Problem('too_large', detail, { part: 'smtp' })
}

function tooMany(): Problem {
  return new Problem('too_large', `A draft may have at most ${draftBounds.attachments} attachments.`)
}
