/** Policies of tokens, wired by hand. A part of the composition root. */
import { factTypes } from '../contract/event.ts'
import { DraftStore } from './drafts/draft-store.ts'
import type { EventHub } from './events/event-hub.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { maySeeAccount } from './platform/principal.ts'
import type { Shown } from './platform/shown.ts'
import { wordsInEvents } from './policies/foreign-words.ts'
import { OrganizingJudge } from './policies/organizing-judge.ts'
import { PolicyRates } from './policies/policy-rates.ts'
import { policyRoutes } from './policies/policy-routes.ts'
import { PolicyService } from './policies/policy-service.ts'
import { PolicyStore } from './policies/policy-store.ts'
import { ShownWords } from './policies/shown-words.ts'
import { StrangerReads } from './policies/stranger-reads.ts'
import { TokenJudge } from './policies/token-judge.ts'
import { deciderOf } from './sender-rights.ts'
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

export function composePolicies({ db, hub, writtenTo, logger }: PolicySurroundings): ComposedPolicies {
  const store = new PolicyStore(db)
  const now = Date.now
  const rates = new PolicyRates(store, now)
  const tokens = new TokenStore(db)
  const ownerOf = (tokenId: string) => tokens.find(tokenId)
  const policies = new PolicyService({ store, rates, hub, ownerOf, findCaller: deciderOf(db), now, logger })
  const { policyOf } = policies
  const reads = new StrangerReads({ store, writtenTo, now, logger })
  const lastStrangerRead = (id: string, transaction?: Database) => reads.last(id, transaction)
  const judge = new TokenJudge({ rates, writtenTo, lastStrangerRead, now })
  const drafts = new DraftStore(db)
  const words = new ShownWords({
    reads,
    policyOf,
    draftsOf: async ids =>
      (await drafts.origins(ids)).map(({ id, principal_id: by, taint_ms: taintMs }) => ({ id, by, taintMs })),
  })
  // Taints programs whose open streams receive events with words of strangers.
  const hear = (data: object) => {
    const accountId = 'account_id' in data && typeof data.account_id === 'string' ? data.account_id : undefined
    for (const principal of hub.readers()) {
      if (principal.kind === 'session' || !principal.scopes.has('mail:meta')) continue
      // The frame is not delayed: this process knows the taint immediately, other processes one statement later.
      if (accountId === undefined || maySeeAccount(principal, accountId))
        void reads.note(principal.id, accountId, undefined)
    }
  }
  const foreign = factTypes.filter(type => wordsInEvents.get(type) !== 'none')
  const stopListening = foreign.map(type => hub.listen(type, hear))
  return {
    policies,
    rates,
    judge,
    reads,
    organizing: new OrganizingJudge({ read: (...asked) => policies.read(...asked), rates, db }),
    shown: words.record,
    addRoutes: http => policyRoutes(http, policies),
    part: {
      name: 'policies',
      start: async () => {
        await policies.start()
        reads.start()
      },
      stop: async () => {
        for (const stop of stopListening) stop()
        policies.stop()
        await reads.stop()
      },
    },
  }
}
