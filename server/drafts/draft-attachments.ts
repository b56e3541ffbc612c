/** Attachments of drafts: uploaded, copied from other messages, removed, downloaded. */
import type { Draft } from '../../contract/draft.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type AttachmentFiles, endFile, type NamedAttachment, type NewAttachment, roomIn } from './attachment-files.ts'
import { draftChanged, draftSubmitted, ownerOf } from './draft-rights.ts'
import type { DraftService } from './draft-service.ts'
import type { DraftStore } from './draft-store.ts'
import type { DraftAttachmentRow, DraftRow } from './draft-tables.ts'

export interface DraftAttachmentsOptions {
  drafts: Pick<DraftService, 'get' | 'getRow' | 'revise'>
  store: DraftStore
  blobs: Blobs
  files: AttachmentFiles
}

export interface DraftOwner {
  principal: Principal
  accountId: string
  draftId: string
}

export class DraftAttachments {
  readonly #options: DraftAttachmentsOptions

  constructor(options: DraftAttachmentsOptions) {
    this.#options = options
  }

  /** @param checkAgain Throws when the caller has lost the right to do this: an upload may take a minute. */
  async add(
    { principal, accountId, draftId }: DraftOwner,
    rev: number,
    file: NewAttachment,
    checkAgain: () => Promise<void> | undefined = () => undefined,
  ): Promise<Draft> {
    return this.#add({ principal, accountId, draftId }, rev, file, checkAgain, {})
  }

  async #add(
    { principal, accountId, draftId }: DraftOwner,
    rev: number,
    file: NewAttachment,
    checkAgain: () => Promise<void> | undefined,
    values: Partial<DraftRow>,
  ): Promise<Draft> {
    const { drafts, store, files } = this.#options
    const row = await drafts.getRow(principal, accountId, draftId)
    refuseOther(row, rev)
    const left = roomIn(await store.attachments([draftId]))
    const stored = await files.store(principal, accountId, file, left)
    await checkAgain()
    await drafts.revise(principal, accountId, draftId, rev, async (_row, transaction) => {
      await files.attach(transaction, draftId, [stored])
      return values
    })
    return drafts.get(principal, accountId, draftId)
  }

  async addFromMessage(owner: DraftOwner, rev: number, named: NamedAttachment, signal: AbortSignal): Promise<Draft> {
    const { drafts, files } = this.#options
    refuseOther(await drafts.getRow(owner.principal, owner.accountId, owner.draftId), rev)
    const file = await files.openNamed(owner.principal, owner.accountId, named, signal)
    try {
      return await this.#add(owner, rev, file, () => undefined, { taint_ms: 0 })
    } finally {
      await endFile(file)
    }
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
