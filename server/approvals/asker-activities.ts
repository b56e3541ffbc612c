/** What a caller that asks for approvals did in the last hour. */
import type { AskerActivity } from '../../contract/asker-activity.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { PolicyRates } from '../policies/policy-rates.ts'
import { type RecentCalls, strangerName } from './recent-calls.ts'

export interface AskerActivitiesOptions {
  outbox: Pick<OutboxService, 'countSince'>
  rates: Pick<PolicyRates, 'used'>
  calls: Pick<RecentCalls, 'list'>
  now(): number
}

const hour = 60 * 60_000
const mostCalls = 20

export class AskerActivities {
  readonly #options: AskerActivitiesOptions

  constructor(options: AskerActivitiesOptions) {
    this.#options = options
  }

  /** @param principalId The caller that asks. Whether its requests may be seen was checked before. */
  async of(principalId: string): Promise<AskerActivity> {
    const { outbox, rates, calls, now } = this.#options
    const since = new Date(now() - hour).toISOString()
    const states = await outbox.countSince(principalId, since)
    const made = calls.list(principalId)
    return {
      since,
      sent: (states.sent ?? 0) + (states.partial ?? 0),
      held: states.held ?? 0,
      denied: states.denied ?? 0,
      changes: (await rates.used(principalId)).changes_hour,
      read_strangers: made.find(({ name }) => name === strangerName)?.count ?? 0,
      calls: made.filter(({ name }) => name !== strangerName).slice(0, mostCalls),
    }
  }
}
