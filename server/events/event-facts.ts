/** The facts that a principal may see, newest first, out of memory. */
import type { LoggedFact } from '../../contract/event.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { EventLog } from './event-log.ts'
import { EventView, parseFilter } from './event-view.ts'

export interface FactQuery {
  types?: string | string[] | undefined
  account_id?: string | string[] | undefined
  /** The id of a fact: only older ones. */
  before?: string | undefined
}

/** As far as the log holds them and memory reaches back. With accounts named, facts of no account are left out. */
export function listFacts(log: EventLog, principal: Principal, limit: number, asked: FactQuery): LoggedFact[] {
  const filter = parseFilter(asked)
  const view = new EventView(principal, filter)
  const found: LoggedFact[] = []
  const first = Math.max(log.oldest, log.oldestHeld)
  for (let number = newestOf(log, asked.before); number >= first && found.length < limit; number--) {
    const fact = log.find(number)?.fact
    if (!fact || !view.accepts(fact) || (filter.accounts && !('account_id' in fact.data))) continue
    found.push({ id: log.idOf(number), ...fact })
  }
  return found
}

function newestOf(log: EventLog, before: string | undefined): number {
  if (before === undefined) return log.newest
  const place = log.locate(before)
  // Of a fact that is forgotten, all older ones are too.
  if ('gap' in place && place.gap === 'expired') return 0
  if ('after' in place) return place.after - 1
  const message = 'is not the id of a fact of this server'
  throw new Problem('bad_request', `query.before: ${message}`, { errors: [{ path: 'query.before', message }] })
}
