/** Drafts that wait for a human: copied to the account's Drafts folder when one approves, else discarded. */
import type { Draft } from '../../contract/draft.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import type { DraftCopyStore } from './draft-copy-store.ts'
import { draftHash } from './draft-item.ts'
import { ownerOf } from './draft-rights.ts'
import type { DraftService, Publish } from './draft-service.ts'
import type { DraftStore } from './draft-store.ts'

export interface ProposedDraftsOptions {
  store: DraftStore
  copies: DraftCopyStore
  drafts: Pick<DraftService, 'findAll'>
  blobs: Pick<Blobs, 'release'>
}

/** Drafts that are in memory with their bodies at a time. */
const draftsAtOnce = 25

export class ProposedDrafts {
  readonly #options: ProposedDraftsOptions

  constructor(options: ProposedDraftsOptions) {
    this.#options = options
  }

  /** Returns those drafts that the principal may see, without their bodies. */
  async findAll(principal: Principal, accountId: string, draftIds: readonly string[]): Promise<Draft[]> {
    const found: Draft[] = []
    for (let at = 0; at < draftIds.length; at += draftsAtOnce) {
      const some = await this.#options.drafts.findAll(principal, accountId, draftIds.slice(at, at + draftsAtOnce))
      found.push(...some.map(draft => ({ ...draft, body: { ...draft.body, content: '' } })))
    }
    return found
  }

  /** @returns False if the draft is no longer what the human saw. */
  async apply(transaction: Database, publish: Publish, draftId: string, hash: string, by: string): Promise<boolean> {
    const { store, copies } = this.#options
    const row = await store.find(draftId, transaction)
    if (row?.state !== 'open' || draftHash(row) !== hash) return false
    const at = new Date().toISOString()
    const { account_id, rev } = row
    await copies.want(transaction, { draftId, accountId: account_id, rev, dueAt: at })
    publish({ type: 'draft_changed', data: { account_id, draft_id: draftId, rev, state: 'open', principal: by, at } })
    return true
  }

  /** Discards a draft that was never copied to the mailbox; any other stays as it is. */
  async end(transaction: Database, publish: Publish, draftId: string, by: string): Promise<void> {
    const { store, copies, blobs } = this.#options
    const row = await store.find(draftId, transaction)
    if (row?.state !== 'open') return
    await store.update(transaction, row, { proposal_id: null })
    if (await copies.isKnown(transaction, draftId)) return
    if (!(await store.delete(transaction, row))) return
    await blobs.release(transaction, ownerOf(draftId))
    const at = new Date().toISOString()
    const { account_id, rev } = row
    publish({
      type: 'draft_changed',
      data: { account_id, draft_id: draftId, rev, state: 'discarded', principal: by, at },
    })
  }
}
