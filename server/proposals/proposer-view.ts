/**
 * Proposals that one user may apply at this moment, beside their messages, which approvals cover; queried when the user
 * is to be notified.
 */
import type { Scope } from '../../contract/scope.ts'
import type { ApprovalSettingsHolder } from '../approvals/approval-settings.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { applyRefusal, maySeeProposal } from './proposal-rights.ts'
import type { ProposalItemRow, ProposalRow } from './proposal-tables.ts'

/** What a notification may show of a proposal. */
export type WaitingProposal = Pick<ProposalRow, 'id' | 'account_id' | 'principal_name' | 'expires_at'>

export interface ProposerViewOptions {
  db: Database
  settings: Pick<ApprovalSettingsHolder, 'read'>
}

/** Longest-waiting proposals that are counted; more are ignored. */
const mostCounted = 200

export class ProposerView {
  readonly #options: ProposerViewOptions

  constructor(options: ProposerViewOptions) {
    this.#options = options
  }

  /** Returns those of the proposals that are open. */
  async openOf(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const rows = await this.#open().where('id', 'in', ids.slice(0, mostCounted)).execute()
    return rows.map(({ id }) => id)
  }

  /** Returns open proposals that were added to since then. */
  async openSince(at: string): Promise<string[]> {
    const rows = await this.#open().where('updated_at', '>=', at).execute()
    return rows.map(({ id }) => id)
  }

  /** Returns proposals with a waiting operation or draft that the user may apply, oldest first. */
  async waitingFor(user: Principal): Promise<WaitingProposal[]> {
    const accounts = visibleAccounts(user)
    let query = this.#open()
    // No account has an empty id.
    if (accounts) query = query.where('account_id', 'in', accounts.size > 0 ? [...accounts] : [''])
    const [rows, applied] = await Promise.all([query.execute(), this.#options.settings.read()])
    // Unreadable settings permit nothing.
    if (applied.is_unreadable || rows.length === 0) return []
    const items = Map.groupBy(await this.#items(rows.map(({ id }) => id)), ({ proposal_id: id }) => id)
    return rows.filter(row => {
      const scopes = new Set((items.get(row.id) ?? []).map(scopeOf))
      return (
        maySeeProposal(user, row) && [...scopes].some(scope => applyRefusal(user, row, scope, applied) === undefined)
      )
    })
  }

  /** Returns one row per proposal and kind of waiting item. */
  #items(ids: readonly string[]): Promise<Item[]> {
    return this.#options.db
      .selectFrom('proposal_items')
      .select(['proposal_id', 'kind', 'deletions'])
      .distinct()
      .where('proposal_id', 'in', ids)
      .where('state', '=', 'waiting')
      .where('kind', '!=', 'message')
      .execute()
  }

  #open() {
    const { db } = this.#options
    return db.selectFrom('proposals').selectAll().where('state', '=', 'open').orderBy('id').limit(mostCounted)
  }
}

type Item = Pick<ProposalItemRow, 'proposal_id' | 'kind' | 'deletions'>

/** Roles grant both deletion rights together, so that of messages stands for both. */
function scopeOf({ kind, deletions }: Item): Scope {
  if (kind === 'draft') return 'mail:draft'
  return Number(deletions) > 0 ? 'mail:delete' : 'mail:organize'
}
