/** Web Push, wired by hand: who is notified of pending approvals, and how. A part of the composition root. */
import type { PermissionPrompt } from '../contract/permission-prompts.ts'
import type { AccountService } from './accounts/account-service.ts'
import type { ApproverView, Waiting as WaitingMessage } from './approvals/approver-view.ts'
import type { PermissionPrompts } from './approvals/permission-prompts.ts'
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
import type { ProposerView, WaitingProposal } from './proposals/proposer-view.ts'
import { ApprovalPushes, type WaitingFor } from './push/approval-pushes.ts'
import { PushDelivery } from './push/push-delivery.ts'
import { type AlertContent, namelessAlert, type Standing } from './push/push-message.ts'
import { PushQueue } from './push/push-queue.ts'
import { pushRoutes } from './push/push-routes.ts'
import { type PushOutcome, PushSender } from './push/push-sender.ts'
import { PushService } from './push/push-service.ts'
import { PushServices } from './push/push-services.ts'
import { PushStore } from './push/push-store.ts'
import type { PushRow } from './push/push-tables.ts'
import { VapidKeyHolder } from './push/vapid-keys.ts'
import { rightsOf } from './users/rights.ts'
import { UserStore } from './users/user-store.ts'

export interface PushSurroundings {
  db: Database
  hub: EventHub
  leases: LeaseService
  secrets: SecretBox
  accounts: Pick<AccountService, 'get'>
  /** Returns what users may approve. */
  approver: ApproverView
  /** Returns what users may apply. */
  proposer: ProposerView
  /** Permission prompts of agents. */
  prompts: Pick<PermissionPrompts, 'list'>
  onPrompt(asked: (id: string) => void): void
  /** Carries requests to push services. */
  pushing: GuardedFetch
  /** Host patterns of allowed push services. */
  services: readonly string[]
  /** The base URL of the page. */
  baseUrl(): string
  calls: Pick<CallMetrics, 'recordPush'>
  logger: Logger
}

export interface ComposedPush {
  /** The browsers that notifiers of alerts can reach. */
  browsers: {
    browsersOf(userId: string, accountIds: readonly (string | null)[]): Promise<readonly PushRow[] | string>
    deliver(browser: PushRow, content: AlertContent, signal: AbortSignal): Promise<PushOutcome>
    hasUser(userId: string): Promise<boolean>
  }
  addRoutes(http: HttpServer): void
  part: Part
}

/** Lifetime of a queued alert notification, in seconds: a push service drops it after a day. */
const alertTtlSeconds = 24 * 60 * 60

export function composePush(around: PushSurroundings): ComposedPush {
  const { db, hub, leases, secrets, accounts, approver, proposer, prompts, pushing, baseUrl, calls, logger } = around
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
    groupsOf: async (approvals, proposals) =>
      (await Promise.all([approver.groupsOf(approvals), proposer.openOf(proposals)])).flat(),
    groupsSince: async at => (await Promise.all([approver.groupsSince(at), proposer.openSince(at)])).flat(),
    standing: standingOf({ users: new UserStore(db), accounts, approver, proposer, prompts }),
  }
  const users = new UserStore(db)
  const pushes = new ApprovalPushes({ hub, leases, store, waiting, queue, delivery, now, logger })
  around.onPrompt(id => pushes.note(id))
  return {
    browsers: {
      hasUser: async id => (await users.find(id)) !== undefined,
      browsersOf: async (userId, accountIds) => {
        if (services.isOff) return 'Web Push is switched off.'
        const user = await users.find(userId)
        if (!user) return 'A user was deleted.'
        const { scopes, accounts: own } = rightsOf(user)
        const sees = own === 'all' || accountIds.every(id => id !== null && own.has(id))
        if (user.disabled || !scopes.has('dashboard:read') || !sees) return `${user.name} may not see this.`
        const rows = await store.listOf(userId)
        return rows.length === 0 ? `${user.name} has no subscribed browser.` : rows
      },
      deliver: (row, content, signal) =>
        delivery.deliver(row, row.details === 'none' ? namelessAlert(content) : content, alertTtlSeconds, signal),
    },
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

/** Reads a user's current rights from the database, whichever process changed them. */
function standingOf({
  users,
  accounts,
  approver,
  proposer,
  prompts,
}: {
  users: UserStore
  accounts: Pick<AccountService, 'get'>
  approver: ApproverView
  proposer: ProposerView
  prompts: Pick<PermissionPrompts, 'list'>
}): WaitingFor['standing'] {
  return async (userId, groups): Promise<Standing | undefined> => {
    const user = await users.find(userId)
    if (!user || user.disabled) return undefined
    const principal: Principal = { id: `user-${userId}`, name: user.name, kind: 'session', userId, ...rightsOf(user) }
    const [messages, proposals] = await Promise.all([
      approver.waitingFor(principal, groups),
      proposer.waitingFor(principal),
    ])
    const asked = prompts.list(principal).map(toWaiting)
    const items = together(
      messages.items,
      proposals.filter(({ id }) => groups.includes(id)),
      asked.filter(({ id }) => groups.includes(id)),
    )
    const [first] = items
    if (!first) return undefined
    const accountIds = new Set(items.map(({ account_id: id }) => id))
    const account =
      accountIds.size === 1 && first.account_id !== null ? await accounts.get(principal, first.account_id) : undefined
    return {
      count: items.length,
      proposals: items.filter(({ isProposal }) => isProposal).length,
      total: together(messages.all, proposals, asked).length,
      asks: [...new Set(items.map(({ principal_name: name }) => name))],
      account: account?.name || account?.email,
      open: first.id,
      expiresAt: items.reduce((last, { expires_at: at }) => (at > last ? at : last), first.expires_at),
    }
  }
}

/** Converts a permission prompt, which belongs to no account. */
function toWaiting({ id, asks, expires_at }: PermissionPrompt): WaitingPrompt {
  return { id, account_id: null, principal_name: asks.name, expires_at, isProposal: false }
}

interface WaitingPrompt {
  id: string
  account_id: string | null
  principal_name: string
  expires_at: string
  isProposal: boolean
}

/** Returns each message that is in no proposal, each proposal once, and each prompt; the oldest first. */
function together(
  messages: readonly WaitingMessage[],
  proposals: readonly WaitingProposal[],
  prompts: readonly WaitingPrompt[],
): WaitingPrompt[] {
  const all = new Map<string, WaitingPrompt>(
    proposals.map(proposal => [proposal.id, { ...proposal, isProposal: true }]),
  )
  for (const { proposal_id: proposalId, ...message } of messages) {
    const id = proposalId ?? message.id
    const known = all.get(id)
    // A proposal waits as long as its last item.
    const expires_at = known && known.expires_at > message.expires_at ? known.expires_at : message.expires_at
    all.set(id, { ...message, ...known, id, expires_at, isProposal: proposalId !== null })
  }
  // After their type letter, ids sort by time.
  return [...all.values(), ...prompts].sort((one, other) => (one.id.slice(1) < other.id.slice(1) ? -1 : 1))
}

/** Returns the contact given to push services: the page's URL if it has a public name, since they refuse local ones. */
function subjectOf(url: string): string {
  const { protocol, hostname, origin } = new URL(url)
  return protocol === 'https:' && hostname !== 'localhost' ? origin : `mailto:postmaster@${hostname}`
}
