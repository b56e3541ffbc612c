/** Files on their way into a draft: taken in piece by piece, from a caller or from another message, and then attached with the revision that has them. */
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
  /** Bytes of a message that the SMTP server of an account takes at most, where it named a limit. */
  sizeLimitOf?(accountId: string): number | undefined
}

export interface NewAttachment {
  name: string
  type: string | undefined
  bytes: AsyncIterable<Uint8Array>
}

/** An attachment of another message. */
export interface NamedAttachment {
  message: string
  attachmentId: string
}

/** What is stored already, and belongs to no draft yet. */
export type StoredAttachment = Omit<DraftAttachmentRow, 'draft_id' | 'position'>

/** Of a message that are no attachments, about; and what base64 with its line ends makes of a byte. */
const [restBytes, encodedShare] = [16 * 1024, 78 / 57]
/** Written at the same time: of one caller, and of all. */
const [mostOfOne, mostOfAll] = [4, 16]

export class AttachmentFiles {
  readonly #options: AttachmentFilesOptions
  /** By caller. */
  readonly #writing = new Map<string, number>()
  #count = 0

  constructor(options: AttachmentFilesOptions) {
    this.#options = options
  }

  /** An attachment of another message of the account, to be read in pieces. */
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

  /** One after the other. @param given Of a forward those that have no room are left out; named ones must all have room. */
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

  /** Takes the file in; it is of no draft yet, and removed in an hour where it stays so. */
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

  /** In the transaction that makes the revision. @throws Problem when they are too many or too large by now. */
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

  /** Attachments are a third longer in a message (base64), with line ends. */
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

/** One that is refused before it is read would count as a download of its caller for minutes. */
export async function endFile({ bytes }: NewAttachment): Promise<void> {
  await bytes[Symbol.asyncIterator]().return?.()
}

export interface Room {
  count: number
  bytes: number
}

/** What may be attached beside these. */
export function roomIn(attachments: readonly Pick<DraftAttachmentRow, 'size_bytes'>[]): Room {
  const used = attachments.reduce((sum, { size_bytes }) => sum + Number(size_bytes), 0)
  return { count: draftBounds.attachments - attachments.length, bytes: draftBounds.attachmentBytes - used }
}

function attachmentTooLarge(error: BlobTooLarge): Problem {
  if (error.bound === 'accountBytes') return tooLarge(error)
  return new Problem('too_large', 'The attachments of a draft may have 30 MiB altogether.')
}

function tooLargeFor(limit: number): Problem {
  const detail = `The outgoing mail server takes messages of at most ${limit} bytes, in which attachments are a third longer: this one does not fit.`
  return new Problem('too_large', detail, { part: 'smtp' })
}

function tooMany(): Problem {
  return new Problem('too_large', `A draft may have ${draftBounds.attachments} attachments.`)
}
