/** Proposals of tokens, wired by hand: accepted, shown and decided on. A part of the composition root. */
import type { ComposedApprovals } from './compose-approvals.ts'
import type { ComposedMail } from './compose-mail.ts'
import type { ComposedPolicies } from './compose-policies.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import { ItemKinds } from './proposals/item-kinds.ts'
import { ProposalBook, type ProposalBookOptions } from './proposals/proposal-book.ts'
import { ProposalDiff } from './proposals/proposal-diff.ts'
import { ProposalIds } from './proposals/proposal-id.ts'
import { proposalRoutes } from './proposals/proposal-routes.ts'
import { ProposalService } from './proposals/proposal-service.ts'
import { ProposalStore } from './proposals/proposal-store.ts'
import { ProposalSweeper } from './proposals/proposal-sweeper.ts'
import { proposalTools } from './proposals/proposal-tools.ts'
import { ProposerView } from './proposals/proposer-view.ts'
import { proposerRights } from './proposer-rights.ts'
import { deciderOf } from './sender-rights.ts'
import type { Tool } from './tools/tool.ts'

export interface Proposing {
  /** Takes proposals; depends on none of the features that submit them. */
  book: ProposalBook
  store: ProposalStore
  ids: ProposalIds
  /** Returns what users may apply. */
  viewFor(approving: Pick<ComposedApprovals, 'settings'>): ProposerView
}

export function composeIntake(db: Database, { policies }: Pick<ComposedPolicies, 'policies'>): Proposing {
  const store = new ProposalStore(db)
  const ids = new ProposalIds()
  const modeOf: ProposalBookOptions['modeOf'] = async (principal, at) =>
    (await policies.read(principal, at))?.policy.mode
  return {
    ...{ store, ids, book: new ProposalBook({ store, ids, modeOf }) },
    viewFor: ({ settings }) => new ProposerView({ db, settings }),
  }
}

export interface ProposalSurroundings {
  proposing: Proposing
  db: Database
  config: Pick<Config, 'apiKey'>
  hub: EventHub
  mailboxes: Pick<ComposedMail, 'proposed' | 'writing' | 'outbox'>
  approving: Pick<ComposedApprovals, 'approvals' | 'settings' | 'activities'>
  freezes: FreezeService
  mayPrune: FindLease
  retention: Pick<RetentionClock, 'now'>
  logger: Logger
}

export interface ComposedProposals {
  tools: Tool[]
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeProposals(around: ProposalSurroundings): ComposedProposals {
  const { proposing, db, config, hub, mailboxes, approving, freezes, mayPrune, retention, logger } = around
  const { store, ids, book } = proposing
  const { outbox, writing, proposed } = mailboxes
  const { approvals, settings, activities } = approving
  const { operations, changes } = proposed
  const kinds = new ItemKinds({ book, operations, drafts: writing.proposed, approvals, outbox, hub })
  const proposals = new ProposalService({
    ...{ store, book, kinds, hub, freezes, settings, activities },
    findDecider: deciderOf(db),
    mayStill: proposerRights({ db, hasApiKey: config.apiKey !== undefined, now: Date.now }),
  })
  const diff = new ProposalDiff({ proposals, changes })
  const isPruning = () => mayPrune() !== undefined
  const retentionNow = () => retention.now()
  const sweeper = new ProposalSweeper({ store, proposals, hub, mayPrune: isPruning, retentionNow, logger })
  return {
    tools: proposalTools({ proposals }),
    addRoutes: http => proposalRoutes(http, { proposals, diff }),
    part: {
      name: 'proposals',
      start: async () => {
        ids.startAfter(await store.newestId())
        await sweeper.start()
      },
      stop: () => sweeper.stop(),
    },
  }
}
