/** Sending and approvals, wired by hand. A part of the composition root. */
import type { SessionService } from './access/session-service.ts'
import type { AccountService } from './accounts/account-service.ts'
import { ApprovalDetails } from './approvals/approval-details.ts'
import { ApprovalEnds } from './approvals/approval-ends.ts'
import { approvalRoutes } from './approvals/approval-routes.ts'
import { ApprovalService } from './approvals/approval-service.ts'
import type { ApprovalSettingsHolder } from './approvals/approval-settings.ts'
import { ApproverView } from './approvals/approver-view.ts'
import { AskerActivities } from './approvals/asker-activities.ts'
import { HeldEdits } from './approvals/held-edits.ts'
import { PasskeyConfirmation, type UserPasskeys } from './approvals/passkey-confirmation.ts'
import { PermissionPrompts } from './approvals/permission-prompts.ts'
import { permissionRoutes } from './approvals/permission-routes.ts'
import { RecentCalls } from './approvals/recent-calls.ts'
import { ReleaseCheck } from './approvals/release-check.ts'
import { SendService, type SendServiceOptions } from './approvals/send-service.ts'
import { sendTools } from './approvals/send-tools.ts'
import { threadPeople } from './approvals/thread-people.ts'
import type { ComposedDrafts } from './compose-drafts.ts'
import type { ComposedLeaving } from './compose-leaving.ts'
import type { ComposedPolicies } from './compose-policies.ts'
import { envelopeAddress } from './drafts/draft-recipients.ts'
import { OwnAddresses } from './drafts/reply-recipients.ts'
import type { EventHub } from './events/event-hub.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { MailService } from './mail/mail-service.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Principal } from './platform/principal.ts'
import type { ProposalIntake } from './platform/proposal-intake.ts'
import { shownSenders } from './policies/shown-words.ts'
import { approverOf, deciderOf } from './sender-rights.ts'
import type { Tool } from './tools/tool.ts'

export interface ApprovalSurroundings {
  db: Database
  hub: EventHub
  accounts: AccountService
  mail: Pick<MailService, 'getMessage'>
  writing: ComposedDrafts
  /** The largest message, in bytes, that the SMTP server of an account accepts; undefined if it names no limit. */
  sizeLimitOf(accountId: string): number | undefined
  outbox: OutboxService
  leaving: ComposedLeaving
  ruling: ComposedPolicies
  freezes: FreezeService
  sessions: Pick<SessionService, 'find'>
  /** Takes changes that are only proposed. */
  intake: ProposalIntake
  passkeys: UserPasskeys
  /** The base URL of the page. */
  baseUrl(): string
  logger: Logger
}

export interface ComposedApprovals {
  /** The recent calls of programs. */
  calls: RecentCalls
  approvals: ApprovalService
  settings: Pick<ApprovalSettingsHolder, 'read'>
  activities: AskerActivities
  /** Permission prompts of agents, about tools of their own programs. */
  prompts: PermissionPrompts
  /** Registers a listener that is called with the id of each new prompt, for notifications. */
  onPrompt(asked: (id: string) => void): void
  tools: Tool[]
  /** Returns what users may approve. */
  approver: ApproverView
  addRoutes(http: HttpServer): void
  part: Part
}

const sessionMark = 'session-'

export function composeApprovals(around: ApprovalSurroundings): ComposedApprovals {
  const { db, hub, accounts, mail, writing, outbox, leaving, ruling, freezes, sessions, intake, baseUrl, logger } =
    around
  const { drafts, composer, messages, keys, identities } = writing
  const { policies, rates, judge, reads } = ruling
  const now = Date.now
  const { store, ids, settings, senders } = leaving
  const calls = new RecentCalls()
  reads.onRead(calls)
  const othersIn: SendServiceOptions['othersIn'] = async (principal, accountId, people) => {
    if (people.length === 0) return []
    const own = new OwnAddresses((await identities.identityOf(principal, accountId)).own)
    return people.filter(({ email }) => !own.has(email)).map(({ email }) => envelopeAddress(email))
  }
  const sending = new SendService({
    othersIn,
    ...{ drafts, composer, keys, outbox, judge, policies, rates, freezes, store, settings, hub, accounts, intake, now },
    peopleOf: async (principal, accountId, { ref }) => {
      if (ref === null) return undefined
      return threadPeople(await mail.getMessage(principal, accountId, ref, AbortSignal.timeout(10_000)))
    },
    isOfKnown: async (principal, accountId, { ref }) => {
      if (ref === null) return false
      const message = await mail.getMessage(principal, accountId, ref, AbortSignal.timeout(10_000))
      return reads.areKnown(accountId, shownSenders(message))
    },
    nextId: () => ids.next(),
    sizeLimitOf: around.sizeLimitOf,
  })
  const signedInAt = async ({ id }: Principal) => {
    const session = await sessions.find(id.slice(sessionMark.length))
    return session && Date.parse(session.created_at)
  }
  const releases = new ReleaseCheck({ ...senders, judge, now })
  const ends = new ApprovalEnds({ store, outbox, releases, hub, now, logger })
  const passkeys = new PasskeyConfirmation(around.passkeys)
  const approvals = new ApprovalService({
    ...{ store, settings, outbox, releases, ends, hub, signedInAt, now },
    findApprover: approverOf(db),
    findDecider: deciderOf(db),
    passkeys,
  })
  let prompted: (id: string) => void = () => undefined
  const prompts = new PermissionPrompts({
    now,
    changed: () => hub.publishLastState({ type: 'permission_prompts', data: { at: new Date(now()).toISOString() } }),
    opened: id => prompted(id),
  })
  const activities = new AskerActivities({ outbox, rates, calls, now })
  const details = new ApprovalDetails({ approvals, outbox, messages, activities, drafts })
  const edits = new HeldEdits({ othersIn, approvals, releases, store, drafts, composer, outbox, hub, now })
  const tokenAs = async (principal: Principal, tokenId: string): Promise<Principal> => {
    await policies.get(principal, tokenId)
    return { ...principal, kind: 'token', id: `token-${tokenId}` }
  }
  return {
    ...{ approvals, settings, activities, prompts, calls },
    onPrompt: asked => {
      prompted = asked
    },
    approver: new ApproverView({ db, settings }),
    tools: sendTools({
      ...{ sending, outbox, hub },
      accountOf: (principal, draftId) => drafts.accountOf(principal, draftId),
      proposalOf: async id => (await approvals.findOf(id))?.proposal_id ?? undefined,
      urlOf: id => `${baseUrl()}/approvals?open=${id}`,
    }),
    addRoutes: http => {
      approvalRoutes(http, { sending, approvals, details, edits, passkeys, settings, tokenAs })
      permissionRoutes(http, prompts)
    },
    part: {
      name: 'approvals',
      start: () => ends.start(),
      stop: () => {
        prompts.stop()
        return ends.stop()
      },
    },
  }
}
