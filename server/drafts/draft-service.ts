/** Creates, changes, lists and discards drafts; a change names the latest revision. Nothing here sends. */

import type { Draft, DraftChange, NewDraft } from '../../contract/draft.ts'
import { draftBounds } from '../../contract/draft.ts'
import type { Fact } from '../../contract/event.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Database } from '../platform/database/database.ts'
import { noAccount } from '../platform/list-query.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { noProposals, type ProposalIntake } from '../platform/proposal-intake.ts'
import type { AnsweredMessages } from './answered-messages.ts'
import type { AttachmentFiles } from './attachment-files.ts'
import { answeringSender, emptyContent, withChange } from './draft-change.ts'
import type { DraftCopyStore } from './draft-copy-store.ts'
import { toProposedDraft } from './draft-item.ts'
import type { DraftKeys } from './draft-keys.ts'
import { draftChanged, draftSubmitted, maySeeDraft, noDraft, ownerOf, writerSeenBy } from './draft-rights.ts'
import { newRow, nextRevision, readCursor, writeCursor } from './draft-row.ts'
import type { DraftStore } from './draft-store.ts'
import type { Beginning, DraftRow } from './draft-tables.ts'
import { leastTaint, type TaintOf, taintOfWriter } from './draft-taint.ts'
import { answeredBy, contentOf, toDraft, toSaved } from './draft-view.ts'
import type { DraftWarnings } from './draft-warnings.ts'
import type { IdentityService } from './identity-service.ts'

export interface DraftServiceOptions {
  store: DraftStore
  keys: DraftKeys
  blobs: Pick<Blobs, 'use' | 'release'>
  hub: Pick<EventHub, 'transact'>
  accounts: Pick<AccountService, 'get'>
  identities: Pick<IdentityService, 'identityOf'>
  answers: Pick<AnsweredMessages, 'read'>
  files: Pick<AttachmentFiles, 'storeNamed' | 'attach'>
  copies: Pick<DraftCopyStore, 'want' | 'find' | 'leave' | 'isKnown'>
  warnings: Pick<DraftWarnings, 'of'>
  refs: Pick<MessageRefs, 'encode' | 'canName'>
  taintOf: TaintOf
  /** Left out where no token only proposes. */
  intake?: ProposalIntake
  /** A draft is copied to the mailbox once it has not changed for this long. */
  restMs?: number
  bounds?: { drafts: number }
}

export type Publish = (fact: Fact) => void

/** People who are still writing usually go on within this time. */
const defaultRestMs = 10_000
/** Characters of content in all drafts of a page. */
const pageCharacters = 4 * 1024 * 1024
const nothing: Beginning = { content: {}, answered: null, quote: null, attachmentIds: [] }

export class DraftService {
  readonly #options: DraftServiceOptions

  constructor(options: DraftServiceOptions) {
    this.#options = options
  }

  /** @param key Idempotency key of the call. */
  async create(
    principal: Principal,
    accountId: string,
    input: NewDraft,
    signal: AbortSignal,
    key?: string,
  ): Promise<Draft> {
    const { keys, store, files, bounds = draftBounds } = this.#options
    await this.#checkAccount(principal, accountId)
    const call = keys.call(principal, key, [accountId, input])
    const before = await keys.repeated(call)
    if (before !== undefined) return this.get(principal, accountId, before)
    // Checked before anything is fetched for it.
    if ((await store.count(accountId)) >= bounds.drafts) throw tooManyDrafts(bounds.drafts)
    const { mode, message, attach = [], ...wanted } = input
    const identity = await this.#options.identities.identityOf(principal, accountId)
    const beginning = await this.#begin(principal, accountId, { mode, message }, identity.own, signal)
    const { signature } = identity
    const sender = answeringSender(identity, beginning.sentTo ?? [])
    const from = { fromEmail: sender.email, fromName: sender.name }
    const begun = { ...emptyContent, ...from, signature, ...beginning.content }
    const row = newRow(principal, accountId, mode, withChange(begun, wanted, identity))
    const forwarded = beginning.attachmentIds.map(attachmentId => ({ message: message ?? '', attachmentId }))
    const named = attach.map(({ message: of, attachment_id: attachmentId }) => ({ message: of, attachmentId }))
    const { stored, leftOut } = await files.storeNamed(principal, accountId, { forwarded, named }, signal)
    row.source = beginning.answered && JSON.stringify({ ...beginning.answered, leftOut })
    row.quote = beginning.quote && JSON.stringify(beginning.quote)
    const repeatsOthers = mode !== 'new' || attach.length > 0
    const created = await this.#options.hub.transact(async (transaction, publish) => {
      const repeated = await keys.repeated(call, transaction)
      if (repeated !== undefined) return repeated
      row.taint_ms = repeatsOthers ? 0 : await taintOfWriter(principal, transaction, this.#options)
      if ((await store.count(accountId, transaction)) >= bounds.drafts) throw tooManyDrafts(bounds.drafts)
      await store.insert(transaction, row)
      await files.attach(transaction, row.id, stored)
      await this.#keepCopy(transaction, publish, principal, row)
      await keys.keep(transaction, call, row.id)
      publish({ type: 'draft_created', data: factOf(row, principal) })
      return row.id
    })
    return this.get(principal, accountId, created)
  }

  /** @throws Problem if it does not exist, or the principal may not see it. */
  async get(principal: Principal, accountId: string, draftId: string): Promise<Draft> {
    return this.#view(principal, await this.getRow(principal, accountId, draftId))
  }

  /** Returns those drafts that the principal may see. */
  async findAll(principal: Principal, accountId: string, draftIds: readonly string[]): Promise<Draft[]> {
    const rows = (await this.#options.store.findAll(draftIds)).filter(
      row => row.account_id === accountId && maySeeDraft(principal, row),
    )
    if (rows.length === 0) return []
    const { email } = await this.#options.accounts.get(principal, accountId)
    const answered = new Map(rows.map(row => [row.id, answeredBy(row)]))
    const drafts = await this.#views(rows, email)
    const warned = drafts.map(async draft => {
      return { ...draft, warnings: await this.#options.warnings.of(draft, answered.get(draft.id)!) }
    })
    return Promise.all(warned)
  }

  /** Returns a draft's row after checking rights, for other parts of this folder. */
  async getRow(principal: Principal, accountId: string, draftId: string, db?: Database): Promise<DraftRow> {
    if (!maySeeAccount(principal, accountId)) throw noAccount()
    const row = await this.#options.store.find(draftId, db)
    if (!row || row.account_id !== accountId || !maySeeDraft(principal, row)) throw noDraft()
    return row
  }

  async list(
    principal: Principal,
    accountId: string,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<{ items: Draft[]; next_cursor: string | null }> {
    const { email } = await this.#options.accounts.get(principal, accountId)
    const before = cursor === undefined ? undefined : readCursor(cursor)
    const query = { accountId, principalId: writerSeenBy(principal), before, characters: pageCharacters }
    const rows = await this.#options.store.list({ ...query, limit: limit + 1 })
    const page = rows.slice(0, limit)
    const items = await this.#views(page, email)
    const last = page.at(-1)
    // A page of exactly `limit` drafts may be the last one; the next page is empty then.
    const isWhole = !last || (rows.length <= limit && page.length < limit && (await this.#isLast(query, last)))
    return { items, next_cursor: isWhole ? null : writeCursor(last) }
  }

  async change(
    principal: Principal,
    accountId: string,
    draftId: string,
    { rev, ...wanted }: DraftChange,
  ): Promise<Draft> {
    await this.#checkAccount(principal, accountId)
    const identity = await this.#options.identities.identityOf(principal, accountId)
    await this.revise(principal, accountId, draftId, rev, async row => ({
      content: JSON.stringify(withChange(contentOf(row), wanted, identity)),
    }))
    return this.get(principal, accountId, draftId)
  }

  /** Plans an edit by the approver of a held draft, without storing it. @throws Problem for another revision. */
  async planSubmitted(principal: Principal, accountId: string, draftId: string, { rev, ...wanted }: DraftChange) {
    const identity = await this.#options.identities.identityOf(principal, accountId)
    const row = await this.getRow(principal, accountId, draftId)
    if (row.state !== 'submitted' || row.rev !== rev) throw draftChanged(row.rev)
    const content = JSON.stringify(withChange(contentOf(row), wanted, identity))
    return { ...row, content, ...nextRevision(principal, rev) }
  }

  /**
   * Stores a planned edit, in the transaction that replaces the held message. @throws Problem if another was faster.
   */
  async keepSubmitted(transaction: Database, publish: Publish, principal: Principal, planned: DraftRow): Promise<void> {
    await this.#keep(transaction, publish, principal, { after: planned, rev: planned.rev - 1, state: 'submitted' })
  }

  /** @throws Problem for drafts that the principal may not see. */
  async accountOf(principal: Principal, draftId: string): Promise<string> {
    const row = await this.#options.store.find(draftId)
    if (!row || !maySeeDraft(principal, row)) throw noDraft()
    return row.account_id
  }

  /** @param rev The revision that the draft must still have. */
  async discard(principal: Principal, accountId: string, draftId: string, rev?: number): Promise<void> {
    const { hub, store, blobs } = this.#options
    await this.#checkAccount(principal, accountId)
    await hub.transact(async (transaction, publish) => {
      const row = await this.getRow(principal, accountId, draftId, transaction)
      if (row.state === 'submitted') throw draftSubmitted()
      if (rev !== undefined && row.rev !== rev) throw draftChanged(row.rev)
      const { copies, intake = noProposals } = this.#options
      const isCopied = await copies.isKnown(transaction, draftId)
      if (isCopied && (await intake.isProposing(principal, transaction))) throw onlyProposes()
      if (!(await store.delete(transaction, row))) throw draftChanged(row.rev + 1)
      await blobs.release(transaction, ownerOf(draftId))
      if (isCopied) await this.#wantCopy(transaction, row, true)
      await intake.end(transaction, publish, draftId, 'withdrawn', null)
      publish({ type: 'draft_changed', data: { ...factOf(row, principal), state: 'discarded' } })
    })
  }

  /**
   * Sets `submitted` (from `open`), `open` (from `submitted`) or `sent`. @returns False if state or `rev` has changed.
   */
  async mark(
    transaction: Database,
    publish: Publish,
    draftId: string,
    state: DraftRow['state'],
    submissionId: string | null,
    rev?: number,
  ): Promise<boolean> {
    const { store } = this.#options
    const from = { submitted: ['open'], open: ['submitted'], sent: ['submitted', 'open'] } as const
    const isMarked = await store.setState(
      transaction,
      draftId,
      from[state],
      { state, submission_id: submissionId },
      rev,
    )
    if (!isMarked) return false
    const row = await store.find(draftId, transaction)
    if (!row) return false
    // A sent message is found in the Sent folder, and no longer among the drafts.
    if (state === 'sent') await this.#wantCopy(transaction, row, true)
    const { id: draft_id, account_id, principal_id } = row
    const at = new Date().toISOString()
    publish({ type: 'draft_changed', data: { account_id, draft_id, rev: row.rev, state, principal: principal_id, at } })
    return true
  }

  /**
   * Stores a new revision of an open draft, or rolls back if another writer was faster. @param work Returns the
   * changes.
   */
  async revise(
    principal: Principal,
    accountId: string,
    draftId: string,
    rev: number,
    work: (row: DraftRow, transaction: Database) => Promise<Partial<DraftRow>>,
  ): Promise<DraftRow> {
    return this.#options.hub.transact(async (transaction, publish) => {
      const row = await this.getRow(principal, accountId, draftId, transaction)
      if (row.state !== 'open') throw draftSubmitted()
      if (row.rev !== rev) throw draftChanged(row.rev)
      const changed = await work(row, transaction)
      const own = await taintOfWriter(principal, transaction, this.#options)
      const taint_ms = leastTaint([row.taint_ms, changed.taint_ms ?? null, own])
      const after = { ...row, ...changed, taint_ms, ...nextRevision(principal, rev) }
      await this.#keep(transaction, publish, principal, { after, rev, state: 'open' })
      return after
    })
  }

  /** @param rev The revision that is replaced. */
  async #keep(
    transaction: Database,
    publish: Publish,
    principal: Principal,
    { after, rev, state }: { after: DraftRow; rev: number; state: 'open' | 'submitted' },
  ): Promise<void> {
    const { store, blobs } = this.#options
    const { id } = after
    if (!(await store.update(transaction, { id, rev }, after, state))) throw draftChanged(rev + 1)
    for (const blobId of await store.forgetComposed(transaction, id)) {
      await blobs.release(transaction, ownerOf(id), blobId)
    }
    await this.#keepCopy(transaction, publish, principal, after)
    publish({ type: 'draft_changed', data: { ...factOf(after, principal), state } })
  }

  async #begin(
    principal: Principal,
    accountId: string,
    { mode, message }: Pick<NewDraft, 'mode' | 'message'>,
    own: readonly string[],
    signal: AbortSignal,
  ): Promise<Beginning> {
    if (mode === 'new' || message === undefined) return nothing
    return this.#options.answers.read({ principal, accountId, mode, message, own }, signal)
  }

  /** A proposed revision waits for a human, and is not copied to the mailbox before. */
  async #keepCopy(transaction: Database, publish: Publish, principal: Principal, row: DraftRow): Promise<void> {
    const { store, copies, intake = noProposals } = this.#options
    if (!(await intake.isProposing(principal, transaction))) {
      await intake.end(transaction, publish, row.id, 'void', 'It was changed by a caller that needs no proposal.')
      if (row.proposal_id !== null) await store.update(transaction, row, { proposal_id: null }, row.state)
      return this.#wantCopy(transaction, row)
    }
    const proposalId = await intake.put(transaction, publish, principal, row.account_id, [toProposedDraft(row)])
    await store.update(transaction, row, { proposal_id: proposalId }, row.state)
    await copies.leave(transaction, row.id)
  }

  async #wantCopy(transaction: Database, { id, account_id, rev }: DraftRow, isOver = false): Promise<void> {
    const { copies, restMs = defaultRestMs } = this.#options
    const dueAt = new Date(Date.now() + (isOver ? 0 : restMs)).toISOString()
    await copies.want(transaction, { draftId: id, accountId: account_id, rev: isOver ? null : rev, dueAt })
  }

  async #view(principal: Principal, row: DraftRow): Promise<Draft> {
    const { email } = await this.#options.accounts.get(principal, row.account_id)
    const [draft] = await this.#views([row], email)
    return { ...draft!, warnings: await this.#options.warnings.of(draft!, answeredBy(row)) }
  }

  async #views(rows: readonly DraftRow[], email: string): Promise<Draft[]> {
    const { store, copies, refs } = this.#options
    const ids = rows.map(({ id }) => id)
    const attachments = await store.attachments(ids)
    const copied = await copies.find(ids)
    return rows.map(row => {
      const own = attachments.filter(({ draft_id }) => draft_id === row.id)
      const copy = copied.find(({ draft_id }) => draft_id === row.id)
      return toDraft(row, { email, attachments: own, saved: toSaved(copy, refs), warnings: [] })
    })
  }

  async #isLast(query: Omit<Parameters<DraftStore['list']>[0], 'limit'>, last: DraftRow): Promise<boolean> {
    const before = { updatedAt: last.updated_at, id: last.id }
    return (await this.#options.store.list({ ...query, before, limit: 1 })).length === 0
  }

  async #checkAccount(principal: Principal, accountId: string): Promise<void> {
    if (!maySeeAccount(principal, accountId)) throw noAccount()
    const { enabled } = await this.#options.accounts.get(principal, accountId)
    if (!enabled) throw new Problem('account_disabled', 'The account is disabled; an administrator can enable it.')
  }
}

function factOf({ id, account_id, rev }: DraftRow, { id: principal }: Principal) {
  return { account_id, draft_id: id, rev, principal, at: new Date().toISOString() }
}

function onlyProposes(): Problem {
  const detail = 'This token only proposes, and the draft is in the Drafts folder: a human has to discard it.'
  return new Problem('policy_denied', detail)
}

function tooManyDrafts(most: number): Problem {
  const detail = `This account has reached its limit of ${most} drafts; send or discard some.`
  return new Problem('too_many_drafts', detail)
}
