/** The policies of tokens on a database, in one process or several. */
import { onTestFinished } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { PolicyRates } from '../../server/policies/policy-rates.ts'
import { PolicyService } from '../../server/policies/policy-service.ts'
import { PolicyStore } from '../../server/policies/policy-store.ts'
import { startHub } from './event-hub.ts'
import { tokensOn } from './tokens-on.ts'

export const strict: TokenPolicy = {
  ...defaultPolicy,
  sending: { ...defaultPolicy.sending, recipients: ['@example.com'] },
}

export async function policiesOn(db: Database) {
  const { hub, facts } = await startHub(db)
  const world = tokensOn(db, hub)
  const store = new PolicyStore(db)
  /** Finds callers with their current rights. */
  const callers = { find: (principal: Principal): Principal | undefined => principal }
  const start = async (now = Date.now) => {
    const policies = new PolicyService({
      store,
      rates: new PolicyRates(store, now),
      hub,
      ownerOf: id => world.store.find(id),
      findCaller: async principal => callers.find(principal),
      now,
      logger: createLogger('silent'),
    })
    await policies.start()
    onTestFinished(() => policies.stop())
    return policies
  }
  return { ...world, hub, facts, callers, start, policies: await start() }
}
