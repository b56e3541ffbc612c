/** What the facts in memory say of an account's past states, and when the server itself was not there to see. */
import type { EventOf } from '../../contract/event.ts'
import type { EventLog } from './event-log.ts'

/** `seenAt` is when the run before gave its last sign: between it and the start nothing is known. */
export type StateSign =
  | { kind: 'changed'; data: EventOf<'account_state_changed'>['data'] }
  | { kind: 'started'; at: string; seenAt: string | undefined }

/** Oldest first, as far as memory reaches back: some 10,000 short look-ups, and no question to the database. */
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
