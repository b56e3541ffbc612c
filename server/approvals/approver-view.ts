/** What one user may approve at this moment; queried when the user is to be notified. */
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { approveRefusal, maySeeApproval } from './approval-rights.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import { type ApprovalRow, decisionsOf } from './approval-tables.ts'

/** What a notification is about: the group, and the details it may show. */
export type Waiting = Pick<
  ApprovalRow,
  'id' | 'group_key' | 'proposal_id' | 'account_id' | 'principal_name' | 'expires_at'
>

export interface ApproverViewOptions {
  db: Database
  settings: Pick<ApprovalSettingsHolder, 'read'>
}

/** Longest-waiting approvals that are counted; more are ignored. */
const mostCounted = 200
/** Ids per statement. */
const mostIds = 500

export class ApproverView {
  readonly #options: ApproverViewOptions

  constructor(options: ApproverViewOptions) {
    this.#options = options
  }

  /** Returns the groups of those approvals that still wait: a message of a proposal belongs to the proposal's group. */
  async groupsOf(approvalIds: readonly string[]): Promise<string[]> {
    const parts = Array.from({ length: Math.ceil(approvalIds.length / mostIds) }, (_, part) =>
      approvalIds.slice(part * mostIds, (part + 1) * mostIds),
    )
    const found = await Promise.all(parts.map(ids => this.#groups().where('id', 'in', ids).execute()))
    return [...new Set(found.flat().map(groupOf))]
  }

  /** Returns groups with a request since then that still waits. */
  async groupsSince(at: string): Promise<string[]> {
    const rows = await this.#groups().where('created_at', '>=', at).limit(mostCounted).execute()
    return [...new Set(rows.map(groupOf))]
  }

  /** Returns what the user may approve now, oldest first: `items` in these groups, and `all`. */
  async waitingFor(user: Principal, groups: readonly string[]): Promise<{ items: Waiting[]; all: Waiting[] }> {
    const { db, settings } = this.#options
    const accounts = visibleAccounts(user)
    let query = db.selectFrom('approvals').selectAll().where('state', '=', 'waiting')
    // No account has an empty id.
    if (accounts) query = query.where('account_id', 'in', accounts.size > 0 ? [...accounts] : [''])
    const ordered = query.orderBy('id').limit(mostCounted)
    const [own, all, applied] = await Promise.all([
      ordered.where(({ fn }) => fn.coalesce('proposal_id', 'group_key'), 'in', groups).execute(),
      ordered.execute(),
      settings.read(),
    ])
    const isTheirs = (row: ApprovalRow) => {
      // A user who has approved is not notified again, even if that approval no longer counts.
      const given = decisionsOf(row).map(decision => ({ ...decision, counts: true }))
      return maySeeApproval(user, row) && approveRefusal(user, row, applied, given) === undefined
    }
    return { items: own.filter(isTheirs), all: all.filter(isTheirs) }
  }

  #groups() {
    const groups = this.#options.db.selectFrom('approvals').select(['group_key', 'proposal_id']).distinct()
    return groups.where('state', '=', 'waiting')
  }
}

function groupOf({ proposal_id: proposalId, group_key: key }: Pick<ApprovalRow, 'proposal_id' | 'group_key'>): string {
  return proposalId ?? key
}
