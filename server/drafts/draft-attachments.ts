/** What is attached to drafts: uploaded, copied from other messages in pieces, removed, read. */
import { randomBytes } from 'node:crypto'
import { type Draft, draftBounds } from '../../contract/draft.ts'
import { type Blobs, BlobTooLarge } from '../blobs/blobs.ts'
import type { MailService } from '../mail/mail-service.ts'
import type { Database } from '../platform/database/database.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { safeFileName } from '../platform/safe-file-name.ts'
import { accountBytes, tooLarge } from './draft-composer.ts'
import { draftChanged, draftSubmitted } from './draft-rights.ts'
import { type DraftService, ownerOf } from './draft-service.ts'
import type { DraftStore } from './draft-store.ts'
import type { DraftAttachmentRow, DraftRow } from './draft-tables.ts'
import { attachmentType } from './write-message.ts'

export interface DraftAttachmentsOptions {
  drafts: Pick<DraftService, 'get' | 'getRow' | 'revise'>
  store: DraftStore
  blobs: Blobs
  mail: Pick<MailService, 'openAttachment'>
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

export interface DraftOwner {
  principal: Principal
  accountId: string
  draftId: string
}

/** Written at the same time: of one caller, and of all. */
const [mostOfOne, mostOfAll] = [4, 16]

export class DraftAttachments {
  readonly #options: DraftAttachmentsOptions
  /** By caller. */
  readonly #writing = new Map<string, number>()
  #count = 0

  constructor(options: DraftAttachmentsOptions) {
    this.#options = options
  }

  /** @param checkAgain Throws when the caller may not do it any more: a file may take a minute to come. */
  async add(
    { principal, accountId, draftId }: DraftOwner,
    rev: number,
    file: NewAttachment,
    checkAgain: () => Promise<void> | undefined = () => undefined,
  ): Promise<Draft> {
    const { drafts, store } = this.#options
    const row = await drafts.getRow(principal, accountId, draftId)
    refuseOther(row, rev)
    const left = roomIn(await store.attachments([draftId]))
    const stored = await this.store(principal, accountId, file, left)
    await checkAgain()
    await drafts.revise(principal, accountId, draftId, rev, async (_row, transaction) => {
      await this.attach(transaction, draftId, [stored])
      return {}
    })
    return drafts.get(principal, accountId, draftId)
  }

  async addFromMessage(owner: DraftOwner, rev: number, named: NamedAttachment, signal: AbortSignal): Promise<Draft> {
    const { drafts } = this.#options
    refuseOther(await drafts.getRow(owner.principal, owner.accountId, owner.draftId), rev)
    const file = await this.openNamed(owner.principal, owner.accountId, named, signal)
    return this.add(owner, rev, file)
  }

  async remove({ principal, accountId, draftId }: DraftOwner, rev: number, attachmentId: string): Promise<Draft> {
    const { drafts, store, blobs } = this.#options
    await drafts.revise(principal, accountId, draftId, rev, async (_row, transaction) => {
      const all = await store.attachments([draftId], transaction)
      const removed = find(all, attachmentId)
      await store.removeAttachment(transaction, attachmentId)
      await blobs.release(transaction, ownerOf(draftId), removed.blob_id)
      return {}
    })
    return drafts.get(principal, accountId, draftId)
  }

  async open(
    { principal, accountId, draftId }: DraftOwner,
    attachmentId: string,
  ): Promise<{ name: string; sizeBytes: number; bytes: AsyncIterable<Buffer> }> {
    const { drafts, store, blobs } = this.#options
    await drafts.getRow(principal, accountId, draftId)
    const { name, size_bytes, blob_id } = find(await store.attachments([draftId]), attachmentId)
    return { name, sizeBytes: Number(size_bytes), bytes: blobs.read(blob_id) }
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

  /** Takes the file in; it is of no draft yet, and removed in an hour where it stays so. */
  async store(
    principal: Principal,
    accountId: string,
    { name, type, bytes }: NewAttachment,
    left: Room,
  ): Promise<StoredAttachment> {
    if (left.count <= 0) throw tooMany()
    const key = limitKeyOf(principal)
    this.#begin(key)
    try {
      const blob = await this.#options.blobs.write(accountId, bytes, { bytes: left.bytes, accountBytes })
      return {
        id: randomBytes(9).toString('base64url'),
        blob_id: blob.id,
        name: safeFileName(name).slice(0, draftBounds.fileName),
        type: attachmentType(type),
        size_bytes: blob.sizeBytes,
        sha256: blob.sha256,
      }
    } catch (error) {
      if (error instanceof BlobTooLarge) throw attachmentTooLarge(error)
      throw error
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

export interface Room {
  count: number
  bytes: number
}

/** What may be attached beside these. */
export function roomIn(attachments: readonly Pick<DraftAttachmentRow, 'size_bytes'>[]): Room {
  const used = attachments.reduce((sum, { size_bytes }) => sum + Number(size_bytes), 0)
  return { count: draftBounds.attachments - attachments.length, bytes: draftBounds.attachmentBytes - used }
}

function refuseOther(row: DraftRow, rev: number): void {
  if (row.state !== 'open') throw draftSubmitted()
  if (row.rev !== rev) throw draftChanged(row.rev)
}

function find(all: readonly DraftAttachmentRow[], id: string): DraftAttachmentRow {
  const found = all.find(each => each.id === id)
  if (!found) throw new Problem('attachment_not_found', 'The draft has no such attachment.')
  return found
}

function attachmentTooLarge(error: BlobTooLarge): Problem {
  if (error.bound === 'accountBytes') return tooLarge(error)
  return new Problem('too_large', 'The attachments of a draft may have 30 MiB altogether.')
}

function tooMany(): Problem {
  return new Problem('too_large', `A draft may have ${draftBounds.attachments} attachments.`)
}
