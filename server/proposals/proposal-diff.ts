/** Lists what a proposal would change, message by message, in pages across all of its items. */

import type { ProposedChange } from '../../contract/proposal.ts'
import type { ProposedChanges } from '../operations/proposed-changes.ts'
import { badCursor } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import type { ProposalService } from './proposal-service.ts'

export interface ProposalDiffOptions {
  proposals: Pick<ProposalService, 'items'>
  changes: Pick<ProposedChanges, 'list'>
}

export interface DiffQuery {
  item_id?: string | undefined
  limit: number
  cursor?: string | undefined
}

export class ProposalDiff {
  readonly #options: ProposalDiffOptions

  constructor(options: ProposalDiffOptions) {
    this.#options = options
  }

  /** Lists waiting items only; a named item also once it is decided. */
  async list(
    principal: Principal,
    proposalId: string,
    { item_id: itemId, limit, cursor = '0' }: DiffQuery,
    signal: AbortSignal,
  ): Promise<{ items: ProposedChange[]; next_cursor: string | null; total: number }> {
    if (!/^\d{1,7}$/.test(cursor)) throw badCursor()
    const { proposals, changes } = this.#options
    const all = await proposals.items(principal, proposalId)
    const meant = all.filter(
      ({ id, kind, state }) => kind === 'operation' && (itemId === undefined ? state === 'waiting' : id === itemId),
    )
    const items: ProposedChange[] = []
    const from = Number(cursor)
    let total = 0
    for (const { id, messages } of meant) {
      // An operation on a folder counts as one line.
      const count = Math.max(1, Number(messages))
      const first = Math.max(0, from - total)
      const room = limit - items.length
      if (room > 0 && first < count)
        items.push(...(await changes.list(id, first, Math.min(room, count - first), signal)))
      total += count
    }
    const next = from + items.length
    return { items, next_cursor: items.length > 0 && next < total ? String(next) : null, total }
  }
}
