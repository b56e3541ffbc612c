/** Derives an account's past states from the facts in memory, and the periods in which the server was down. */
import type { EventOf } from '../../contract/event.ts'
import type { EventLog } from './event-log.ts'

/** A change of state or a server start; `seenAt` is the time of the previous run's last fact, unknown after that. */
export type StateSign =
  | { kind: 'changed'; data: EventOf<'account_state_changed'>['data'] }
  | { kind: 'started'; at: string; seenAt: string | undefined }

/** Returns the signs oldest first, as far back as memory reaches: about 10,000 cheap look-ups and no database query. */
export function stateSigns(log: Pick<EventLog, 'find' | 'newest' | 'oldestHeld'>, accountId: string): StateSign[] {
  const signs: StateSign[] = []
  let seenAt: string | undefined
  for (let number = log.oldestHeld; number <= log.newest; number++) {
    const fact = log.find(number)?.fact
    if (!fact) continue
    if (fact.type === 'server_started') signs.push({ kind: 'started', at: fact.data.at, seenAt })
    if (fact.type === 'account_state_changed' && fact.data.account_id === accountId) {
      signs.push({ kind: 'changed', data: fact.data })
    }
    seenAt = fact.data.at
  }
  return signs
}
