/** Proposed operations on an in-memory mail server, with the real queue, book and service on a real database. */
import { defaultApprovalSettings } from '../../contract/approvals.ts'
import { ProposedChanges } from '../../server/operations/proposed-changes.ts'
import { ProposedOperations } from '../../server/operations/proposed-operations.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { ItemKinds, type ItemKindsOptions } from '../../server/proposals/item-kinds.ts'
import { ProposalBook } from '../../server/proposals/proposal-book.ts'
import { ProposalDiff } from '../../server/proposals/proposal-diff.ts'
import { ProposalIds } from '../../server/proposals/proposal-id.ts'
import { ProposalService } from '../../server/proposals/proposal-service.ts'
import { ProposalStore } from '../../server/proposals/proposal-store.ts'
import { ProposalSweeper } from '../../server/proposals/proposal-sweeper.ts'
import { agent, startOperations } from './operation-world.ts'

const noActivity = {
  since: '2026-11-29T00:00:00.000Z',
  ...{ sent: 0, held: 0, denied: 0, changes: 0, read_strangers: 0 },
  calls: [],
}

/** Starts a world whose agent proposes while `rules.mode` says so. Drafts and messages are left to journeys. */
export async function startProposals(db: Database, bounds?: { items: number; open: number }) {
  const rules = {
    mode: 'propose' as 'act' | 'propose',
    ...{
      mayStill: true,
      isFrozen: false,
      ownTokens: true,
      areSettingsUnreadable: false,
      hasDeciderEnded: false,
      ahead: 0,
    },
  }
  const now = () => Date.now() + rules.ahead
  const store = new ProposalStore(db)
  const ids = new ProposalIds()
  const modeOf = async ({ id }: Pick<Principal, 'id'>) => (id === agent.id ? rules.mode : undefined)
  const book = new ProposalBook({ store, ids, modeOf, now, ...(bounds && { bounds }) })
  const world = await startOperations({ db, intake: book })
  const { hub, calls, shown, moved, pool, refs } = world
  const taken = ({ id }: Pick<Principal, 'id'>, messages: number) => world.taken.push([id, messages])
  const operations = new ProposedOperations({ store: world.store, calls, shown, taken, now })
  const changes = new ProposedChanges({ store: world.store, moved, pool, refs })
  const none = {
    ...{ drafts: { findAll: async () => [] }, outbox: { findAll: async () => [] }, approvals: {} },
  } as unknown as Pick<ItemKindsOptions, 'drafts' | 'approvals' | 'outbox'>
  const kinds = new ItemKinds({ ...none, book, operations, hub })
  const proposals = new ProposalService({
    ...{ store, book, kinds, hub, now },
    freezes: { isFrozenNow: async () => rules.isFrozen },
    settings: {
      read: async () => ({
        ...defaultApprovalSettings,
        own_tokens: rules.ownTokens,
        is_unreadable: rules.areSettingsUnreadable,
      }),
    },
    findDecider: async principal => (rules.hasDeciderEnded ? undefined : principal),
    mayStill: async () => rules.mayStill,
    activities: { of: async () => noActivity },
  })
  const diff = new ProposalDiff({ proposals, changes })
  const logger = createLogger('silent')
  const sweeper = new ProposalSweeper({ store, proposals, hub, mayPrune: () => true, retentionNow: now, logger })
  return { ...world, rules, proposals, diff, sweeper, proposalStore: store }
}
