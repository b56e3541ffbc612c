/** Policies of tokens, wired by hand. A part of the composition root. */
import type { EventHub } from './events/event-hub.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { maySeeAccount } from './platform/principal.ts'
import type { Shown } from './platform/shown.ts'
import { OrganizingJudge } from './policies/organizing-judge.ts'
import { PolicyRates } from './policies/policy-rates.ts'
import { policyRoutes } from './policies/policy-routes.ts'
import { PolicyService } from './policies/policy-service.ts'
import { PolicyStore } from './policies/policy-store.ts'
import { repeatsOthers, shownSenders } from './policies/shown-senders.ts'
import { StrangerReads } from './policies/stranger-reads.ts'
import { TokenJudge } from './policies/token-judge.ts'
import { TokenStore } from './tokens/token-store.ts'

export interface PolicySurroundings {
  db: Database
  hub: EventHub
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  logger: Logger
}

export interface ComposedPolicies {
  policies: PolicyService
  rates: PolicyRates
  judge: TokenJudge
  organizing: OrganizingJudge
  reads: StrangerReads
  shown: Shown
  addRoutes(http: HttpServer): void
  part: Part
}

/** What shows words of mail, beside what only names folders and accounts. */
const showsMail =
  /^(mail|mailSearch|mailIndex|events)\.|^tool\.mail_(search|read|attachment|changes|thread)|^drafts\.(previewDraft|getHtml|getRaw|getAttachment|attachFromMessage)$|^outbox\.getSubmissionHtml$|Content$|^approvals\.getApproval$|^proposals\.listProposedChanges$/
const namesOnly = new Set([
  'mail.listFolders',
  'mailIndex.getIndex',
  'mailIndex.rebuildIndex',
  'events.getStreamHealth',
])

export function composePolicies({ db, hub, writtenTo, logger }: PolicySurroundings): ComposedPolicies {
  const store = new PolicyStore(db)
  const now = Date.now
  const rates = new PolicyRates(store, now)
  const tokens = new TokenStore(db)
  const ownerOf = (tokenId: string) => tokens.find(tokenId)
  const policies = new PolicyService({ store, rates, hub, ownerOf, now, logger })
  const { policyOf } = policies
  const reads = new StrangerReads({ store, writtenTo, now, logger })
  const judge = new TokenJudge({ policyOf, rates, writtenTo, lastStrangerRead: id => reads.last(id), now })
  // What comes over streams that are open already.
  const stopListening = hub.listen('mail_received', ({ account_id: accountId }) => {
    for (const principal of hub.readers()) {
      if (principal.kind !== 'session' && principal.scopes.has('mail:meta') && maySeeAccount(principal, accountId)) {
        reads.note(principal.id, accountId, undefined)
      }
    }
  })
  return {
    policies,
    rates,
    judge,
    reads,
    organizing: new OrganizingJudge({ policyOf, rates, db }),
    shown: ({ kind, id }, { name, effect }, accountId, answer) => {
      if (kind === 'session' || kind === 'anonymous') return
      if (/^(drafts|outbox|proposals)\./.test(name) && repeatsOthers(answer))
        return reads.note(id, accountId, undefined)
      if (effect !== 'read' && name !== 'drafts.attachFromMessage') return
      if (!showsMail.test(name) || namesOnly.has(name)) return
      reads.note(id, accountId, answer === undefined ? undefined : shownSenders(answer))
    },
    addRoutes: http => policyRoutes(http, policies),
    part: {
      name: 'policies',
      start: async () => {
        await policies.start()
        await reads.start()
      },
      stop: async () => {
        stopListening()
        policies.stop()
        await reads.stop()
      },
    },
  }
}
