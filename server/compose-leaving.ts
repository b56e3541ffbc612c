/**
 * The rules for messages that wait and leave, wired by hand: shared by the outbox and approvals. A part of the
 * composition root.
 */
import { ApprovalIds } from './approvals/approval-id.ts'
import { ApprovalSettingsHolder } from './approvals/approval-settings.ts'
import { ApprovalStore } from './approvals/approval-store.ts'
import { LeaveRules } from './approvals/leave-rules.ts'
import type { SenderStateOptions } from './approvals/sender-state.ts'
import type { ComposedPolicies } from './compose-policies.ts'
import type { EventHub } from './events/event-hub.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { Leaving } from './outbox/leaving.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import type { Database } from './platform/database/database.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { deciderOf, senderRights, sendingAccountOf } from './sender-rights.ts'
import { SettingStore } from './settings/setting-store.ts'

export interface LeavingSurroundings {
  db: Database
  hub: EventHub
  freezes: FreezeService
  ruling: Pick<ComposedPolicies, 'policies' | 'judge'>
  hasApiKey: boolean
  logger: Logger
}

export interface ComposedLeaving {
  store: ApprovalStore
  ids: ApprovalIds
  settings: ApprovalSettingsHolder
  senders: SenderStateOptions
  /** Returns the rules that the outbox applies. */
  rulesFor(outbox: OutboxService): Leaving
  /** Started before any message can be held. */
  part: Part
}

export function composeLeaving({ db, hub, freezes, ruling, hasApiKey, logger }: LeavingSurroundings): ComposedLeaving {
  const { policies, judge } = ruling
  const store = new ApprovalStore(db)
  const ids = new ApprovalIds()
  const settings = new ApprovalSettingsHolder(new SettingStore(db), hub, deciderOf(db), logger)
  const senders: SenderStateOptions = {
    freezes,
    policies,
    mayStillSend: senderRights({ db, hasApiKey, now: Date.now }),
    accountOf: sendingAccountOf(db),
  }
  return {
    ...{ store, ids, settings, senders },
    rulesFor: outbox =>
      new LeaveRules({
        ...{ ...senders, store, settings, outbox, judge, hub },
        nextId: () => ids.next(),
        now: Date.now,
      }),
    part: {
      name: 'approval settings',
      start: async () => {
        ids.startAfter(await store.newestId())
        await settings.start()
      },
    },
  }
}
