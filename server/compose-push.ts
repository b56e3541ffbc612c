/** Web Push, wired by hand: who is notified of what waits for approval, and by which way. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import type { ApproverView } from './approvals/approver-view.ts'
import type { EventHub } from './events/event-hub.ts'
import type { LeaseService } from './leases/lease-service.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { GuardedFetch } from './platform/network/guarded-fetch.ts'
import type { Principal } from './platform/principal.ts'
import { type SecretBox, Signer } from './platform/secret-box.ts'
import { ApprovalPushes, type WaitingFor } from './push/approval-pushes.ts'
import { PushDelivery } from './push/push-delivery.ts'
import type { Standing } from './push/push-message.ts'
import { PushQueue } from './push/push-queue.ts'
import { pushRoutes } from './push/push-routes.ts'
import { PushSender } from './push/push-sender.ts'
import { PushService } from './push/push-service.ts'
import { PushServices } from './push/push-services.ts'
import { PushStore } from './push/push-store.ts'
import { VapidKeyHolder } from './push/vapid-keys.ts'
import { rightsOf } from './users/rights.ts'
import { UserStore } from './users/user-store.ts'

export interface PushSurroundings {
  db: Database
  hub: EventHub
  leases: LeaseService
  secrets: SecretBox
  accounts: Pick<AccountService, 'get'>
  /** What users may approve. */
  approver: ApproverView
  /** By which push services are asked. */
  pushing: GuardedFetch
  /** Patterns of their hosts. */
  services: readonly string[]
  /** Of the page. */
  baseUrl(): string
  calls: Pick<CallMetrics, 'recordPush'>
  logger: Logger
}

export interface ComposedPush {
  addRoutes(http: HttpServer): void
  part: Part
}

export function composePush(around: PushSurroundings): ComposedPush {
  const { db, hub, leases, secrets, accounts, approver, pushing, baseUrl, calls, logger } = around
  const now = Date.now
  const store = new PushStore(db)
  const services = new PushServices(around.services)
  const holder = new VapidKeyHolder(store, secrets, now)
  const keys = () => holder.get()
  const subject = () => subjectOf(baseUrl())
  const sender = new PushSender({ services, keys, fetch: pushing.fetch, subject })
  const topics = new Signer(secrets.derive('push topics'))
  const delivery = new PushDelivery({ store, sender, topics, now, logger })
  const push = new PushService({ store, services, keys, delivery, now })
  const queue = new PushQueue({ observe: result => calls.recordPush(result), logger })
  const waiting: WaitingFor = {
    groupsOf: ids => approver.groupsOf(ids),
    groupsSince: at => approver.groupsSince(at),
    standing: standingOf({ users: new UserStore(db), accounts, approver }),
  }
  const pushes = new ApprovalPushes({ hub, leases, store, waiting, queue, delivery, now, logger })
  return {
    addRoutes: http => pushRoutes(http, push),
    part: {
      name: 'push',
      start: () => (services.isOff ? undefined : pushes.start()),
      stop: async () => {
        await pushes.stop()
        await pushing.stop()
      },
    },
  }
}

/** By the rights that the database has for the user now, whichever process changed them. */
function standingOf({
  users,
  accounts,
  approver,
}: {
  users: UserStore
  accounts: Pick<AccountService, 'get'>
  approver: ApproverView
}): WaitingFor['standing'] {
  return async (userId, groups): Promise<Standing | undefined> => {
    const user = await users.find(userId)
    if (!user || user.disabled) return undefined
    const principal: Principal = { id: `user-${userId}`, name: user.name, kind: 'session', userId, ...rightsOf(user) }
    const { items, total } = await approver.waitingFor(principal, groups)
    const [first] = items
    if (!first) return undefined
    const accountIds = new Set(items.map(({ account_id: id }) => id))
    const account = accountIds.size === 1 ? await accounts.get(principal, first.account_id) : undefined
    return {
      count: items.length,
      total,
      asks: [...new Set(items.map(({ principal_name: name }) => name))],
      account: account?.name || account?.email,
      open: first.id,
      expiresAt: items.reduce((last, { expires_at: at }) => (at > last ? at : last), first.expires_at),
    }
  }
}

/** The contact that push services are given: the page where it has a name, since they refuse one of this machine. */
function subjectOf(url: string): string {
  const { protocol, hostname, origin } = new URL(url)
  return protocol === 'https:' && hostname !== 'localhost' ? origin : `mailto:postmaster@${hostname}`
}
